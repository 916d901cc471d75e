"""Behaviour common to all methods of explain and all models."""

import sys

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    TunedThresholdClassifierCV,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_bilstm import TableVectorizer, TextVectorizer, explain
from tests.helpers import (
    small_classifier,
    small_pipeline,
    small_regressor,
)

METHODS = ["integrated_gradients", "occlusion", "attention"]
TEXTS = ["The plot was NOT good!", "", "a zyxwv  film"]


def needs_captum(method):
    if method == "integrated_gradients":
        pytest.importorskip("captum")


@pytest.fixture(scope="module")
def attentive(reviews):
    return small_pipeline(pooling="attention").fit(*reviews)


@pytest.fixture(scope="module")
def regression(reviews):
    texts, _ = reviews
    stars = [10.0 * len(text.split()) for text in texts]
    return make_pipeline(TextVectorizer(), small_regressor()).fit(texts, stars)


@pytest.mark.parametrize("method", METHODS)
def test_tokens_are_returned_as_written(attentive, method):
    needs_captum(method)
    explanations = explain(attentive, TEXTS, method=method)
    assert [one.tokens for one in explanations] == [
        ["The", "plot", "was", "NOT", "good", "!"],
        [],
        ["a", "zyxwv", "film"],
    ]
    assert all(len(one.scores) == len(one.tokens) for one in explanations)
    assert all(np.isfinite(one.scores).all() for one in explanations)


@pytest.mark.parametrize("method", METHODS)
def test_output_is_the_log_odds_of_the_predicted_class(attentive, method):
    needs_captum(method)
    explanations = explain(attentive, TEXTS, method=method)
    probabilities = attentive.predict_proba(TEXTS).max(1)
    odds = np.abs(attentive.decision_function(TEXTS))
    found = [(one.target, one.output, one.probability) for one in explanations]
    labels, outputs, shown = zip(*found, strict=True)
    assert list(labels) == attentive.predict(TEXTS).tolist()
    np.testing.assert_allclose(outputs, odds, rtol=1e-4)
    np.testing.assert_allclose(shown, probabilities, rtol=1e-4)


@pytest.mark.parametrize("method", METHODS)
def test_explanations_do_not_depend_on_the_batch(attentive, method):
    needs_captum(method)
    batched = explain(attentive, TEXTS, method=method)
    for one, text in zip(batched, TEXTS, strict=True):
        (single,) = explain(attentive, [text], method=method)
        np.testing.assert_allclose(single.scores, one.scores, atol=2e-3)


@pytest.mark.parametrize("method", ["integrated_gradients", "occlusion"])
def test_scores_of_two_classes_are_opposite(attentive, method):
    needs_captum(method)
    explanations = [
        explain(attentive, TEXTS[:1], method, c)[0] for c in attentive.classes_
    ]
    np.testing.assert_allclose(
        explanations[0].scores, -explanations[1].scores, atol=1e-6
    )
    assert explanations[0].output == pytest.approx(-explanations[1].output)


def test_target_may_be_one_label_or_one_per_text(attentive):
    labels = ["positive", "negative", "positive"]
    each = explain(attentive, TEXTS, "occlusion", labels)
    assert [one.target for one in each] == labels
    same = explain(attentive, TEXTS, "occlusion", "negative")
    assert [one.target for one in same] == ["negative"] * 3


def test_multiclass_output_is_the_log_odds_against_all_others(reviews):
    texts, _ = reviews
    labels = np.arange(len(texts)) % 3
    model = small_pipeline().fit(texts, labels)
    for label in range(3):
        (one,) = explain(model, TEXTS[:1], "occlusion", target=label)
        p = model.predict_proba(TEXTS[:1])[0, label]
        assert one.output == pytest.approx(np.log(p / (1 - p)), abs=1e-5)
        assert one.target == label


def test_multilabel_output_is_the_decision_function_of_the_label(reviews):
    texts, _ = reviews
    model = small_pipeline().fit(texts, np.eye(3, dtype=int)[np.arange(60) % 3])
    odds = model.decision_function(TEXTS)
    for label in range(3):
        found = explain(model, TEXTS, "occlusion", target=label)
        outputs = [one.output for one in found]
        np.testing.assert_allclose(outputs, odds[:, label], atol=1e-6)
    predicted = [one.target for one in explain(model, TEXTS, "occlusion")]
    assert predicted == odds.argmax(1).tolist()


def test_output_of_a_regressor_is_its_prediction(regression):
    found = explain(regression, TEXTS, "occlusion")
    outputs = [one.output for one in found]
    np.testing.assert_allclose(outputs, regression.predict(TEXTS), rtol=1e-5)
    assert found[0].target is None
    assert found[0].probability is None
    with pytest.raises(ValueError, match="None for a regressor with a single"):
        explain(regression, TEXTS, "occlusion", target=3)


