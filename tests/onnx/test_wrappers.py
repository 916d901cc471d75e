import io

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import f1_score, make_scorer
from sklearn.model_selection import (
    FixedThresholdClassifier,
    StratifiedKFold,
    TunedThresholdClassifierCV,
)
from sklearn.pipeline import make_pipeline

from sklearn_bilstm import TextVectorizer
from sklearn_bilstm.onnx import export_onnx
from sklearn_bilstm.onnx._graph import Graph
from sklearn_bilstm.onnx._wrappers import _interpolated, _normalised
from tests.helpers import small_classifier, small_pipeline

pytest.importorskip("onnx")
METHODS = ["sigmoid", "isotonic"]
if "temperature" in CalibratedClassifierCV._parameter_constraints["method"][0].options:
    METHODS.append("temperature")
OTHER_TEXTS = ["not good at all", "", "a zyxwv film", "the plot is bad . really bad"]


def assert_served_alike(model, served, X):
    expected = model.predict_proba(X)
    np.testing.assert_allclose(served.predict_proba(X), expected, atol=1e-5)
    assert served.predict(X).tolist() == model.predict(X).tolist()


def assert_calibrated_alike(model, served, X):
    """Allow for rounding errors of the network where a calibration is steep."""
    expected, found = model.predict_proba(X), served.predict_proba(X)
    np.testing.assert_allclose(found, expected, atol=1e-3)
    np.testing.assert_allclose(found.sum(1), 1, rtol=1e-12)
    ranked = np.sort(expected, axis=1)
    is_clear = ranked[:, -1] - ranked[:, -2] > 2e-3
    assert is_clear.sum() > len(X) / 2
    assert np.array_equal(served.predict(X)[is_clear], model.predict(X)[is_clear])


def sharpen(model):
    """Set inverse temperatures so that the probabilities of classes differ."""
    for number, member in enumerate(model.calibrated_classifiers_):
        member.calibrators[0].beta_ = 20.0 + number


@pytest.fixture(scope="module")
def pipeline(reviews):
    return small_pipeline().fit(*reviews)


@pytest.fixture(scope="module")
def labels_of_ids(ids):
    return np.array(["a", "b", "c"])[(ids[:, 0] + ids[:, 1]) % 3]


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("ensemble", [True, False])
def test_calibrated_classifiers_are_served(
    served, ids, rows, labels_of_ids, method, ensemble, n_classes
):
    y = labels_of_ids if n_classes == 3 else labels_of_ids == "a"
    model = CalibratedClassifierCV(
        small_classifier(max_epochs=4),
        method=method,
        ensemble=ensemble,
        cv=StratifiedKFold(2, shuffle=True, random_state=0),
    )
    model.fit(ids, y)
    if method == "temperature":
        sharpen(model)
    assert_calibrated_alike(model, served(model), rows)


@pytest.mark.skipif("temperature" not in METHODS, reason="needs scikit-learn 1.8")
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("ensemble", [True, False])
def test_temperature_scaling_of_lists_of_labels_is_served(
    served, ids, rows, labels_of_ids, ensemble, n_classes
):
    y = labels_of_ids if n_classes == 3 else np.where(labels_of_ids == "a", "z", "y")
    wrapped = {"method": "temperature", "ensemble": ensemble, "cv": 2}
    model = CalibratedClassifierCV(small_classifier(max_epochs=4), **wrapped)
    sharpen(model.fit(ids, y.tolist()))
    assert_calibrated_alike(model, served(model), rows)


@pytest.mark.parametrize("pos_label", ["negative", "positive"])
@pytest.mark.parametrize("response_method", ["predict_proba", "decision_function"])
def test_labels_by_a_fixed_threshold_are_served(
    served, reviews, pipeline, pos_label, response_method
):
    texts = [*reviews[0], *OTHER_TEXTS]
    scores = getattr(pipeline, response_method)(texts)
    is_second = pos_label == "positive"
    if response_method == "predict_proba":
        scores = scores[:, int(is_second)]
    elif not is_second:
        scores = -scores
    ordered = np.sort(scores)
    model = FixedThresholdClassifier(
        FrozenEstimator(pipeline),
        threshold=ordered[10:12].mean(),
        pos_label=pos_label,
        response_method=response_method,
    ).fit(*reviews)
    assert (model.predict(texts) == pos_label).sum() == len(texts) - 11
    assert_served_alike(model, served(model), texts)


