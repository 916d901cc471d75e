from io import BytesIO

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import f1_score, make_scorer
from sklearn.model_selection import (
    FixedThresholdClassifier,
    StratifiedKFold,
    StratifiedShuffleSplit,
    TunedThresholdClassifierCV,
)
from sklearn.pipeline import make_pipeline

from sklearn_bilstm import TextVectorizer, load, save
from sklearn_bilstm.persistence import _objects
from tests.helpers import small_classifier, small_pipeline

METHODS = ["sigmoid", "isotonic"]
if "temperature" in CalibratedClassifierCV._parameter_constraints["method"][0].options:
    METHODS.append("temperature")
OF_POSITIVE = make_scorer(f1_score, pos_label="positive")


def round_trip(model):
    file = BytesIO()
    save(model, file)
    return load(BytesIO(file.getvalue()))


def size_of(model):
    file = BytesIO()
    save(model, file)
    return len(file.getvalue())


def assert_alike(found, model, X):
    assert type(found) is type(model)
    assert found.predict(X).tolist() == model.predict(X).tolist()
    assert found.predict_proba(X).tolist() == model.predict_proba(X).tolist()
    assert repr(clone(found)) == repr(clone(model))


@pytest.fixture(scope="module")
def pipeline(reviews):
    return small_pipeline().fit(*reviews)


def tuned(model, **params):
    return TunedThresholdClassifierCV(model, **{"cv": 2, **params})


@pytest.mark.parametrize(
    "wrap",
    [
        tuned,
        lambda model: tuned(model, scoring=OF_POSITIVE, store_cv_results=True),
        lambda model: tuned(model, cv=StratifiedKFold(2, shuffle=True, random_state=0)),
        lambda model: tuned(model, cv=StratifiedShuffleSplit(1), refit=False),
        lambda model: FixedThresholdClassifier(
            model, threshold=0.45, pos_label="negative"
        ),
        lambda model: CalibratedClassifierCV(model, cv=2),
        lambda model: FixedThresholdClassifier(
            CalibratedClassifierCV(model, ensemble=False, cv=2, method="isotonic"),
            response_method="predict_proba",
        ),
    ],
)
def test_wrappers_round_trip(ids, wrap):
    y = np.where(ids[:, 0] > 15, "positive", "negative")
    model = wrap(small_classifier()).fit(ids, y)
    assert_alike(round_trip(model), model, ids)


@pytest.mark.parametrize(
    "model",
    [
        tuned(small_pipeline()),
        make_pipeline(TextVectorizer(), tuned(small_classifier())),
    ],
)
def test_wrappers_around_a_pipeline_and_within_it_round_trip(reviews, model):
    texts, labels = reviews
    model.fit(texts, labels)
    assert_alike(round_trip(model), model, texts)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("method", METHODS)
def test_calibrations_of_any_number_of_classes_round_trip(ids, method, n_classes):
    y = np.arange(len(ids)) % n_classes
    model = CalibratedClassifierCV(small_classifier(), method=method, cv=2).fit(ids, y)
    model.set_params(method="sigmoid")  # which affects the next fit only
    assert_alike(round_trip(model), model, ids)


@pytest.mark.skipif("temperature" not in METHODS, reason="needs scikit-learn 1.8")
@pytest.mark.parametrize("ensemble", [True, False])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_temperature_scaling_of_labels_round_trips(ids, ensemble, n_classes):
    y = np.array(["c", "a", "b"])[np.arange(len(ids)) % n_classes].tolist()
    wrapped = {"method": "temperature", "ensemble": ensemble, "cv": 2}
    model = CalibratedClassifierCV(small_classifier(), **wrapped).fit(ids, y)
    assert_alike(round_trip(model), model, ids)


def test_a_loaded_wrapper_can_be_fitted_again(reviews):
    texts, labels = reviews
    model = tuned(small_pipeline(), scoring=OF_POSITIVE).fit(texts, labels)
    found = round_trip(model).fit(texts, labels)
    assert found.best_threshold_ == model.best_threshold_


def test_unfitted_wrappers_round_trip():
    for wrap in (CalibratedClassifierCV, FixedThresholdClassifier, tuned):
        model = wrap(small_pipeline())
        assert repr(round_trip(model)) == repr(model)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda model: tuned(model, cv="prefit", refit=False),
        lambda model: CalibratedClassifierCV(FrozenEstimator(model)),
        lambda model: FixedThresholdClassifier(FrozenEstimator(model)),
        FixedThresholdClassifier,
    ],
)
def test_a_fitted_estimator_of_a_wrapper_is_stored_once(reviews, pipeline, wrap):
    texts, labels = reviews
    model = wrap(pipeline)
    if wrap is not FixedThresholdClassifier:  # which needs no fit
        model.fit(texts, labels)
    assert size_of(model) < 1.1 * size_of(pipeline)
    found = round_trip(model)
    assert_alike(found, model, texts)
    inner = found.estimator
    if hasattr(model, "calibrated_classifiers_"):
        assert found.calibrated_classifiers_[0].estimator is inner
    elif model.estimator is getattr(model, "estimator_", None):
        assert found.estimator_ is inner


def test_a_positive_label_that_was_changed_since_fit_is_refused(reviews):
    model = tuned(small_pipeline(), scoring=OF_POSITIVE).fit(*reviews)
    model.set_params(scoring=make_scorer(f1_score, pos_label="negative"))
    with pytest.raises(ValueError, match="'scoring' .* fit it again"):
        save(model, BytesIO())


