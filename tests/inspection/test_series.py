import xml.etree.ElementTree as ET
from html import escape

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_bilstm import TokenImportanceDisplay, explain
from sklearn_bilstm.inspection import SeriesExplanation
from sklearn_bilstm.sequences import channels_last
from tests.helpers import small_classifier, small_regressor

random = np.random.RandomState(0)
X = random.normal(3, 5, (40, 30, 2)).astype(np.float32)
y = np.where(X[:, 10:13, 1].mean(1) > 3, "high", "low")


@pytest.fixture(scope="module")
def classifier():
    return small_classifier(linear_kernels=84).fit(X, y)


def log_odds(model, series, label):
    p = model.predict_proba(series)[:, model.classes_.tolist().index(label)]
    return np.log(p / (1 - p))


def test_scores_equal_the_change_of_log_odds_at_the_mean(classifier):
    (one,) = explain(classifier, X[:1])
    assert one.scores.shape == (20, 2)
    assert (one.bounds[0], one.bounds[-1]) == (0, 30)
    assert set(np.diff(one.bounds)) == {1, 2}
    np.testing.assert_allclose(one.values, X[0], rtol=1e-5)
    label, means = one.prediction.target, X.mean((0, 1))
    assert label == classifier.predict(X[:1])[0]
    whole = log_odds(classifier, X[:1], label)
    assert one.prediction.output == pytest.approx(whole[0], abs=1e-4)
    for interval, channel in [(0, 0), (7, 1), (19, 1)]:
        changed = X[:1].copy()
        steps = slice(one.bounds[interval], one.bounds[interval + 1])
        changed[:, steps, channel] = means[channel]
        expected = whole - log_odds(classifier, changed, label)
        assert one.scores[interval, channel] == pytest.approx(expected[0], abs=1e-4)
    baseline = log_odds(classifier, np.full_like(X[:1], means), label)
    assert one.prediction.baseline == pytest.approx(baseline[0], abs=1e-4)


def test_series_of_different_lengths_have_intervals_of_their_steps(classifier):
    for length, n_intervals in [(1, 1), (7, 7), (30, 20)]:
        (one,) = explain(classifier, [X[0, :length]], target="low")
        assert one.prediction.target == "low"
        assert len(one.scores) == n_intervals
        assert one.bounds[-1] == len(one.values) == length


def test_a_prediction_with_static_features_is_explained():
    model = small_regressor(input_type="numeric", n_static_features=1)
    table = np.column_stack([X[:, :, 0], 1e4 * (y == "high")])
    model.fit(table, X[:, :, 0].mean(1))
    (one,) = explain(model, table[:1], y_true=[2.5])
    shown = one.prediction
    assert shown.output == pytest.approx(model.predict(table[:1])[0], rel=1e-4)
    assert shown.static_values == pytest.approx(table[0, -1:], rel=1e-5)
    changed = table[:1].copy()
    changed[0, -1] = table[:, -1].mean()
    expected = shown.output - model.predict(changed)
    np.testing.assert_allclose(shown.static_scores, expected, atol=1e-4)
    assert ", true value 2.5 (occlusion)" in str(one)
    assert f"static_0 = {table[0, -1]:.6g}: " in str(one)


def test_frames_name_the_channels():
    frames = [pd.DataFrame(series, columns=["heart", "<lung>"]) for series in X]
    model = small_classifier().fit(frames, y)
    (one,) = explain(model, frames[:1])
    assert one.channel_names == ["heart", "<lung>"]
    assert "<div>&lt;lung&gt;</div>" in one._repr_html_()
    frame = one.to_frame()
    assert frame["kind"].tolist() == ["interval"] * 40 + ["baseline"]
    assert frame["channel"][:2].tolist() == ["heart", "<lung>"]
    assert frame["score"][:40].tolist() == one.scores.ravel().tolist()
    assert frame["end"][:40].tolist() == np.repeat(one.bounds[1:], 2).tolist()


def test_the_largest_scores_are_printed_in_order(classifier):
    (one,) = explain(classifier, X[:1])
    heading, *lines = str(one).splitlines()
    assert heading == f"{one.prediction.summary} (occlusion)"
    assert lines[-2:] == [
        "... 30 intervals ...",
        f"baseline: {one.prediction.baseline:+.2f}",
    ]
    least = np.sort(np.abs(one.scores).ravel())[-10]
    expected = []
    for (interval, channel), score in np.ndenumerate(one.scores):
        first, last = one.bounds[interval], one.bounds[interval + 1] - 1
        if abs(score) >= least:
            steps = f"step {first}" if first == last else f"steps {first} to {last}"
            expected.append(f"{steps} of channel {channel}: {score:+.2g}")
    assert lines[:-2] == expected