def test_a_regressor_of_several_outputs_requires_a_target(reviews):
    texts, _ = reviews
    y = np.arange(120.0).reshape(60, 2)
    model = make_pipeline(TextVectorizer(), small_regressor()).fit(texts, y)
    (one,) = explain(model, TEXTS[:1], "occlusion", target=1)
    assert one.output == pytest.approx(model.predict(TEXTS[:1])[0, 1], rel=1e-5)
    assert one.target == 1
    with pytest.raises(ValueError, match="one of the 2 outputs"):
        explain(model, TEXTS, "occlusion")
    with pytest.raises(ValueError, match="from 0 to 1"):
        explain(model, TEXTS, "occlusion", target=2)


@pytest.mark.parametrize("method", METHODS)
def test_truncated_tokens_have_nan_scores(reviews, method):
    needs_captum(method)
    vectorizer = TextVectorizer(max_length=2, truncation="middle")
    classifier = small_classifier(pooling="attention", linear_ngram_range=(1, 2))
    model = make_pipeline(vectorizer, classifier).fit(*reviews)
    (one,) = explain(model, ["the plot was good"], method=method)
    assert one.tokens == ["the", "plot", "was", "good"]
    assert np.isnan(one.scores).tolist() == [False, True, True, False]


def test_stop_words_are_omitted(reviews):
    model = small_pipeline().set_params(textvectorizer__stop_words=["the"])
    (one,) = explain(model.fit(*reviews), ["See the film"], "occlusion")
    assert one.tokens == ["See", "film"]


@pytest.mark.parametrize("method", METHODS)
def test_text_columns_with_static_features_are_explained(reviews, method):
    needs_captum(method)
    texts, labels = reviews
    stars = np.arange(60.0)
    frame = pd.DataFrame({"title": "So what", "review": texts, "stars": stars})
    columns = make_column_transformer(
        (TextVectorizer(), ["title", "review"]), remainder="passthrough"
    )
    classifier = small_classifier(
        pooling="attention", n_static_features=1, linear_ngram_range=(1, 2)
    )
    model = make_pipeline(columns, classifier).fit(frame, labels)
    (one,) = explain(model, frame[:1], method=method)
    assert one.tokens[:4] == ["<title>", "So", "what", "<review>"]
    assert one.document.texts == ["So what", texts[0]]
    assert one.probability == pytest.approx(model.predict_proba(frame)[0].max(), 1e-4)
    assert one.static_names == ([] if method == "attention" else ["remainder__stars"])
    assert len(one.static_scores) == len(one.static_names)


@pytest.mark.parametrize("method", METHODS)
def test_static_features_have_the_values_of_their_columns(reviews, method):
    needs_captum(method)
    texts, labels = reviews
    days = 1e5 + np.arange(60)
    frame = pd.DataFrame({"review": texts, "constant": 3.5, "days": days})
    model = make_pipeline(
        TableVectorizer(text_columns="review"), small_classifier(pooling="attention")
    )
    for number, one in enumerate(explain(model.fit(frame, labels), frame, method)):
        expected = [] if method == "attention" else [3.5, days[number]]
        np.testing.assert_allclose(one.static_values, expected, rtol=1e-6)
        assert ("days = 1000" in str(one)) == (method != "attention")


def test_true_labels_are_part_of_the_explanation(fitted_pipeline):
    found = explain(fitted_pipeline, TEXTS[:2], "occlusion", y_true=["negative", None])
    assert [one.truth for one in found] == ["negative", None]
    assert str(found).count("true class: negative") == 1
    with pytest.raises(ValueError, match="y_true must hold a row for each of 2 texts"):
        explain(fitted_pipeline, TEXTS[:2], "occlusion", y_true=["negative"])


@pytest.mark.parametrize("known", [True, False])
def test_static_features_have_the_names_of_their_columns(reviews, known):
    texts, labels = reviews
    frame = pd.DataFrame({"review": texts, "stars": np.arange(60.0)})
    vectorizer = TextVectorizer(sparse_output=False)
    if known:
        columns = make_column_transformer(
            (vectorizer, "review"),
            remainder="passthrough",
            verbose_feature_names_out=False,
        ).set_output(transform="pandas")
        expected = "stars"
    else:  # FunctionTransformer has no output names by default
        numbers = FunctionTransformer(lambda numbers: numbers.to_numpy())
        columns = make_column_transformer((vectorizer, "review"), (numbers, ["stars"]))
        expected = "static_0"
    model = make_pipeline(columns, small_classifier(n_static_features=1, max_epochs=1))
    (one,) = explain(model.fit(frame, labels), frame[:1], "occlusion")
    assert one.static_names == [expected]


