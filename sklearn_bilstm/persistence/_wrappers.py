"""State of classifiers of scikit-learn that adjust the predictions of others.

These are calibrations and decision thresholds. Parts that scikit-learn derives from
others are not stored, and neither are its private classes.
"""

from numbers import Real
from typing import Any

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.isotonic import IsotonicRegression
from sklearn.model_selection import (
    FixedThresholdClassifier,
    TunedThresholdClassifierCV,
)

from sklearn_bilstm.utils import _sklearn
from sklearn_bilstm.utils._state import state_array
from sklearn_bilstm.utils._wrappers import THRESHOLDS

__all__ = ["complete_wrapper", "plain_wrapper"]

_MEMBERS = "calibrated_classifiers_"
_FITTED = "estimator_"
_MEMBER_KEYS = {"calibrators", "estimator", "method"}
# Fitted numbers of the calibrators of each method, apart from isotonic regression.
_NUMBERS = {"sigmoid": ("a_", "b_"), "temperature": ("beta_",)}
_CALIBRATORS = {"sigmoid": "SigmoidCalibration", "temperature": "TemperatureScaling"}
_RESPONSES = "auto", "decision_function", "predict_proba"


def plain_wrapper(value: Any, attributes: dict[str, Any]) -> dict[str, Any]:
    """Return attributes without private objects of scikit-learn.

    A fitted estimator that is the parameter itself, as without a copy, is None.

    Parameters
    ----------
    value : estimator
        Any estimator. Attributes of those of other classes are not changed.
    attributes : dict

    Raises
    ------
    ValueError
        If a parameter was changed so that the predictions would change.
    """
    if isinstance(value, TunedThresholdClassifierCV) and hasattr(value, _FITTED):
        _check_scoring(value)
    if attributes.get(_FITTED, value) is attributes.get("estimator"):
        attributes = {**attributes, _FITTED: None}
    if isinstance(value, CalibratedClassifierCV) and _MEMBERS in attributes:
        members = [_plain_member(m, value) for m in attributes[_MEMBERS]]
        attributes = {**attributes, _MEMBERS: members}
    return attributes


def complete_wrapper(value: Any) -> None:
    """Restore derived parts of an estimator in place, and check its state.

    Parameters
    ----------
    value : estimator
        Any estimator. Those of other classes are not changed.

    Raises
    ------
    AttributeError, LookupError, TypeError, ValueError
        If the state is not one that :func:`plain_wrapper` returns.
    """
    _check_inner(value)
    if isinstance(value, IsotonicRegression):
        _complete_isotonic(value)
    elif isinstance(value, CalibratedClassifierCV):
        _complete_calibration(value)
    elif isinstance(value, THRESHOLDS):
        _complete_threshold(value)


def _check_inner(value: Any) -> None:
    """Check that parameters that must be estimators are estimators, or None."""
    for name in ("estimator", "regressor"):
        inner = vars(value).get(name)
        if inner is not None and not hasattr(inner, "fit"):
            raise TypeError(
                f"The {name!r} parameter of a {type(value).__name__} must be an "
                f"estimator: got {inner!r:.80}."
            )


def _check_scoring(value: TunedThresholdClassifierCV) -> None:
    scorer, fitted = value._get_curve_scorer(), value._curve_scorer
    if scorer._get_pos_label() != fitted._get_pos_label():
        raise ValueError(
            "The 'scoring' parameter of TunedThresholdClassifierCV has another "
            "positive label than in fit: fit it again before you save it."
        )


def _plain_member(member: Any, value: CalibratedClassifierCV) -> dict[str, Any]:
    is_parameter = member.estimator is value.estimator
    names = _NUMBERS.get(member.method, ())
    calibrators = [
        [np.asarray(getattr(calibrator, name))[()] for name in names] or calibrator
        for calibrator in member.calibrators
    ]
    return {
        "calibrators": calibrators,
        "estimator": None if is_parameter else member.estimator,
        "method": member.method,
    }


