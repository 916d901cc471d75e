"""ONNX operators for class log-odds features and the linear model.

Here token ids have the shape (B, T), padded at the end with zeros.
"""

from typing import Any

import numpy as np
from scipy import sparse

from sklearn_bilstm.onnx._bucket_lookup import ranks
from sklearn_bilstm.onnx._graph import Graph, Operand
from sklearn_bilstm.onnx._weights import rows_of
from sklearn_bilstm.sequences import SPREAD_FACTOR, SPREAD_SHIFT, HashedNgramVocabulary
from sklearn_bilstm.training import ClassLogOdds, LinearModel, MeanVectorModel
from sklearn_bilstm.utils._ids import UNKNOWN_ID

__all__ = ["linear_logits", "log_odds_channels"]


def log_odds_channels(graph: Graph, log_odds: ClassLogOdds, ids: str) -> str:
    """Return features estimated from all training rows, (T, B, n_channels)."""
    table = log_odds.tables[-1]  # its last row is zero, for missing n-grams
    columns = _columns_at_steps(graph, log_odds.vocabulary, ids, len(table) - 1)
    columns = graph.op("Transpose", columns, perm=[2, 1, 0])  # (T, B, n_lengths)
    channels = rows_of(graph, table, columns)
    return graph.op("Reshape", channels, [0, 0, log_odds.n_channels])


def linear_logits(
    graph: Graph, linear: LinearModel, ids: str, static: str | None
) -> str:
    """Return the logits of a fitted linear model, float64 of shape (B, K).

    Parameters
    ----------
    graph : Graph
    linear : LinearModel
    ids : str
        Token ids.
    static : str or None
        Standardised static features of shape (B, S).
    """
    logits = _ngram_logits(graph, linear, ids, static)
    if linear.vectors is None:
        return logits
    share = np.float64(linear.share_of_vectors)
    vector_logits = _mean_vector_logits(graph, linear.vectors, ids)
    terms = (1 - share, logits), (share, vector_logits)
    weighted = (graph.op("Mul", values, weight) for weight, values in terms)
    return graph.op("Add", *weighted)


def _mean_vector_logits(graph: Graph, model: MeanVectorModel, ids: str) -> str:
    """Return the logits of regressions on mean vectors, float64 of shape (B, K)."""
    regressions: Any = model.regressions
    n_tokens = len(model.weights)
    table, coefficients = _without_mirrored(
        model.table, regressions.coefficients.astype(np.float64)
    )
    is_known = graph.op("Less", ids, n_tokens)
    ids = graph.op("Where", is_known, ids, UNKNOWN_ID)  # without a weight
    weights = rows_of(graph, model.weights, ids)  # (B, T)
    vectors = rows_of(graph, table, ids)  # (B, T, R)
    sums = graph.op("MatMul", graph.op("Unsqueeze", weights, [1]), vectors)
    sums = graph.op("Squeeze", sums, [1])  # (B, R)
    totals = graph.op("ReduceSum", weights, [1])  # (B, 1)
    totals = graph.op("Max", totals, np.finfo(np.float32).tiny)
    logits = graph.cast(graph.op("Div", sums, totals), np.float64)
    logits = _product(graph, logits, coefficients)
    logits = graph.op("Add", logits, regressions.intercepts.astype(np.float64))
    if model.multilabel:
        return logits
    return _expanded(graph, logits, regressions.classes, model.n_classes)


def _ngram_logits(
    graph: Graph, linear: LinearModel, ids: str, static: str | None
) -> str:
    """Return the logits of regressions on n-grams, float64 of shape (B, K)."""
    model: Any = linear.ngram_model.regressions
    coefficients = model.coefficients.astype(np.float32)
    n_ngrams = len(linear.ngram_model.idf)
    ngram_coefficients = coefficients[:n_ngrams]
    static_coefficients = coefficients[n_ngrams:]
    columns, weights = _tfidf(graph, linear, ids)
    if sparse.issparse(coefficients):
        logits = _sparse_product(graph, columns, weights, ngram_coefficients)
        static_coefficients = static_coefficients.toarray()
    else:
        identity = np.eye(ngram_coefficients.shape[1], dtype=np.float32)
        table, coefficients = _without_mirrored(ngram_coefficients, identity)
        selected = rows_of(graph, _with_zeros(table), columns)
        logits = graph.op("MatMul", graph.op("Unsqueeze", weights, [1]), selected)
        logits = graph.op("Squeeze", logits, [1])
        logits = _product(graph, logits, coefficients)  # (B, n_outputs)
    if static is not None:
        static_logits = graph.op("MatMul", static, static_coefficients)
        logits = graph.op("Add", logits, static_logits)
    logits = graph.op("Add", graph.cast(logits, np.float64), model.intercepts)
    if linear.multilabel:
        return logits
    return _expanded(graph, logits, model.classes, linear.n_classes)


