"""Metadata routing of validation rows and weights through a pipeline."""

import numpy as np
import pytest
from sklearn import config_context
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_validate
from sklearn.pipeline import Pipeline

from sklearn_bilstm import TextVectorizer
from sklearn_bilstm.datasets import make_reviews
from sklearn_bilstm.metrics import span_f1_score
from tests.helpers import small_classifier, small_tagger


@pytest.fixture(autouse=True)
def routing():
    with config_context(enable_metadata_routing=True):
        yield


@pytest.fixture
def validation():
    return make_reviews(30, random_state=1)


def make_pipeline_with_validation():
    classifier = small_classifier(max_epochs=3)
    classifier.set_fit_request(X_val=True, y_val=True)
    steps = [("ids", TextVectorizer(max_length=40)), ("bilstm", classifier)]
    return Pipeline(steps, transform_input=["X_val"])


def test_pipeline_vectorises_x_val(reviews, validation):
    texts, labels = reviews
    model = make_pipeline_with_validation()
    model.fit(texts, labels, X_val=validation[0], y_val=validation[1])
    by_hand = small_classifier(max_epochs=3)
    vectorizer = TextVectorizer(max_length=40).fit(texts)
    by_hand.fit(
        vectorizer.transform(texts),
        labels,
        X_val=vectorizer.transform(validation[0]),
        y_val=validation[1],
    )
    losses, expected = (
        [epoch["valid_loss"] for epoch in m.history_] for m in (model[-1], by_hand)
    )
    assert losses == expected


def test_pipeline_vectorises_x_unlabelled(reviews, validation):
    classifier = small_classifier(embedding="svd").set_fit_request(X_unlabelled=True)
    steps = [("ids", TextVectorizer(max_length=40)), ("bilstm", classifier)]
    model = Pipeline(steps, transform_input=["X_unlabelled"])
    model.fit(*reviews, X_unlabelled=validation[0])
    vectorizer = TextVectorizer(max_length=40).fit(reviews[0])
    ids, more = map(vectorizer.transform, (reviews[0], validation[0]))
    by_hand = small_classifier(embedding="svd").fit(ids, reviews[1], X_unlabelled=more)
    assert np.array_equal(by_hand.predict_proba(ids), model.predict_proba(reviews[0]))


def test_grid_search_passes_validation_rows_to_every_candidate(reviews, validation):
    grid = {"bilstm__pooling": ["max", "mean"]}
    search = GridSearchCV(make_pipeline_with_validation(), grid, cv=2)
    search.fit(*reviews, X_val=validation[0], y_val=validation[1])
    assert "valid_loss" in search.best_estimator_[-1].history_[0]


def test_sample_weight_is_routed_to_the_classifier(reviews):
    texts, labels = reviews
    classifier = small_classifier(max_epochs=9, lr=0.02)
    model = Pipeline(
        [
            ("ids", TextVectorizer()),
            ("bilstm", classifier.set_fit_request(sample_weight=True)),
        ]
    )
    weight = np.where(labels == "positive", 1.0, 0.0)
    assert set(model.fit(texts, labels, sample_weight=weight).predict(texts)) == {
        "positive"
    }


def test_sample_weight_is_routed_to_the_scorer_if_requested(reviews):
    texts, labels = reviews
    classifier = small_classifier().set_fit_request(sample_weight=True)
    classifier.set_score_request(sample_weight=False)
    model = Pipeline([("ids", TextVectorizer()), ("bilstm", classifier)])
    scorer = make_scorer(accuracy_score).set_score_request(sample_weight=True)
    scores = cross_validate(
        model,
        texts,
        labels,
        cv=2,
        scoring=scorer,
        params={"sample_weight": np.ones(60)},
    )
    assert np.isfinite(scores["test_score"]).all()


def test_sample_weight_and_groups_are_routed_to_a_tagger_scorer_and_splitter(sentences):
    X, y = sentences
    weight = np.where(np.arange(40) < 20, 1.0, 0.0)
    documents = np.arange(40) // 20  # one of them has only rows of zero weight
    tagger = small_tagger().set_fit_request(sample_weight=True)
    tagger.set_score_request(sample_weight=True)
    scorer = make_scorer(span_f1_score).set_score_request(sample_weight=True)
    params = {"sample_weight": weight, "groups": documents}
    with pytest.raises(ValueError, match="at least one non-zero"):
        cross_validate(
            tagger, X, y, cv=GroupKFold(2), params=params, error_score="raise"
        )
    weight[20:] = 2.0
    scores = cross_validate(
        tagger, X, y, cv=GroupKFold(2), scoring=scorer, params=params
    )
    assert np.isfinite(scores["test_score"]).all()