def _complete_isotonic(value: IsotonicRegression) -> None:
    if not hasattr(value, "X_thresholds_"):
        return
    X = state_array(value.X_thresholds_, "X_thresholds_", kinds="f", shape=(None,))
    y = state_array(value.y_thresholds_, "y_thresholds_", kinds="f", shape=X.shape)
    if not len(X) or not (np.diff(X) > 0).all():
        raise ValueError("The thresholds of an IsotonicRegression must be increasing.")
    if (value.X_min_, value.X_max_) != (X[0], X[-1]):
        raise ValueError("X_min_ and X_max_ must be the first and last threshold.")
    value._build_f(X, y)


def _complete_calibration(value: CalibratedClassifierCV) -> None:
    plain = vars(value).pop(_MEMBERS, None)
    if plain is None:
        return
    classes = value.classes_
    if not isinstance(classes, np.ndarray) or classes.ndim != 1 or not plain:
        raise ValueError("A calibration must have classes and classifiers.")
    members = []
    for member in plain:
        if member.keys() != _MEMBER_KEYS:
            raise ValueError(f"A calibrated classifier has {sorted(member)!r:.80}.")
        inner = value.estimator if member["estimator"] is None else member["estimator"]
        _check_classes(inner)
        method = member["method"]
        calibrators = [_calibrator(method, c) for c in member["calibrators"]]
        is_single = method == "temperature" or len(inner.classes_) == 2
        if len(calibrators) != (1 if is_single else len(inner.classes_)):
            raise ValueError(f"There are {len(calibrators)} calibrators.")
        # scikit-learn fits temperature scaling of strings to their codes, by position
        is_encoded = method == "temperature" and len(inner.classes_) == len(classes)
        if not is_encoded and not np.isin(inner.classes_, classes).all():
            raise ValueError("The classes of a calibrated classifier are not known.")
        members.append(
            _sklearn.CalibratedClassifier(
                inner, calibrators, classes=classes, method=method
            )
        )
    value.calibrated_classifiers_ = members


def _calibrator(method: str, plain: Any) -> Any:
    if method == "isotonic":
        if not isinstance(plain, IsotonicRegression):
            raise ValueError(f"An isotonic calibration holds {plain!r:.80}.")
        y = plain.y_thresholds_
        if plain.out_of_bounds != "clip" or y.min() < 0 or y.max() > 1:
            raise ValueError("An isotonic calibration must return probabilities.")
        return plain
    calibrator = getattr(_sklearn, _CALIBRATORS[method])()
    for name, number in zip(_NUMBERS[method], plain, strict=True):
        _check_number(number, name)
        setattr(calibrator, name, number)
    if method == "temperature" and calibrator.beta_ <= 0:
        raise ValueError("beta_ must be positive.")
    return calibrator


def _complete_threshold(value: Any) -> None:
    if getattr(value, _FITTED, value) is None:
        value.estimator_ = value.estimator
    if value.response_method not in _RESPONSES:
        raise ValueError(f"response_method is {value.response_method!r:.80}.")
    if isinstance(value, FixedThresholdClassifier):
        if value.threshold != "auto":
            _check_number(value.threshold, "threshold", may_be_infinite=True)
        pos_label = value.pos_label
    elif hasattr(value, _FITTED):
        _check_number(value.best_threshold_, "best_threshold_", may_be_infinite=True)
        value._curve_scorer = value._get_curve_scorer()
        pos_label = value._curve_scorer._get_pos_label()
    if hasattr(value, _FITTED):
        classes = _check_classes(value.estimator_)
        if pos_label is not None and pos_label not in classes.tolist():
            raise ValueError(f"The positive label {pos_label!r:.80} is not known.")


def _check_classes(estimator: Any) -> np.ndarray:
    classes = getattr(estimator, "classes_", None)
    if not isinstance(classes, np.ndarray) or not hasattr(estimator, "predict_proba"):
        raise ValueError("There must be a fitted classifier.")
    return classes


def _check_number(value: Any, name: str, *, may_be_infinite: bool = False) -> None:
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if not is_number or np.isnan(value) or not (may_be_infinite or np.isfinite(value)):
        raise ValueError(f"{name} must be a number: got {value!r:.80}.")
