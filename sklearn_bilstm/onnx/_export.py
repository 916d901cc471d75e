"""Export of fitted models to ONNX."""

from collections.abc import Iterator
from copy import copy
from typing import Any

import numpy as np
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from sklearn_bilstm.estimators import (
    BiLSTMClassifier,
    BiLSTMRegressor,
    BiLSTMTagger,
)
from sklearn_bilstm.fitting import SequenceReader, TaggingModels, TasksTarget
from sklearn_bilstm.onnx._characters import character_vectors
from sklearn_bilstm.onnx._crf import StepInput
from sklearn_bilstm.onnx._description import Description
from sklearn_bilstm.onnx._emissions import linear_emissions
from sklearn_bilstm.onnx._graph import Graph
from sklearn_bilstm.onnx._network import Rows, head, pooled, token_vectors
from sklearn_bilstm.onnx._ngrams import linear_logits, log_odds_channels
from sklearn_bilstm.onnx._series import series_logits
from sklearn_bilstm.onnx._steps import write_steps
from sklearn_bilstm.onnx._table_checks import static_width
from sklearn_bilstm.onnx._table_description import TABLE_TRANSFORMERS, describe_table
from sklearn_bilstm.onnx._vectorizer import describe_vectorizer
from sklearn_bilstm.onnx._weights import WEIGHTS
from sklearn_bilstm.onnx._wrappers import (
    base_estimators,
    is_wrapper,
    split_steps,
    write_classifier,
)
from sklearn_bilstm.sequences import N_TOKEN_FEATURES
from sklearn_bilstm.text import TableVectorizer, TextVectorizer, vectorizer_state
from sklearn_bilstm.utils._files import AnyFile, opened_to_write
from sklearn_bilstm.utils._fingerprints import have_same_ids
from sklearn_bilstm.utils._sklearn import StrOptions, validate_params

__all__ = ["export_onnx"]

_NAME = "sklearn_bilstm"
_ESTIMATORS = BiLSTMClassifier, BiLSTMRegressor, BiLSTMTagger


@validate_params(
    {"weights": [StrOptions(set(WEIGHTS))]}, prefer_skip_nested_validation=True
)
def export_onnx(model: Any, path: AnyFile, *, weights: str = "float32") -> None:
    """Export a fitted model to ONNX, for inference without torch.

    The graph computes predictions from token ids or numbers. It includes the network,
    the class log-odds features, the linear model and the standardisation. Batches can
    have any number of rows and steps. The metadata contain the labels and the state of
    the vectorizer and of the transformers of a table as JSON, which
    :class:`~sklearn_bilstm.onnx.OnnxModel` reads.

    The inputs are `ids`, int64 of shape (rows, steps), padded at the end with zeros; or
    `values`, float64 of shape (rows, steps, channels), and `lengths`, int64 of shape
    (rows,). With static features there is also `static`, float64 of shape (rows,
    columns). The number of steps is at least one. The outputs are `label`,
    `probabilities` and `logits` for a classifier, and `y` for a regressor. `label` is
    the index of the label, or zeros and ones in the multilabel case. For several tasks,
    it has a column for each, and the probabilities and logits of all tasks are next to
    each other. All outputs except indices are float64.

    A tagger on words has a further input `characters`, int64 of shape (rows, steps,
    characters), padded at the end with zeros, unless it has no character features. With
    `linear_features="auto"`, there is also `features`, int64 of shape (rows, steps,
    features), hashes that :meth:`OnnxModel.inputs` computes from the tokens. Its
    outputs are `label`, int64 of shape (rows, steps), decoded by the Viterbi algorithm
    in the graph, and `probabilities`, of shape (rows, steps, classes). The output `y`
    of a regressor with numbers for each step has the shape (rows, steps, outputs).
    Outputs on padding are arbitrary.

    Parameters
    ----------
    model : estimator
        A fitted :class:`~sklearn.pipeline.Pipeline` of a :class:`TextVectorizer` and a
        BiLSTM estimator, or only the estimator. Instead of the vectorizer, the pipeline
        can have a :class:`TableVectorizer`, or a ColumnTransformer with a
        TextVectorizer before transformers of other columns. These, and the
        `static_transformer` of a TableVectorizer, can be StaticEncoder, StandardScaler,
        MinMaxScaler, MaxAbsScaler, RobustScaler, SimpleImputer, OneHotEncoder,
        OrdinalEncoder, "passthrough", "drop", pipelines of these and, for the latter, a
        ColumnTransformer of these. The estimator or the pipeline can be in a
        FrozenEstimator, FixedThresholdClassifier, TunedThresholdClassifierCV or
        CalibratedClassifierCV, whose labels and probabilities the graph then returns.
        The `logits` of a calibration are the logarithms of its probabilities.
    path : path-like or file
        File to write, by convention with the extension ".onnx". An existing file is
        replaced once the new one is complete. A file opened in binary mode is written
        at its current position.
    weights : {"float32", "float16", "int8"}, default="float32"
        Format of the token vectors, the recurrent weights, the class log-odds and the
        linear models of n-grams and token features in the file. With "float16", they
        are rounded to half precision. With "int8", each is one of 255 multiples of a
        scale, which is shared by 32 weights, or by those of a token vector.
        Computations are in single precision in any case. Other weights, such as those
        of convolutions and of the linear model of numeric sequences, are not rounded.
        Matrices that :func:`compress` has rounded to 8 bits are stored in 8 bits in
        every format, and not rounded again.

    Raises
    ------
    ImportError
        If onnx is not installed. The extra `onnx` installs it.
    TypeError
        If `model` is an unsupported estimator, or a pipeline with other steps.
    ValueError
        If `model` is not fitted, or contains something that cannot be exported: other
        transformers of columns, or more than one TextVectorizer, user functions, labels
        other than strings, numbers or bools, or 2 GB of weights. If an encoder of
        columns has both None and NaN as categories, or either after a SimpleImputer,
        or if a scaler was fitted to a column without numbers. If a
        CalibratedClassifierCV contains several pipelines, or an estimator without some
        of its classes. If `weights` is invalid.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_bilstm import BiLSTMClassifier, TextVectorizer, export_onnx
    >>> from sklearn_bilstm.datasets import make_reviews
    >>> from sklearn_bilstm.onnx import OnnxModel
    >>> texts, labels = make_reviews(60, random_state=0)
    >>> classifier = BiLSTMClassifier(hidden_layer_sizes=4, max_epochs=1)
    >>> model = make_pipeline(TextVectorizer(), classifier).fit(texts, labels)
    >>> path = Path(tempfile.mkdtemp()) / "reviews.onnx"
    >>> export_onnx(model, path)
    >>> served = OnnxModel(path).predict(texts)
    >>> served.tolist() == model.predict(texts).tolist()
    True
    """
    vectorizer, table, estimator = _parts(model)
    text = None if vectorizer is None else describe_vectorizer(vectorizer)
    described = base_estimators(estimator)[0]
    if is_wrapper(estimator):  # the estimator within may know codes of the labels
        described = copy(described)
        described.classes_ = estimator.classes_
    description = Description.of(described, text, table)
    graph = Graph(weights)
    if is_wrapper(estimator):
        _write_wrapper(graph, estimator)
    else:
        _write(graph, estimator)
    written = graph.to_model(_NAME, description.to_properties())
    with opened_to_write(path) as file:
        file.write(written.SerializeToString())


