"""ONNX operators for class log-odds features and the linear model.

Here token ids have the shape (B, T), padded at the end with zeros.
"""

from typing import Any

import numpy as np
from scipy import sparse

from sklearn_bilstm.onnx._graph import Graph, Operand
from sklearn_bilstm.sequences import SPREAD_FACTOR, SPREAD_SHIFT, HashedNgramVocabulary
from sklearn_bilstm.training import ClassLogOdds, LinearModel, MeanVectorModel
from sklearn_bilstm.utils._ids import UNKNOWN_ID

__all__ = ["linear_logits", "log_odds_channels"]

# Number of bits of a word of the bitmap of buckets, and of words per block. A byte
# suffices to count the bits before each word of such a block.
_WORD_BITS = 16
_BLOCK_WORDS = 16
_N_ONES = (
    np.unpackbits(np.arange(2**_WORD_BITS, dtype="<u2").view(np.uint8))
    .reshape(-1, _WORD_BITS)
    .sum(1, dtype=np.uint8)
)


def log_odds_channels(graph: Graph, log_odds: ClassLogOdds, ids: str) -> str:
    """Return features estimated from all training rows, (T, B, n_channels)."""
    table = log_odds.tables[-1]  # its last row is zero, for missing n-grams
    channels = []
    for columns in _columns_at_steps(graph, log_odds.vocabulary, ids, len(table) - 1):
        columns = graph.op("Transpose", columns, perm=[1, 0])  # (T, B)
        channels.append(graph.op("Gather", table, columns))
    return graph.cast(graph.op("Concat", *channels, axis=-1), np.float32)


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
    of_vectors = _mean_vector_logits(graph, linear.vectors, ids)
    parts = (1 - share, logits), (share, of_vectors)
    return graph.op("Add", *(graph.op("Mul", part, factor) for factor, part in parts))


def _mean_vector_logits(graph: Graph, model: MeanVectorModel, ids: str) -> str:
    """Return the logits of regressions on mean vectors, float64 of shape (B, K)."""
    regressions: Any = model.regressions
    n_tokens = len(model.weights)
    is_known = graph.op("Less", ids, n_tokens)
    ids = graph.op("Where", is_known, ids, 0)  # padding has no weight
    weights = graph.op("Gather", model.weights.astype(np.float32), ids)  # (B, T)
    vectors = graph.op("Gather", model.table.astype(np.float32), ids)  # (B, T, R)
    sums = graph.op("MatMul", graph.op("Unsqueeze", weights, [1]), vectors)
    sums = graph.op("Squeeze", sums, [1])  # (B, R)
    totals = graph.op("ReduceSum", weights, [1])  # (B, 1)
    totals = graph.op("Max", totals, np.finfo(np.float32).tiny)
    means = graph.cast(graph.op("Div", sums, totals), np.float64)
    logits = graph.op("MatMul", means, regressions.coefficients.astype(np.float64))
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
    of_ngrams, of_static = coefficients[:n_ngrams], coefficients[n_ngrams:]
    columns, weights = _tfidf(graph, linear, ids)
    if sparse.issparse(coefficients):
        logits = _sparse_product(graph, columns, weights, of_ngrams)
        of_static = of_static.toarray()
    else:
        of_found = graph.op("Gather", _with_zeros(of_ngrams), columns)
        logits = graph.op("MatMul", graph.op("Unsqueeze", weights, [1]), of_found)
        logits = graph.op("Squeeze", logits, [1])  # (B, n_found)
    if static is not None:
        logits = graph.op("Add", logits, graph.op("MatMul", static, of_static))
    logits = graph.op("Add", graph.cast(logits, np.float64), model.intercepts)
    if linear.multilabel:
        return logits
    return _expanded(graph, logits, model.classes, linear.n_classes)


