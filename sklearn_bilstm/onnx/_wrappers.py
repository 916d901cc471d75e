"""Calibrations and decision thresholds of scikit-learn around a classifier.

The functions write the same operations as scikit-learn's methods `predict_proba` and
`predict`, in double precision.
"""

from collections.abc import Callable
from copy import copy
from typing import Any, NamedTuple

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.isotonic import IsotonicRegression
from sklearn.model_selection import TunedThresholdClassifierCV
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from sklearn_bilstm.onnx._graph import Graph
from sklearn_bilstm.utils._wrappers import THRESHOLDS, WRAPPERS

__all__ = [
    "ClassifierOutputs",
    "base_estimators",
    "is_wrapper",
    "split_steps",
    "write_classifier",
]

# What scikit-learn adds to probabilities before their logarithm.
_LEAST_PROBABILITY = 1e-12


class ClassifierOutputs(NamedTuple):
    """Outputs of a classifier of one task.

    Parameters
    ----------
    label : str
        Index of the label, int64 of shape (B,).
    probabilities : str
        Probabilities, float64 of shape (B, K).
    logits : str
        Logits, or logarithms of probabilities, float64 of shape (B, K).
    decisions : str or None
        Result of `decision_function`, float64 of shape (B, K), or (B, 1) for two
        classes. None if the classifier lacks that method.
    """

    label: str
    probabilities: str
    logits: str
    decisions: str | None


def is_wrapper(model: Any) -> bool:
    """Return whether a model is a calibration or has a decision threshold."""
    return isinstance(model, WRAPPERS)


def split_steps(model: Any) -> tuple[list, Any]:
    """Return the steps before the estimator, and the model without them.

    Parameters
    ----------
    model : estimator
        Steps of pipelines within wrappers are moved before the wrappers.

    Raises
    ------
    NotFittedError
        If a wrapper is not fitted.
    ValueError
        If there are several estimators with steps of their own.
    """
    if isinstance(model, Pipeline):
        steps = [step for _, step in model.steps]
        within, estimator = split_steps(steps[-1])
        return steps[:-1] + within, estimator
    if isinstance(model, FrozenEstimator):
        return split_steps(model.estimator)
    if not is_wrapper(model):
        return [], model
    outer = copy(model)
    if isinstance(model, THRESHOLDS):
        if isinstance(model, TunedThresholdClassifierCV):
            check_is_fitted(model, "estimator_")
        fitted = getattr(model, "estimator_", model.estimator)
        steps, outer.estimator_ = split_steps(fitted)
        return steps, outer
    check_is_fitted(model, "calibrated_classifiers_")
    members = [copy(member) for member in model.calibrated_classifiers_]
    all_steps = []
    for member in members:
        steps, member.estimator = split_steps(member.estimator)
        all_steps.append(steps)
    if len(members) > 1 and any(all_steps):
        raise ValueError(
            f"A CalibratedClassifierCV of {len(members)} pipelines cannot be exported "
            "to ONNX, since each has a vocabulary of its own. Fit it with "
            "ensemble=False or around a FrozenEstimator, or as the last step of a "
            "pipeline, after the TextVectorizer."
        )
    outer.calibrated_classifiers_ = members
    return all_steps[0], outer


def base_estimators(model: Any) -> list:
    """Return the estimators within a model that :func:`split_steps` returned."""
    if isinstance(model, THRESHOLDS):
        return base_estimators(model.estimator_)
    if isinstance(model, CalibratedClassifierCV):
        members = model.calibrated_classifiers_
        return [e for member in members for e in base_estimators(member.estimator)]
    return [model]


def write_classifier(
    graph: Graph, model: Any, logits_of: Callable[[Any], str]
) -> ClassifierOutputs:
    """Write the outputs of a classifier, a calibration or a decision threshold.

    Parameters
    ----------
    graph : Graph
    model : estimator
        A classifier that :func:`split_steps` returned.
    logits_of : callable
        Writes the logits of an estimator, of shape (B, K).

    Raises
    ------
    ValueError
        If a calibrated estimator lacks classes of the calibration.
    """
    if isinstance(model, THRESHOLDS):
        outputs = write_classifier(graph, model.estimator_, logits_of)
        return outputs._replace(label=_thresholded_label(graph, model, outputs))
    if isinstance(model, CalibratedClassifierCV):
        return _calibrated(graph, model, logits_of)
    logits = logits_of(model)
    decisions = logits
    if len(model.classes_) == 2:
        decisions = graph.op("Sub", _column(graph, logits, 1), _column(graph, logits))
    return ClassifierOutputs(
        label=graph.op("ArgMax", logits, axis=1, keepdims=0),
        probabilities=graph.op("Softmax", logits, axis=1),
        logits=logits,
        decisions=decisions,
    )


def _column(graph: Graph, value: str, index: int = 0) -> str:
    return graph.op("Slice", value, [index], [index + 1], [1])


def _thresholded_label(graph: Graph, model: Any, outputs: ClassifierOutputs) -> str:
    """Return the label by a decision threshold, as the method `predict`."""
    positive = _positive_class(model)
    score = _column(graph, outputs.probabilities, positive)
    threshold = 0.5
    if model.response_method == "decision_function" and outputs.decisions is not None:
        sign = np.float64(1 if positive else -1)
        score, threshold = graph.op("Mul", outputs.decisions, sign), 0.0
    fitted = getattr(model, "best_threshold_", getattr(model, "threshold", "auto"))
    threshold = threshold if isinstance(fitted, str) else fitted
    is_negative = graph.op("Less", score, np.float64(threshold))
    label = graph.op("Where", is_negative, 1 - positive, positive)
    return graph.op("Squeeze", label, [1])