def test_a_notebook_shows_curves_with_coloured_intervals(classifier):
    explanations = explain(classifier, X[:2], y_true=["low", "high"])
    root = ET.fromstring(f"<p>{explanations._repr_html_()}</p>")
    curves = root.findall(".//svg")
    assert len(curves) == 4  # two channels each
    assert {len(svg.findall("rect")) for svg in curves} == {20}
    text = "".join(root.itertext())
    for one in explanations:
        assert one.prediction.summary in text
    assert text.count("set to the mean of its channel") == 1
    strongest = [
        r.get("fill") for r in root.findall(".//rect") if "0.600" in r.get("fill")
    ]
    assert len(strongest) == 2  # one of each series
    sizes = [np.abs(one.scores).max() for one in explanations]
    assert f"strongest colour: {sizes[0]:.3g}" in text


@pytest.mark.parametrize("wrap", [FrozenEstimator, "pipeline"])
def test_models_that_contain_the_estimator_are_explained(classifier, wrap):
    (expected,) = explain(classifier, X[:1])
    if wrap == "pipeline":
        model = make_pipeline(FunctionTransformer(channels_last), classifier)
        (found,) = explain(model, X[:1].swapaxes(1, 2))
    else:
        (found,) = explain(wrap(classifier), X[:1])
    np.testing.assert_allclose(found.scores, expected.scores, atol=1e-6)


def test_a_task_is_explained():
    tasks = np.column_stack([y, np.where(X[:, 0, 0] > 3, "up", "down")])
    model = small_classifier().fit(X, tasks)
    (one,) = explain(model, X[:1], target=(1, "up"), y_true=tasks[:1])
    assert one.prediction.summary.startswith("task 1, up: log odds ")
    assert one.prediction.truth == tasks[0, 1]
    assert escape(one.prediction.summary) in one._repr_html_()


@pytest.mark.parametrize("method", ["integrated_gradients", "attention"])
def test_other_methods_raise(classifier, method):
    with pytest.raises(
        ValueError, match="'auto' or 'occlusion' for a model of numeric"
    ):
        explain(classifier, X[:1], method)


def test_a_display_of_tokens_raises(classifier):
    with pytest.raises(TypeError, match="must be the Explanation of a single text"):
        TokenImportanceDisplay.from_estimator(classifier, X[:1])


def test_repr_is_short(classifier):
    (one,) = explanations = explain(classifier, X[:1])
    assert isinstance(one, SeriesExplanation)
    assert repr(explanations) == "<Explanations of 1 rows>"
    start = "<SeriesExplanation of 20 intervals of 2 channels, "
    assert repr(one) == f"{start}{one.prediction.summary}>"
    assert explanations.to_frame()["row"].tolist() == [0] * 41


@pytest.mark.parametrize("threshold", [0.0, 1.1])
def test_the_explained_class_is_that_of_a_decision_threshold(classifier, threshold):
    model = FixedThresholdClassifier(
        FrozenEstimator(classifier), threshold=threshold, pos_label="low"
    ).fit(X, y)
    found = [one.prediction for one in explain(model, X[:4])]
    label = "high" if threshold else "low"
    assert [one.target for one in found] == [label] * 4
    p = classifier.predict_proba(X[:4])[:, classifier.classes_.tolist().index(label)]
    np.testing.assert_allclose([one.probability for one in found], p, rtol=1e-12)


def test_the_probability_of_a_calibrated_model_is_that_after_calibration():
    model = CalibratedClassifierCV(small_classifier(), cv=2, ensemble=False).fit(X, y)
    inner = model.calibrated_classifiers_[0].estimator
    found = [one.prediction for one in explain(model, X[:4])]
    assert [one.target for one in found] == model.predict(X[:4]).tolist()
    p = model.predict_proba(X[:4]).max(1)
    assert [one.probability for one in found] == pytest.approx(p, rel=1e-12)
    for one, series in zip(found, X[:4], strict=True):
        expected = log_odds(inner, series[None], one.target)
        assert one.output == pytest.approx(expected[0], abs=1e-4)


@pytest.mark.skipif(
    "temperature"
    not in CalibratedClassifierCV._parameter_constraints["method"][0].options,
    reason="needs scikit-learn 1.8",
)
def test_the_labels_of_temperature_scaling_are_explained():
    params = {"method": "temperature", "cv": 2, "ensemble": False}
    model = CalibratedClassifierCV(small_classifier(), **params).fit(X, y)
    found = [one.prediction.target for one in explain(model, X[:4], target="low")]
    assert found == ["low"] * 4
    found = [one.prediction.target for one in explain(model, X[:4])]
    assert found == model.predict(X[:4]).tolist()