def _sparse_product(
    graph: Graph, columns: str, weights: str, coefficients: sparse.csr_array
) -> str:
    """Return weights times the coefficients of their columns, of shape (B, n_found).

    ONNX has no product of sparse matrices. The products of weights and nonzero
    coefficients are stored in one flat array, ordered by column.

    Parameters
    ----------
    graph : Graph
    columns, weights : str
        Of shape (B, L). Index n_columns stands for a missing n-gram.
    coefficients : csr_array of shape (n_columns, n_found)
    """
    n_found = coefficients.shape[1]
    starts = np.append(coefficients.indptr, coefficients.indptr[-1]).astype(np.int64)
    shape = graph.op("Shape", columns)
    columns = graph.op("Reshape", columns, [-1])
    first = graph.op("Gather", starts, columns)
    last = graph.op("Gather", starts, graph.op("Add", columns, 1))
    n_pairs = graph.op("Sub", last, first)
    ends = graph.op("CumSum", n_pairs, 0)
    begins = graph.op("Sub", ends, n_pairs)
    total = graph.op("ReduceSum", n_pairs, [0])  # of shape (1,)
    # number of columns that begin at each place or before it, including empty columns
    ones = graph.op("Sub", graph.op("Add", n_pairs, 1), n_pairs)
    marks = graph.op("Expand", 0, graph.op("Add", total, 1))
    marks = graph.op("ScatterElements", marks, begins, ones, axis=0, reduction="add")
    owner = graph.op("Sub", graph.op("CumSum", marks, 0), 1)
    owner = graph.op("Slice", owner, [0], total)
    place = graph.op("Sub", graph.op("CumSum", graph.op("Expand", 1, total), 0), 1)
    within = graph.op("Sub", place, graph.op("Gather", begins, owner))
    pair = graph.op("Add", graph.op("Gather", first, owner), within)
    values = graph.op(
        "Mul",
        *(
            graph.op("Gather", graph.op("Reshape", weights, [-1]), owner),
            graph.op("Gather", coefficients.data, pair),
        ),
    )
    row = graph.op("Div", owner, graph.op("Gather", shape, [1]))
    classes = graph.op("Gather", coefficients.indices.astype(np.int64), pair)
    target = graph.op("Add", graph.op("Mul", row, n_found), classes)
    size = graph.op("Mul", graph.op("Gather", shape, [0]), n_found)
    zeros = graph.op("Expand", np.float32(0), size)
    sums = graph.op("ScatterElements", zeros, target, values, axis=0, reduction="add")
    return graph.op("Reshape", sums, [-1, n_found])


def _tfidf(graph: Graph, linear: LinearModel, ids: str) -> tuple[str, str]:
    """Return the distinct n-grams of each row and their TF-IDF weights.

    Both have the shape (B, n_lengths * T). Unused entries have a weight of zero and a
    column beyond the last one.
    """
    idf = linear.ngram_model.idf.astype(np.float32)
    at_steps = _columns_at_steps(graph, linear.ngram_model.vocabulary, ids, len(idf))
    columns, counts = _distinct(graph, at_steps, len(idf))
    weights = graph.op("Add", graph.op("Log", counts), np.float32(1))
    weights = graph.op("Mul", weights, graph.op("Gather", _with_zeros(idf), columns))
    norm = graph.op("ReduceL2", weights, [1])
    norm = graph.op("Max", norm, np.finfo(np.float32).tiny)
    return columns, graph.op("Div", weights, norm)


def _with_zeros(table: np.ndarray) -> np.ndarray:
    """Append a row of zeros for missing n-grams."""
    return np.concatenate([table, np.zeros_like(table[:1])])


def _expanded(graph: Graph, logits: str, found: np.ndarray, n_classes: int) -> str:
    """Insert the logits of classes without training rows, and centre the logits."""
    # classes without training rows get the smallest logit
    lowest = graph.op("ReduceMin", logits, [1])
    places = np.full(n_classes, len(found))
    places[found] = np.arange(len(found))
    logits = graph.op("Concat", logits, lowest, axis=1)
    logits = graph.op("Gather", logits, places, axis=1)
    return graph.op("Sub", logits, graph.op("ReduceMean", logits, [1]))