def _parts(model: Any) -> tuple[TextVectorizer | None, dict | None, Any]:
    """Return the fitted vectorizer, the description of a table, and the estimator.

    The first two are None if there are none. The estimator can be in decision
    thresholds and calibrations.
    """
    before, estimator = split_steps(model)
    bases = base_estimators(estimator)
    kinds = TextVectorizer, *TABLE_TRANSFORMERS
    is_supported = not before or (len(before) == 1 and type(before[0]) in kinds)
    if not is_supported or not all(isinstance(base, _ESTIMATORS) for base in bases):
        names = " and ".join(type(step).__name__ for step in [*before, bases[0]])
        raise TypeError(
            "The model must be a BiLSTMClassifier, BiLSTMRegressor or BiLSTMTagger, or "
            "a Pipeline of a TextVectorizer, TableVectorizer or ColumnTransformer and "
            f"one of them: got {names}. For a search, pass best_estimator_, and for an "
            "EntityRecognizer tagger_. For a pipeline with other steps, pass "
            "pipeline[-1], and apply the other steps to its input when serving."
        )
    for step in [*before, *bases]:
        check_is_fitted(step)
    vectorizer, table = None, None
    if before and isinstance(before[0], TextVectorizer):
        vectorizer = before[0]
    elif before:
        vectorizer, table = describe_table(before[0])
        n_before = vectorizer.max_length_ + _has_boundary(before[0])
        for base in bases:
            _check_table_columns(base, n_before, static_width(table["parts"]))
    for base in bases:
        _check_base(base, vectorizer)
    return vectorizer, table, estimator


def _has_boundary(transformer: Any) -> bool:
    """Return whether a column separates token ids from static features."""
    is_table = isinstance(transformer, TableVectorizer)
    return is_table and transformer.static_transformer_ is not None


def _check_table_columns(estimator: Any, n_before: int, n_features: int) -> None:
    """Raise an error if an estimator reads other columns as static features."""
    n_static = estimator.model_.reader.n_static
    reads_features = n_features == n_static and estimator.input_type_ == "tokens"
    n_columns = getattr(estimator, "n_features_in_", None)
    if not reads_features or n_columns != n_before + n_static:
        raise ValueError(
            "For an export to ONNX, the estimator must read all columns after the "
            f"token ids as static features: n_static_features is {n_static}, and there "
            f"are {n_features} such columns."
        )