def test_texts_may_be_a_generator_or_missing(fitted_pipeline):
    found = explain(fitted_pipeline, (text for text in TEXTS), "occlusion")
    assert len(found) == 3
    missing = [None, "good", float("nan")]
    assert [one.tokens for one in explain(fitted_pipeline, missing, "occlusion")] == [
        [],
        ["good"],
        [],
    ]


@pytest.mark.parametrize("container", ["search", "frozen", "nested", "cleaned"])
def test_models_that_contain_the_pipeline_are_explained(
    fitted_pipeline, reviews, container
):
    if container == "search":
        grid = {"bilstmclassifier__max_epochs": [1]}
        model = GridSearchCV(small_pipeline(), grid, cv=2).fit(*reviews)
        fitted = model.best_estimator_
    elif container == "frozen":
        model, fitted = FrozenEstimator(fitted_pipeline), fitted_pipeline
    elif container == "nested":
        model, fitted = make_pipeline("passthrough", fitted_pipeline), fitted_pipeline
    else:
        cleaning = FunctionTransformer(lambda texts: [t.strip("!") for t in texts])
        model, fitted = make_pipeline(cleaning, *clone(fitted_pipeline)), None
        model.fit(*reviews)
    (one,) = explain(model, ["a good plot!"], "occlusion")
    expected = model if fitted is None else fitted
    (odds,) = np.abs(expected.decision_function(["a good plot!"]))
    assert one.output == pytest.approx(odds, abs=1e-5)
    assert one.tokens[:3] == ["a", "good", "plot"]


@pytest.mark.parametrize("method", ["integrated_gradients", "occlusion"])
def test_a_model_without_linear_model_is_explained(reviews, method):
    needs_captum(method)
    texts, labels = reviews
    vectorizer = TextVectorizer().fit(texts)
    classifier = small_classifier(
        linear_ngram_range=(1, 2), log_odds_ngram_range=(1, 2)
    )
    classifier.partial_fit(vectorizer.transform(texts), labels, np.unique(labels))
    (one,) = explain(make_pipeline(vectorizer, classifier), TEXTS[:1], method)
    assert np.isfinite(one.scores).all()


@pytest.mark.parametrize("method", METHODS)
def test_explain_does_not_change_the_model_or_global_random_states(attentive, method):
    needs_captum(method)
    before = attentive.decision_function(TEXTS)
    weights = attentive[-1].module_.state_dict()
    copies = {name: weight.clone() for name, weight in weights.items()}
    numpy_state, torch_state = np.random.get_state()[1], torch.get_rng_state()
    explain(attentive, TEXTS, method=method)
    np.testing.assert_array_equal(before, attentive.decision_function(TEXTS))
    for name, weight in attentive[-1].module_.state_dict().items():
        assert torch.equal(weight, copies[name])
    np.testing.assert_array_equal(numpy_state, np.random.get_state()[1])
    assert torch.equal(torch_state, torch.get_rng_state())


def test_invalid_arguments_raise(fitted_pipeline, fitted, reviews):
    with pytest.raises(ValueError, match="'method' parameter of explain must be"):
        explain(fitted_pipeline, TEXTS, method="magic")
    with pytest.raises(ValueError, match="only contain labels of classes_"):
        explain(fitted_pipeline, TEXTS, "occlusion", target="mediocre")
    with pytest.raises(ValueError, match="one label per text: got 2 labels for 3"):
        explain(fitted_pipeline, TEXTS, "occlusion", target=["negative", "positive"])
    with pytest.raises(ValueError, match=r"^texts must be .* single text into a list"):
        explain(fitted_pipeline, "a text")
    for model in (fitted, fitted_pipeline[0], clone(fitted_pipeline[0])):
        with pytest.raises(ValueError, match="fitted pipeline of a TextVectorizer"):
            explain(model, TEXTS)


def test_unfitted_models_raise():
    grid = {"bilstmclassifier__max_epochs": [1]}
    search = GridSearchCV(small_pipeline(), grid)
    for model in (small_pipeline(), search, FrozenEstimator(small_pipeline())):
        with pytest.raises(NotFittedError, match="which is not fitted yet"):
            explain(model, TEXTS)


def test_attention_raises_for_a_target(attentive):
    with pytest.raises(ValueError, match="target must be None"):
        explain(attentive, TEXTS, "attention", target="positive")