def test_isotonic_regressions_round_trip():
    X = np.random.RandomState(0).rand(40)
    model = IsotonicRegression(out_of_bounds="clip").fit(X, X + 1.0)
    new = np.linspace(-1, 2, 50)
    assert np.array_equal(round_trip(model).predict(new), model.predict(new))
    assert repr(round_trip(IsotonicRegression())) == repr(IsotonicRegression())


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"X_thresholds_": np.array([1.0, 0.0])}, "must be increasing"),
        ({"X_thresholds_": np.array([0.0, np.nan])}, "finite"),
        ({"y_thresholds_": np.array([0.0, np.inf])}, "finite"),
        ({"X_thresholds_": np.zeros(0), "y_thresholds_": np.zeros(0)}, "increasing"),
        ({"y_thresholds_": np.zeros(3)}, "y_thresholds_"),
        ({"X_thresholds_": np.array(["a", "b"])}, "X_thresholds_"),
        ({"X_max_": np.float64(7.0)}, "first and last threshold"),
    ],
)
def test_forged_isotonic_regressions_raise(attributes, message):
    state = vars(IsotonicRegression().fit([0.0, 1.0], [0.0, 1.0])).copy()
    state.pop("f_")
    with pytest.raises(ValueError, match=message):
        _objects.restored_object(["IsotonicRegression", {**state, **attributes}])


@pytest.fixture(scope="module")
def classifier(ids):
    return small_classifier(max_epochs=1).fit(ids, ids[:, 0] > 15)


def state_of(model):
    return _objects.plain_object(model)[1]


FORGED_MEMBERS = [
    ({"calibrators": []}, "0 calibrators"),
    ({"calibrators": [[1.0, 2.0]] * 2}, "2 calibrators"),
    ({"calibrators": [[1.0, np.nan]]}, "b_ must be a number"),
    ({"calibrators": [["1", 2.0]]}, "a_ must be a number"),
    ({"calibrators": [[1.0]]}, "shorter"),
    ({"estimator": "os.system"}, "a fitted classifier"),
    ({"method": "isotonic"}, "isotonic calibration holds"),
    ({"method": "other"}, "other"),
    ({"more": 1}, "calibrated classifier has"),
    (
        {
            "method": "isotonic",
            "calibrators": [
                IsotonicRegression(out_of_bounds="clip").fit([0.0, 1.0], [0.0, 7.0])
            ],
        },
        "must return probabilities",
    ),
]


@pytest.mark.parametrize(("forged", "message"), FORGED_MEMBERS)
def test_forged_calibrations_raise(ids, classifier, forged, message):
    model = CalibratedClassifierCV(FrozenEstimator(classifier))
    state = state_of(model.fit(ids, ids[:, 0] > 15))
    (member,) = state["calibrated_classifiers_"]
    state["calibrated_classifiers_"] = [{**member, **forged}]
    with pytest.raises((ValueError, KeyError), match=message):
        _objects.restored_object(["CalibratedClassifierCV", state])


@pytest.mark.parametrize(
    ("forged", "message"),
    [
        ({"classes_": 3}, "must have classes"),
        ({"classes_": np.array(["a", "b"])}, "classes of a calibrated"),
        ({"calibrated_classifiers_": []}, "must have classes"),
    ],
)
def test_forged_classes_of_calibrations_raise(ids, classifier, forged, message):
    model = CalibratedClassifierCV(FrozenEstimator(classifier))
    state = state_of(model.fit(ids, ids[:, 0] > 15))
    with pytest.raises(ValueError, match=message):
        _objects.restored_object(["CalibratedClassifierCV", {**state, **forged}])


@pytest.mark.parametrize(
    ("forged", "message"),
    [
        ({"best_threshold_": "0.5"}, "best_threshold_ must be a number"),
        ({"best_threshold_": np.nan}, "best_threshold_ must be a number"),
        ({"estimator_": small_classifier()}, "a fitted classifier"),
        ({"scoring": OF_POSITIVE}, "'positive' is not known"),
        ({"scoring": "no_such_score"}, "no_such_score"),
        ({"response_method": "predict"}, "response_method"),
    ],
)
def test_forged_thresholds_raise(ids, classifier, forged, message):
    model = tuned(classifier, cv="prefit", refit=False).fit(ids, ids[:, 0] > 15)
    with pytest.raises(ValueError, match=message):
        _objects.restored_object(
            ["TunedThresholdClassifierCV", {**state_of(model), **forged}]
        )


@pytest.mark.parametrize("value", [1.5, "model", {}])
def test_wrappers_of_values_that_are_no_estimators_raise(ids, classifier, value):
    is_high = ids[:, 0] > 15
    frozen = FrozenEstimator(classifier)
    for model in (
        CalibratedClassifierCV(frozen).fit(ids, is_high),
        FixedThresholdClassifier(frozen).fit(ids, is_high),
        tuned(classifier, cv="prefit", refit=False).fit(ids, is_high),
        frozen,
    ):
        state = {**state_of(model), "estimator": value}
        with pytest.raises(TypeError, match="'estimator' parameter"):
            _objects.restored_object([type(model).__name__, state])


def test_a_forged_fixed_threshold_raises(ids, classifier):
    model = FixedThresholdClassifier(FrozenEstimator(classifier), pos_label=True)
    state = state_of(model.fit(ids, ids[:, 0] > 15))
    for name, value in [("threshold", [0.5]), ("pos_label", "yes")]:
        with pytest.raises(ValueError, match=r"threshold|'yes' is not known"):
            _objects.restored_object(
                ["FixedThresholdClassifier", {**state, name: value}]
            )