def _check_base(estimator: Any, vectorizer: TextVectorizer | None) -> None:
    """Raise an error if an estimator cannot be exported with its vectorizer."""
    if vectorizer is not None and not have_same_ids(
        vectorizer_state(vectorizer)["fingerprint"], estimator.model_.reader.fingerprint
    ):
        raise ValueError(
            "The estimator was fitted on token ids of another vocabulary than that of "
            "its TextVectorizer. Fit the whole pipeline again."
        )


def _write(graph: Graph, estimator: Any) -> None:
    """Write the whole graph from inputs to outputs."""
    static = _static(graph, estimator)
    if estimator.module_.of_steps:
        _write_steps(graph, estimator, static)
        return
    task_logits = _logits_of_rows(graph, estimator, static)
    logits = task_logits[0]
    if len(task_logits) > 1:
        logits = graph.op("Concat", *task_logits, axis=1)
    if isinstance(estimator.model_.target, TasksTarget):
        _write_tasks(graph, task_logits, logits, estimator.model_.target.n_outputs)
    elif hasattr(estimator, "classes_"):
        _write_classes(graph, estimator, logits)
    else:
        _write_numbers(graph, estimator, logits)


def _write_wrapper(graph: Graph, model: Any) -> None:
    """Write the whole graph of a decision threshold or a calibration."""

    def logits_of(estimator: Any) -> str:
        (logits,) = _logits_of_rows(graph, estimator, _static(graph, estimator))
        return logits

    outputs = write_classifier(graph, model, logits_of)
    graph.output("label", outputs.label, np.int64, ["rows"])
    for name in ("probabilities", "logits"):
        value = getattr(outputs, name)
        graph.output(name, value, np.float64, ["rows", len(model.classes_)])


def _static(graph: Graph, estimator: Any) -> str | None:
    """Return the standardised static features, if there are any."""
    reader = estimator.model_.reader
    if not reader.n_static:
        return None
    raw = graph.input("static", np.float64, ["rows", reader.n_static])
    return _standardised(graph, reader, reader.static_scaler, raw)


def _logits_of_rows(graph: Graph, estimator: Any, static: str | None) -> list[str]:
    """Return the logits of each task, with those of the linear model if any."""
    if estimator.input_type_ == "tokens":
        ids = graph.input("ids", np.int64, ["rows", "steps"])
        vectors, lengths = _tokens(graph, estimator, ids)
        logits = _network_logits(graph, estimator, vectors, lengths, static)
        return [
            _with_linear_model(graph, models, task_logits, ids, static)
            for models, task_logits in _tasks(graph, estimator, logits)
        ]
    values, lengths = _numbers(graph, estimator)
    return _logits_of_numbers(graph, estimator, values, lengths, static)


def _write_steps(graph: Graph, estimator: Any, static: str | None) -> None:
    """Write a graph with outputs for each step."""
    emissions = None
    if estimator.input_type_ == "tokens":
        ids = graph.input("ids", np.int64, ["rows", "steps"])
        vectors, lengths = _tokens(graph, estimator, ids)
        layer = getattr(estimator.module_, "characters", None)
        if layer is not None:
            shape = ["rows", "steps", "characters"]
            characters = graph.input("characters", np.int64, shape)
            character_outputs = character_vectors(graph, layer, characters)
            vectors = graph.op("Concat", vectors, character_outputs, axis=2)
        models = estimator.model_.auxiliary_models
        if isinstance(models, TaggingModels):
            sizes: list = ["rows", "steps", N_TOKEN_FEATURES]
            features = graph.input("features", np.int64, sizes)
            emissions = linear_emissions(graph, models.linear_tagger, features)
        source = StepInput(ids, np.int64, [])
    else:
        values, lengths = _numbers(graph, estimator)
        vectors = graph.op("Transpose", values, perm=[1, 0, 2])  # (T, B, C)
        source = StepInput("values", np.float64, [estimator.n_channels_])
    write_steps(graph, estimator, vectors, lengths, static, source, emissions)


def _tokens(graph: Graph, estimator: Any, ids: str) -> tuple[str, str]:
    """Return vectors of shape (T, B, E) and lengths, for tokens."""
    is_token = graph.cast(graph.op("Greater", ids, 0), np.int64)
    lengths = graph.op("ReduceSum", is_token, [1], keepdims=0)
    log_odds = getattr(estimator, "log_odds_", None)
    channels = None if log_odds is None else log_odds_channels(graph, log_odds, ids)
    layer = estimator.module_.input_layer
    return token_vectors(graph, layer, ids, channels), lengths