def _positive_class(model: Any) -> int:
    """Return the index of the positive label, by default the second class."""
    if isinstance(model, TunedThresholdClassifierCV):
        pos_label = model._curve_scorer._get_pos_label()
    else:
        pos_label = model.pos_label
    return 1 if pos_label is None else int(pos_label == model.classes_[1])


def _calibrated(
    graph: Graph, model: CalibratedClassifierCV, logits_of: Callable[[Any], str]
) -> ClassifierOutputs:
    """Write the mean probabilities of the members of a calibration."""
    terms, classes = [], model.classes_
    for member in model.calibrated_classifiers_:
        inner_classes = member.estimator.classes_
        # scikit-learn fits temperature scaling of strings to their codes, by position
        is_scaled = member.method == "temperature"
        has_codes = is_scaled and len(inner_classes) == len(classes)
        if not has_codes and not np.array_equal(inner_classes, classes):
            raise ValueError(
                "For an export to ONNX, all estimators of a CalibratedClassifierCV "
                f"must have its classes, {classes.tolist()!r:.80}: got "
                f"{inner_classes.tolist()!r:.80}. Use folds with all classes."
            )
        inner = write_classifier(graph, member.estimator, logits_of)
        scores = _scores(graph, member.method, inner, len(classes))
        write_calibration = _CALIBRATIONS[member.method]
        terms.append(write_calibration(graph, member.calibrators, scores))
    total = terms[0] if len(terms) == 1 else graph.op("Sum", *terms)
    probabilities = graph.op("Div", total, np.float64(len(terms)))
    return ClassifierOutputs(
        label=graph.op("ArgMax", probabilities, axis=1, keepdims=0),
        probabilities=probabilities,
        logits=graph.op("Log", probabilities),
        decisions=None,
    )


def _scores(graph: Graph, method: str, inner: ClassifierOutputs, n_classes: int) -> str:
    """Return the input of the calibrators.

    For two classes, its shape is (B, 1), or (B, 2) for temperature scaling; else it is
    (B, K).
    """
    is_binary, is_scaled = n_classes == 2, method == "temperature"
    if inner.decisions is None:
        if is_scaled:
            epsilon = np.float64(_LEAST_PROBABILITY)
            return graph.op("Log", graph.op("Add", inner.probabilities, epsilon))
        return (
            _column(graph, inner.probabilities, 1) if is_binary else inner.probabilities
        )
    if is_binary and is_scaled:
        opposite = graph.op("Sub", np.float64(0), inner.decisions)
        return graph.op("Concat", opposite, inner.decisions, axis=1)
    return inner.decisions


def _sigmoid(graph: Graph, calibrators: list, scores: str) -> str:
    slopes = np.array([calibrator.a_ for calibrator in calibrators], np.float64)
    shifts = np.array([calibrator.b_ for calibrator in calibrators], np.float64)
    negated = graph.op("Sub", graph.op("Mul", scores, -slopes), shifts)
    return _normalised(graph, graph.op("Sigmoid", negated), len(calibrators))


def _isotonic(graph: Graph, calibrators: list, scores: str) -> str:
    calibrated = [
        _interpolated(graph, calibrator, _column(graph, scores, index))
        for index, calibrator in enumerate(calibrators)
    ]
    return _normalised(graph, graph.op("Concat", *calibrated, axis=1), len(calibrated))


def _temperature(graph: Graph, calibrators: list, scores: str) -> str:
    scaled = graph.op("Mul", scores, np.float64(calibrators[0].beta_))
    return graph.op("Softmax", scaled, axis=1)


def _interpolated(graph: Graph, model: IsotonicRegression, x: str) -> str:
    """Return the values of a piecewise linear function, of shape (B, 1)."""
    knots = np.asarray(model.X_thresholds_, np.float64)
    values = np.asarray(model.y_thresholds_, np.float64)
    slopes = np.append(np.diff(values) / np.diff(knots), 0.0)
    x = graph.op("Clip", x, knots[0], knots[-1])
    is_passed = graph.cast(graph.op("LessOrEqual", knots, x), np.int64)
    index = graph.op("ReduceSum", is_passed, [1], keepdims=1)  # (B, 1)
    index = graph.op("Sub", index, 1)
    start, value, slope = (
        graph.op("Gather", table, index) for table in (knots, values, slopes)
    )
    rise = graph.op("Mul", slope, graph.op("Sub", x, start))
    return graph.op("Add", value, rise)


def _normalised(graph: Graph, values: str, n_calibrators: int) -> str:
    """Return probabilities of shape (B, K); equal ones if all values are zero."""
    if n_calibrators == 1:
        return graph.op(
            "Concat", graph.op("Sub", np.float64(1), values), values, axis=1
        )
    total = graph.op("ReduceSum", values, [1], keepdims=1)
    is_zero = graph.op("Equal", total, np.float64(0))
    shares = graph.op("Div", values, graph.op("Where", is_zero, np.float64(1), total))
    return graph.op("Where", is_zero, np.float64(1 / n_calibrators), shares)


_CALIBRATIONS: dict[str, Callable[[Graph, list, str], str]] = {
    "isotonic": _isotonic,
    "sigmoid": _sigmoid,
    "temperature": _temperature,
}