def test_attention_requires_no_target_for_several_outputs(reviews):
    texts, _ = reviews
    regressor = small_regressor(pooling="attention", max_epochs=1)
    model = make_pipeline(TextVectorizer(), regressor)
    model.fit(texts, np.arange(120.0).reshape(60, 2))
    (one,) = explain(model, TEXTS[:1], "attention")
    assert one.scores.sum() == pytest.approx(1)
    assert one.summary.startswith("share of attention (prediction of output 0 ")


def test_estimator_input_other_than_token_ids_raises(reviews):
    texts, labels = reviews
    frame = pd.DataFrame({"review": texts, "more": 5})
    columns = make_column_transformer(
        (TextVectorizer(max_length=4), "review"), ("passthrough", ["more"])
    )
    model = make_pipeline(columns, small_classifier()).fit(frame, labels)
    with pytest.raises(ValueError, match="more or fewer steps"):
        explain(model, frame[:2], "occlusion")
    other = make_pipeline(TextVectorizer(), FunctionTransformer(), small_classifier())
    with pytest.raises(ValueError, match="step before the estimator"):
        explain(other.fit(texts, labels), TEXTS)


def test_a_single_class_raises(reviews):
    model = small_pipeline().fit(reviews[0], ["good"] * 60)
    with pytest.raises(ValueError, match="a single class, .'good'."):
        explain(model, TEXTS)


def test_missing_captum_raises_with_the_extra(fitted_pipeline, monkeypatch):
    monkeypatch.setitem(sys.modules, "captum", None)
    monkeypatch.setitem(sys.modules, "captum.attr", None)
    with pytest.raises(ImportError, match=r"sklearn-bilstm\[explain\]"):
        explain(fitted_pipeline, TEXTS)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("method", METHODS)
def test_cpu_and_gpu_give_equal_scores(reviews, method):
    needs_captum(method)
    on_cpu = small_pipeline(pooling="attention", device="cpu").fit(*reviews)
    on_gpu = small_pipeline(pooling="attention", device="cuda").fit(*reviews)
    on_gpu[-1].module_.load_state_dict(on_cpu[-1].module_.state_dict())
    on_gpu[-1].model_.auxiliary_models.network_scale = on_cpu[-1].network_scale_
    pairs = zip(
        explain(on_cpu, TEXTS, method), explain(on_gpu, TEXTS, method), strict=True
    )
    for expected, found in pairs:
        np.testing.assert_allclose(found.scores, expected.scores, atol=5e-3)


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode])
def test_integrated_gradients_are_computed_if_gradients_are_disabled(
    fitted_pipeline, context
):
    (expected,) = explain(fitted_pipeline, ["not good"], method="integrated_gradients")
    with context():
        (found,) = explain(fitted_pipeline, ["not good"], method="integrated_gradients")
    assert np.array_equal(found.scores, expected.scores)


def test_a_mapping_of_texts_raises_with_a_suggestion(fitted_pipeline):
    with pytest.raises(ValueError, match=r"such as texts\['text'\]"):
        explain(fitted_pipeline, {"text": ["not good"]})


@pytest.fixture(scope="module")
def tasks(reviews):
    """A classifier of two tasks with attention: opinion, and length of a text."""
    texts, labels = reviews
    length = [f"{len(text.split()) % 3} more" for text in texts]
    model = small_pipeline(pooling="attention")
    return model.fit(texts, np.column_stack([labels, length]))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("task", [0, 1])
def test_a_task_is_explained_by_the_log_odds_of_its_class(tasks, method, task):
    needs_captum(method)
    explanations = explain(tasks, TEXTS, method, (task, None))
    p = tasks.predict_proba(TEXTS)[task]
    classes = tasks[-1].classes_[task]
    for of_text, explanation in zip(p.max(1), explanations, strict=True):
        expected = np.log(of_text / (1 - of_text))
        assert explanation.output == pytest.approx(expected, abs=1e-4)
    found = [explanation.target for explanation in explanations]
    assert found == classes[p.argmax(1)].tolist()
    assert {explanation.task for explanation in explanations} == {task}
    y_true = [["positive", "1 more"]] * len(TEXTS)
    (one, *_) = explain(tasks, TEXTS, method, (task, None), y_true=y_true)
    assert one.truth == y_true[0][task]


def test_the_scores_of_a_class_of_a_task_sum_to_the_difference_of_its_outputs(tasks):
    pytest.importorskip("captum")
    (explanation,) = explain(tasks, TEXTS[:1], target=(1, "1 more"))
    assert explanation.target == "1 more"
    difference = explanation.output - explanation.baseline
    assert explanation.scores.sum() == pytest.approx(difference, abs=0.02)