def _numbers(graph: Graph, estimator: Any) -> tuple[str, str]:
    """Return standardised values of shape (B, T, C) and lengths."""
    shape = ["rows", "steps", estimator.n_channels_]
    values = graph.input("values", np.float64, shape)
    lengths = graph.input("lengths", np.int64, ["rows"])
    reader = estimator.model_.reader
    return _standardised(graph, reader, reader.scaler, values), lengths


def _logits_of_numbers(
    graph: Graph, estimator: Any, values: str, lengths: str, static: str | None
) -> list[str]:
    """Return the logits of each task, including those of the linear model if any."""
    vectors = graph.op("Transpose", values, perm=[1, 0, 2])  # (T, B, C)
    network_logits = _network_logits(graph, estimator, vectors, lengths, static)
    combined = []
    for models, task_logits in _tasks(graph, estimator, network_logits):
        terms = []
        if models.linear is not None and models.linear_scale:
            logits = series_logits(graph, models.linear, values, lengths, static)
            terms.append(graph.op("Mul", logits, np.float64(models.linear_scale)))
        if models.uses_network:
            terms.append(graph.op("Mul", task_logits, np.float64(models.network_scale)))
        combined.append(graph.op("Sum", *terms))
    return combined


def _tasks(graph: Graph, estimator: Any, logits: str) -> Iterator[tuple[Any, str]]:
    """Yield the models of each task and the logits of the network for it."""
    models, target = estimator.model_.auxiliary_models, estimator.model_.target
    if not isinstance(target, TasksTarget):
        yield models, logits
        return
    ends = np.cumsum(target.n_classes).tolist()
    for task_models, start, end in zip(models.models, [0, *ends], ends, strict=False):
        yield task_models, graph.op("Slice", logits, [start], [end], [1])


def _standardised(
    graph: Graph, reader: SequenceReader, scaler: StandardScaler, values: str
) -> str:
    """Standardise numbers as the reader of the estimator does."""
    values = graph.op("Sub", values, scaler.mean_)
    values = graph.op("Div", values, scaler.scale_)
    bound = np.float64(reader.largest_number)
    return graph.cast(graph.op("Clip", values, -bound, bound), np.float32)


def _network_logits(
    graph: Graph, estimator: Any, vectors: str, lengths: str, static: str | None
) -> str:
    n_steps = graph.op("Shape", vectors, end=1)
    rows = Rows.of(graph, lengths, n_steps)
    x = pooled(graph, estimator.module_, vectors, rows)
    if static is not None:
        x = graph.op("Concat", x, static, axis=1)
    return head(graph, estimator.module_.head, x)


def _with_linear_model(
    graph: Graph, models: Any, logits: str, ids: str, static: str | None
) -> str:
    """Return the logits, averaged with those of the linear model if there is one."""
    linear = models.linear
    if linear is None:
        return logits
    logits = graph.op("Mul", logits, np.float64(models.network_scale))
    logits = graph.op("Add", logits, linear_logits(graph, linear, ids, static))
    return graph.op("Div", logits, np.float64(2 * linear.temperature_))


def _write_classes(graph: Graph, estimator: Any, logits: str) -> None:
    n_classes = len(estimator.classes_)
    if estimator.multilabel_:
        label = graph.cast(graph.op("Greater", logits, np.float64(0)), np.int64)
        probabilities = graph.op("Sigmoid", logits)
        graph.output("label", label, np.int64, ["rows", n_classes])
    else:
        label = graph.op("ArgMax", logits, axis=1, keepdims=0)
        probabilities = graph.op("Softmax", logits, axis=1)
        graph.output("label", label, np.int64, ["rows"])
    for name, value in (("probabilities", probabilities), ("logits", logits)):
        graph.output(name, value, np.float64, ["rows", n_classes])


def _write_tasks(
    graph: Graph, task_logits: list[str], logits: str, n_outputs: int
) -> None:
    """Write the outputs of several tasks, next to each other."""
    labels = [graph.op("ArgMax", values, axis=1, keepdims=1) for values in task_logits]
    label = graph.op("Concat", *labels, axis=1)
    softmaxes = [graph.op("Softmax", values, axis=1) for values in task_logits]
    probabilities = graph.op("Concat", *softmaxes, axis=1)
    graph.output("label", label, np.int64, ["rows", len(task_logits)])
    for name, value in (("probabilities", probabilities), ("logits", logits)):
        graph.output(name, value, np.float64, ["rows", n_outputs])


def _write_numbers(graph: Graph, estimator: Any, logits: str) -> None:
    scaler = estimator.model_.target.scaler
    y = graph.op("Add", graph.op("Mul", logits, scaler.scale_), scaler.mean_)
    graph.output("y", y, np.float64, ["rows", estimator.n_outputs_])