@pytest.mark.parametrize("response_method", ["auto", "decision_function"])
def test_the_default_threshold_gives_the_labels_of_the_estimator(
    served, reviews, pipeline, response_method
):
    model = FixedThresholdClassifier(pipeline, response_method=response_method)
    found = served(model).predict(reviews[0])
    assert found.tolist() == pipeline.predict(reviews[0]).tolist()


@pytest.mark.parametrize("pos_label", ["negative", "positive"])
def test_tuned_thresholds_are_served_around_a_pipeline_and_within_it(
    served, reviews, pos_label
):
    texts, labels = reviews
    scoring = make_scorer(f1_score, pos_label=pos_label)
    around = TunedThresholdClassifierCV(small_pipeline(), scoring=scoring, cv=2)
    assert_served_alike(around.fit(texts, labels), served(around), OTHER_TEXTS + texts)
    within = make_pipeline(
        TextVectorizer(),
        TunedThresholdClassifierCV(small_classifier(), scoring=scoring, cv=2),
    )
    assert_served_alike(within.fit(texts, labels), served(within), OTHER_TEXTS + texts)


@pytest.mark.parametrize("method", METHODS)
def test_wrappers_of_wrappers_are_served(served, reviews, pipeline, method):
    texts, labels = reviews
    calibrated = CalibratedClassifierCV(FrozenEstimator(pipeline)).fit(texts, labels)
    again = CalibratedClassifierCV(FrozenEstimator(calibrated), method=method)
    decided = FixedThresholdClassifier(again.fit(texts, labels), threshold=0.3)
    found, known = (each.predict_proba(texts) for each in (served(decided), decided))
    np.testing.assert_allclose(found, known, atol=1e-3)
    labels = np.where(found[:, 1] >= 0.3, "positive", "negative")
    assert served(decided).predict(texts).tolist() == labels.tolist()


def test_series_with_static_features_are_served_by_several_estimators(served):
    X = np.random.RandomState(0).randn(40, 9)
    model = CalibratedClassifierCV(
        small_classifier(n_static_features=3, input_type="numeric"), cv=2
    )
    assert_served_alike(model.fit(X, X[:, 0] > 0), served(model), X)


@pytest.mark.parametrize("n_points", [1, 2, 30])
def test_interpolation_equals_that_of_isotonic_regression(run, n_points):
    random = np.random.RandomState(n_points)
    x = random.randn(n_points)
    model = IsotonicRegression(out_of_bounds="clip").fit(x, x + random.randn(n_points))
    new = np.concatenate([x, random.randn(50), [-9.0, 9.0]])
    graph = Graph()
    scores = graph.input("scores", np.float64, ["rows", 1])
    found = run(
        graph,
        _interpolated(graph, model, scores),
        np.float64,
        ["rows", 1],
        scores=new[:, np.newaxis],
    )
    np.testing.assert_allclose(found[:, 0], model.predict(new), rtol=1e-12, atol=1e-12)


def test_classes_are_equally_probable_if_all_calibrators_return_zero(run):
    graph = Graph()
    values = graph.input("values", np.float64, ["rows", 3])
    shares = _normalised(graph, values, 3)
    given = np.array([[0.0, 0.0, 0.0], [0.2, 0.0, 0.6]])
    found = run(graph, shares, np.float64, ["rows", 3], values=given)
    np.testing.assert_allclose(found, [[1 / 3] * 3, [0.25, 0, 0.75]], rtol=1e-12)


def test_estimators_with_a_vocabulary_each_are_refused(reviews):
    model = CalibratedClassifierCV(small_pipeline(), cv=2).fit(*reviews)
    with pytest.raises(ValueError, match="of 2 pipelines .*ensemble=False"):
        export_onnx(FixedThresholdClassifier(model), io.BytesIO())


def test_estimators_without_a_class_are_refused(ids, labels_of_ids):
    y = np.sort(labels_of_ids)
    folds = [(np.flatnonzero(y != "c"), np.arange(len(y)))]
    model = CalibratedClassifierCV(small_classifier(), cv=folds).fit(ids, y)
    with pytest.raises(ValueError, match=r"\['a', 'b', 'c'\].* got \['a', 'b'\]"):
        export_onnx(model, io.BytesIO())


@pytest.mark.parametrize(
    "wrap",
    [CalibratedClassifierCV, FixedThresholdClassifier, TunedThresholdClassifierCV],
)
def test_unfitted_wrappers_are_refused(wrap):
    for model in (
        wrap(small_pipeline()),
        make_pipeline(TextVectorizer(), wrap(small_classifier())),
    ):
        with pytest.raises(NotFittedError):
            export_onnx(model, io.BytesIO())