@pytest.mark.parametrize("target", [None, "positive", (2, None), (-1, None), (True, 0)])
def test_a_target_without_a_task_raises(tasks, target):
    with pytest.raises(ValueError, match=r"tuple \(task, class\).*from 0 to 1"):
        explain(tasks, TEXTS, target=target)


def decide(model, threshold):
    return FixedThresholdClassifier(model, threshold=threshold, pos_label="positive")


@pytest.mark.parametrize("threshold", [0.0, 1.1])
def test_predicted_class_is_that_of_a_decision_threshold(attentive, threshold):
    model = decide(attentive, threshold)
    found = explain(model, TEXTS, "occlusion")
    p_positive = attentive.predict_proba(TEXTS)[:, 1]
    label = "negative" if threshold else "positive"
    assert [one.target for one in found] == [label] * len(TEXTS)
    p = 1 - p_positive if threshold else p_positive
    np.testing.assert_allclose([one.probability for one in found], p, rtol=1e-12)
    (weights, *_) = explain(model, TEXTS, "attention")
    assert weights.target == attentive.predict(TEXTS[:1])[0]  # the most probable one


def test_scores_of_a_threshold_within_a_pipeline_are_those_of_its_estimator(
    reviews, attentive
):
    vectorizer, classifier = attentive
    decided = decide(FrozenEstimator(classifier), 0.4)
    decided.fit(vectorizer.transform(reviews[0]), reviews[1])
    inner = make_pipeline(vectorizer, decided)
    for found, known in zip(
        explain(inner, TEXTS, "occlusion", "positive"),
        explain(attentive, TEXTS, "occlusion", "positive"),
        strict=True,
    ):
        np.testing.assert_array_equal(found.scores, known.scores)


def test_calibration_changes_the_probability_but_not_the_output(reviews, attentive):
    model = CalibratedClassifierCV(FrozenEstimator(attentive)).fit(*reviews)
    found = explain(model, TEXTS, "occlusion", "positive")
    known = explain(attentive, TEXTS, "occlusion", "positive")
    assert [one.output for one in found] == [one.output for one in known]
    p = model.predict_proba(TEXTS)[:, 1]
    np.testing.assert_allclose([one.probability for one in found], p, rtol=1e-12)
    labels = [one.target for one in explain(model, TEXTS, "occlusion")]
    assert labels == model.predict(TEXTS).tolist()


@pytest.mark.skipif(
    "temperature"
    not in CalibratedClassifierCV._parameter_constraints["method"][0].options,
    reason="needs scikit-learn 1.8",
)
def test_a_classifier_of_codes_of_labels_is_explained_by_label(reviews, attentive):
    texts, labels = reviews[0], [*map(str, reviews[1])]
    wrapped = {"method": "temperature", "ensemble": False, "cv": 2}
    model = CalibratedClassifierCV(clone(attentive), **wrapped).fit(texts, labels)
    (member,) = model.calibrated_classifiers_
    for held in (model, decide(FrozenEstimator(model), 0.4)):
        held = held if held is model else held.fit(texts, labels)
        for target, code in (("negative", 0), ("positive", 1)):
            found = explain(
                held, TEXTS, "occlusion", target, y_true=[target] * len(TEXTS)
            )
            known = explain(member.estimator, TEXTS, "occlusion", code)
            assert [one.output for one in found] == [one.output for one in known]
            assert [one.target for one in found] == [target] * len(TEXTS)
            p = model.predict_proba(TEXTS)[:, code]
            np.testing.assert_allclose([one.probability for one in found], p)
        labels_found = [one.target for one in explain(held, TEXTS, "occlusion")]
        assert labels_found == held.predict(TEXTS).tolist()
    (one, *_) = explain(model, TEXTS, "attention")
    assert one.target in ("negative", "positive")
    assert member.estimator.classes_.tolist() == [0, 1]


def test_mean_of_calibrated_estimators_is_refused(reviews):
    model = CalibratedClassifierCV(small_pipeline(), cv=2).fit(*reviews)
    with pytest.raises(ValueError, match="of 2 estimators.*ensemble=False"):
        explain(decide(model, 0.3), TEXTS)
    (one,) = explain(model.calibrated_classifiers_[0].estimator, TEXTS[:1], "occlusion")
    assert one.tokens


@pytest.mark.parametrize("wrap", [CalibratedClassifierCV, TunedThresholdClassifierCV])
def test_unfitted_wrappers_are_not_fitted(attentive, wrap):
    with pytest.raises(NotFittedError, match="not fitted yet"):
        explain(wrap(clone(attentive)), TEXTS)