def _distinct(
    graph: Graph, columns_at_steps: list[str], no_column: int
) -> tuple[str, str]:
    """Return the distinct columns of each row and their counts.

    Both have the shape (B, n_lengths * T). Unused entries have the column `no_column`
    and a count of one.
    """
    columns = graph.op("Concat", *columns_at_steps, axis=1)
    shape = graph.op("Shape", columns)
    columns, _ = graph.ops("TopK", 2, columns, graph.op("Gather", shape, [1]), axis=1)
    same = graph.op("Equal", columns, _shifted(graph, columns, fill=-1))
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
    graph: Graph, columns: HashedNgramVocabulary, ids: str, no_column: int
) -> list[str]:
    """Look up the n-grams that end at each step, of shape (B, T) for each length.

    Steps without an n-gram, or with an unknown one, have the column `no_column`.
    """
    is_known = graph.op("LessOrEqual", ids, int(columns.largest_id))
    ids = graph.op("Where", is_known, ids, UNKNOWN_ID)
    shortest, longest = columns.lengths
    is_token = whole = graph.op("Greater", ids, 0)
    hashes = graph.op("Mul", ids, 0)  # of the n-gram that ends at the previous step
    found = []
    for length in range(1, longest + 1):
        if length > 1:
            hashes = _shifted(graph, hashes, fill=0)
            whole = graph.op("And", is_token, _shifted(graph, whole, fill=np.False_))
        hashes = graph.op("Add", graph.op("BitwiseXor", hashes, ids), 1)
        hashes = _spread(graph, hashes)
        if length >= shortest:
            bucket = graph.op("Mul", hashes, _signed(SPREAD_FACTOR))
            bucket = _shifted_right(graph, bucket, np.uint64(64 - columns.n_bits))
            column, has_column = _looked_up(graph, columns, bucket)
            has_column = graph.op("And", whole, has_column)
            found.append(graph.op("Where", has_column, column, no_column))
    return found


def _shifted(graph: Graph, x: str, *, fill: Operand) -> str:
    """Shift values of shape (B, T) by one step."""
    return graph.op("Pad", x, [0, 1, 0, -1], fill)


def _spread(graph: Graph, numbers: str) -> str:
    """Hash numbers like :func:`sklearn_bilstm.sequences.spread`.

    Signed products have the same bits as unsigned ones, which onnxruntime does not
    support.
    """
    products = graph.op("Mul", numbers, _signed(SPREAD_FACTOR))
    high = _shifted_right(graph, products, SPREAD_SHIFT)
    return graph.op("BitwiseXor", products, high)


def _signed(number: np.uint64) -> np.int64:
    return number.astype(np.int64)


def _shifted_right(graph: Graph, numbers: str, n_bits: np.uint64) -> str:
    unsigned = graph.cast(numbers, np.uint64)
    shifted = graph.op("BitShift", unsigned, n_bits, direction="RIGHT")
    return graph.cast(shifted, np.int64)


def _looked_up(
    graph: Graph, columns: HashedNgramVocabulary, bucket: str
) -> tuple[str, str]:
    """Return the columns of buckets, and whether they have one.

    The column of a bucket is its rank in a bitmap of the fitted buckets (Jacobson,
    1989): the number of set bits in preceding blocks, in preceding words of its block,
    and in preceding positions of its word.
    """
    is_fitted = np.zeros(2**columns.n_bits, bool)
    is_fitted[columns.buckets] = True
    words = np.packbits(is_fitted, bitorder="little").view("<u2")
    ones = _N_ONES[words].reshape(-1, _BLOCK_WORDS)
    before_word = (ones.cumsum(1) - ones).astype(np.uint8).ravel()
    of_blocks = ones.sum(1, dtype=np.int32)
    before_block = np.cumsum(of_blocks, dtype=np.int32) - of_blocks
    place = graph.op("Div", bucket, _WORD_BITS)
    block = graph.op("Div", place, _BLOCK_WORDS)
    bit = graph.op("Mod", bucket, _WORD_BITS)
    power = graph.op("Gather", 2 ** np.arange(_WORD_BITS, dtype=np.int64), bit)
    word = graph.cast(graph.op("Gather", words, place), np.int64)
    column = graph.cast(graph.op("Gather", before_block, block), np.int64)
    for n_below in [
        graph.op("Gather", before_word, place),
        graph.op("Gather", _N_ONES, graph.op("Mod", word, power)),
    ]:
        column = graph.op("Add", column, graph.cast(n_below, np.int64))
    has_bit = graph.op("Mod", graph.op("Div", word, power), 2)
    return column, graph.op("Equal", has_bit, 1)