def _without_mirrored(
    table: np.ndarray, coefficients: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Drop the first of two columns if it is the negative of the other one.

    The product of the returned table and coefficients equals that of the given ones.
    """
    if table.shape[1] != 2 or not np.array_equal(table[:, 0], -table[:, 1]):
        return table, coefficients
    return table[:, 1:], coefficients[1:] - coefficients[:1]


def _product(graph: Graph, x: str, matrix: np.ndarray) -> str:
    """Return the product with a matrix, unless it is the identity matrix."""
    if np.array_equal(matrix, np.eye(*matrix.shape)):
        return x
    return graph.op("MatMul", x, matrix)


def _sparse_product(
    graph: Graph, columns: str, weights: str, coefficients: sparse.csr_array
) -> str:
    """Return weights times the coefficients of their columns, of shape (B, n_outputs).

    ONNX has no product of sparse matrices. The products of weights and nonzero
    coefficients are stored in one flat array, ordered by column.

    Parameters
    ----------
    graph : Graph
    columns, weights : str
        Of shape (B, L). Index n_columns stands for a missing n-gram.
    coefficients : csr_array of shape (n_columns, n_outputs)
    """
    n_outputs = coefficients.shape[1]
    sizes = np.append(np.diff(coefficients.indptr), [0, 0])
    starts = graph.op("CumSum", _integers(graph, sizes), 0, exclusive=1)
    shape = graph.op("Shape", columns)
    columns = graph.op("Reshape", columns, [-1])
    first = graph.op("Gather", starts, columns)
    last = graph.op("Gather", starts, graph.op("Add", columns, 1))
    n_pairs = graph.op("Sub", last, first)
    ends = graph.op("CumSum", n_pairs, 0)
    begins = graph.op("Sub", ends, n_pairs)
    total = graph.op("ReduceSum", n_pairs, [0])  # of shape (1,)
    # number of columns, also empty ones, that begin at each position or before it
    ones = graph.op("Sub", graph.op("Add", n_pairs, 1), n_pairs)
    marks = graph.op("Expand", 0, graph.op("Add", total, 1))
    marks = graph.op("ScatterElements", marks, begins, ones, axis=0, reduction="add")
    owner = graph.op("Sub", graph.op("CumSum", marks, 0), 1)
    owner = graph.op("Slice", owner, [0], total)
    position = graph.op("Sub", graph.op("CumSum", graph.op("Expand", 1, total), 0), 1)
    within = graph.op("Sub", position, graph.op("Gather", begins, owner))
    pair = graph.op("Add", graph.op("Gather", first, owner), within)
    values = graph.op(
        "Mul",
        *(
            graph.op("Gather", graph.op("Reshape", weights, [-1]), owner),
            rows_of(graph, coefficients.data, pair),
        ),
    )
    row = graph.op("Div", owner, graph.op("Gather", shape, [1]))
    indices = coefficients.indices.astype(np.min_scalar_type(n_outputs))
    classes = graph.cast(graph.op("Gather", indices, pair), np.int64)
    target = graph.op("Add", graph.op("Mul", row, n_outputs), classes)
    size = graph.op("Mul", graph.op("Gather", shape, [0]), n_outputs)
    zeros = graph.op("Expand", np.float32(0), size)
    sums = graph.op("ScatterElements", zeros, target, values, axis=0, reduction="add")
    return graph.op("Reshape", sums, [-1, n_outputs])


def _integers(graph: Graph, values: np.ndarray) -> str:
    """Return int64 numbers, which are stored in as few bytes as they need."""
    return graph.cast(values.astype(np.min_scalar_type(values.max())), np.int64)


def _tfidf(graph: Graph, linear: LinearModel, ids: str) -> tuple[str, str]:
    """Return the distinct n-grams of each row and their TF-IDF weights.

    Both have the shape (B, n_lengths * T). Unused entries have a weight of zero and a
    column beyond the last one.
    """
    idf = linear.ngram_model.idf.astype(np.float32)
    vocabulary = linear.ngram_model.vocabulary
    columns = _columns_at_steps(graph, vocabulary, ids, len(idf))
    columns = graph.op("Transpose", columns, perm=[1, 0, 2])  # (B, n_lengths, T)
    columns = graph.op("Reshape", columns, [0, -1])
    columns, counts = _distinct(graph, columns, len(idf))
    weights = graph.op("Add", graph.op("Log", counts), np.float32(1))
    weights = graph.op("Mul", weights, rows_of(graph, _with_zeros(idf), columns))
    norm = graph.op("ReduceL2", weights, [1])
    norm = graph.op("Max", norm, np.finfo(np.float32).tiny)
    return columns, graph.op("Div", weights, norm)


def _with_zeros(table: np.ndarray) -> np.ndarray:
    """Append a row of zeros for missing n-grams."""
    return np.concatenate([table, np.zeros_like(table[:1])])


def _expanded(graph: Graph, logits: str, classes: np.ndarray, n_classes: int) -> str:
    """Insert the logits of classes without training rows, and centre the logits."""
    if len(classes) < n_classes:
        # classes without training rows get the smallest logit
        lowest = graph.op("ReduceMin", logits, [1])
        indices = np.full(n_classes, len(classes))
        indices[classes] = np.arange(len(classes))
        logits = graph.op("Concat", logits, lowest, axis=1)
        logits = graph.op("Gather", logits, indices, axis=1)
    return graph.op("Sub", logits, graph.op("ReduceMean", logits, [1]))


def _distinct(graph: Graph, columns: str, no_column: int) -> tuple[str, str]:
    """Return the distinct columns of each row and their counts, of the same shape.

    Unused entries have the column `no_column` and a count of one.
    """
    shape = graph.op("Shape", columns)
    columns, _ = graph.ops("TopK", 2, columns, graph.op("Gather", shape, [1]), axis=1)
    before = graph.op("Pad", columns, [0, 1, 0, -1], -1)
    same = graph.op("Equal", columns, before)
    begins = graph.cast(graph.op("Not", same), np.int64)
    run = graph.op("Sub", graph.op("CumSum", begins, 1), 1)
    zeros, ones, nothing = (
        graph.op("Expand", value, shape)
        for value in (np.float32(0), np.float32(1), no_column)
    )
    counts = graph.op("ScatterElements", zeros, run, ones, axis=1, reduction="add")
    distinct = graph.op("ScatterElements", nothing, run, columns, axis=1)
    return distinct, graph.op("Max", counts, np.float32(1))


def _columns_at_steps(
    graph: Graph, vocabulary: HashedNgramVocabulary, ids: str, no_column: int
) -> str:
    """Look up the n-grams that end at each step, int64 of shape (n_lengths, B, T).

    Steps without an n-gram, or with an unknown one, have the column `no_column`.
    """
    is_known = graph.op("Less", ids, int(vocabulary.largest_id) + 1)
    ids = graph.op("Where", is_known, ids, UNKNOWN_ID)
    ids = graph.op("Unsqueeze", ids, [0])  # (1, B, T)
    shortest, longest = vocabulary.lengths
    is_token = is_complete = graph.op("Greater", ids, 0)
    hashes = _spread(graph, graph.op("Add", ids, 1))
    all_hashes, all_complete = [], []
    for length in range(1, longest + 1):
        if length > 1:
            before = _shifted(graph, hashes, fill=0)
            is_complete = _shifted(graph, is_complete, fill=np.False_)
            is_complete = graph.op("And", is_token, is_complete)
            hashes = graph.op("Add", graph.op("BitwiseXor", before, ids), 1)
            hashes = _spread(graph, hashes)
        if length >= shortest:
            all_hashes.append(hashes)
            all_complete.append(is_complete)
    hashes, is_complete = (
        graph.op("Concat", *parts, axis=0) for parts in (all_hashes, all_complete)
    )  # (n_lengths, B, T)
    buckets = graph.op("Mul", hashes, _signed(SPREAD_FACTOR))
    n_low_bits = np.uint64(64 - vocabulary.n_bits)
    buckets = _shifted_right(graph, buckets, n_low_bits, np.int32)
    column, has_column = ranks(graph, vocabulary.buckets, vocabulary.n_bits, buckets)
    column = graph.cast(column, np.int64)
    has_column = graph.op("And", is_complete, has_column)
    return graph.op("Where", has_column, column, no_column)


def _shifted(graph: Graph, x: str, *, fill: Operand) -> str:
    """Shift values of shape (1, B, T) by one step."""
    return graph.op("Pad", x, [0, 0, 1, 0, 0, -1], fill)


def _spread(graph: Graph, numbers: str) -> str:
    """Hash numbers like :func:`sklearn_bilstm.sequences.spread`.

    Signed products have the same bits as unsigned ones, which onnxruntime does not
    support.
    """
    products = graph.op("Mul", numbers, _signed(SPREAD_FACTOR))
    high = _shifted_right(graph, products, SPREAD_SHIFT, np.int64)
    return graph.op("BitwiseXor", products, high)


def _signed(number: np.uint64) -> np.int64:
    return number.astype(np.int64)


def _shifted_right(graph: Graph, numbers: str, n_bits: np.uint64, dtype: type) -> str:
    unsigned = graph.cast(numbers, np.uint64)
    shifted = graph.op("BitShift", unsigned, n_bits, direction="RIGHT")
    return graph.cast(shifted, dtype)
