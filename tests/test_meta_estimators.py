"""Meta-estimators of scikit-learn on raw text and on sentences."""

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401, switches on
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import make_scorer
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    HalvingGridSearchCV,
    RandomizedSearchCV,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
    permutation_test_score,
    train_test_split,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.semi_supervised import SelfTrainingClassifier

from sklearn_bilstm import TextVectorizer
from sklearn_bilstm.metrics import span_f1_score
from tests.helpers import small_classifier, small_pipeline, small_tagger

GRID = {
    "textvectorizer__max_features": [20, 100],
    "bilstmclassifier__pooling": ["max", "attention"],
}


def as_list(texts):
    return texts


def as_series(texts):
    return pd.Series(texts, index=np.arange(len(texts))[::-1], name="review")


def as_frame(texts):
    return as_series(texts).to_frame()


any_container = pytest.mark.parametrize("X_as", [as_list, as_series, as_frame])


@pytest.fixture
def text(reviews):
    return reviews[0]


@pytest.fixture
def y(reviews):
    return reviews[1]


@any_container
def test_grid_search_selects_parameters_of_a_pipeline(text, y, X_as):
    search = GridSearchCV(small_pipeline(), GRID, cv=2).fit(X_as(text), y)
    assert search.best_params_.keys() == GRID.keys()
    assert set(search.predict(X_as(text))) <= {"negative", "positive"}


def test_randomized_search_samples_parameters(text, y):
    search = RandomizedSearchCV(small_pipeline(), GRID, n_iter=2, cv=2, random_state=0)
    assert len(search.fit(text, y).cv_results_["params"]) == 2


def test_halving_search_may_use_max_epochs_as_resource(text, y):
    search = HalvingGridSearchCV(
        small_pipeline(),
        GRID,
        cv=2,
        resource="bilstmclassifier__max_epochs",
        max_resources=4,
        min_resources=1,
        factor=2,
        random_state=0,
    ).fit(text, y)
    assert search.best_estimator_[-1].n_iter_ == 4


def test_halving_search_may_use_rows_as_resource(text, y):
    search = HalvingGridSearchCV(
        small_pipeline(), GRID, cv=2, min_resources=20, factor=2, random_state=0
    ).fit(as_series(text), y)
    assert search.n_resources_ == [20, 40]


@any_container
def test_cross_validate_scores_a_pipeline(text, y, X_as):
    scores = cross_validate(
        small_pipeline(), X_as(text), y, cv=3, scoring=["accuracy", "roc_auc"]
    )
    assert np.isfinite(scores["test_accuracy"]).all()
    assert np.isfinite(scores["test_roc_auc"]).all()


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
@pytest.mark.parametrize("ensemble", [True, False])
def test_calibrated_classifier_probabilities_sum_to_one(text, y, method, ensemble):
    model = CalibratedClassifierCV(
        small_pipeline(), method=method, ensemble=ensemble, cv=2
    ).fit(text, y)
    np.testing.assert_allclose(model.predict_proba(text).sum(1), 1)


@pytest.mark.parametrize("voting", ["soft", "hard"])
@any_container
def test_voting_classifier_accepts_pipelines(text, y, voting, X_as):
    members = [(name, small_pipeline(pooling=name)) for name in ("max", "mean")]
    model = VotingClassifier(members, voting=voting).fit(X_as(text), y)
    assert model.predict(X_as(text)).shape == (60,)


def test_stacking_classifier_accepts_pipelines(text, y):
    members = [(name, small_pipeline(pooling=name)) for name in ("max", "mean")]
    model = StackingClassifier(members, LogisticRegression(), cv=2).fit(text, y)
    assert model.predict_proba(text).shape == (60, 2)


def test_bagging_classifier_accepts_a_single_column_frame(text, y):
    model = BaggingClassifier(small_pipeline(), n_estimators=2, random_state=0)
    assert model.fit(as_frame(text), y).predict(as_frame(text)).shape == (60,)


def test_self_training_works_within_a_pipeline(text, y):
    labels = np.where(y == "positive", 1, 0)
    labels[::3] = -1
    model = make_pipeline(
        TextVectorizer(), SelfTrainingClassifier(small_classifier(), threshold=0.51)
    ).fit(text, labels)
    assert set(model.predict(text)) <= {0, 1}


def test_one_vs_rest_classifier_accepts_pipelines(text):
    y = np.array(["a", "b", "c"])[np.arange(60) % 3]
    model = OneVsRestClassifier(small_pipeline()).fit(text, y)
    assert model.predict_proba(text).shape == (60, 3)


def test_learning_curve_accepts_a_pipeline(text, y):
    _, train, test = learning_curve(
        small_pipeline(), text, y, cv=2, train_sizes=[0.5, 1.0]
    )
    assert train.shape == test.shape == (2, 2)


def test_permutation_test_score_accepts_a_pipeline(text, y):
    _, scores, p = permutation_test_score(
        small_pipeline(), text, y, cv=2, n_permutations=2, random_state=0
    )
    assert len(scores) == 2
    assert 0 < p <= 1


def test_cross_val_predict_does_not_depend_on_n_jobs(text, y):
    predicted = [
        cross_val_predict(
            small_pipeline(), text, y, cv=3, method="predict_proba", n_jobs=n_jobs
        )
        for n_jobs in (1, 2)
    ]
    assert np.array_equal(*predicted)


def test_grid_search_does_not_depend_on_n_jobs(text, y):
    results = [
        GridSearchCV(
            small_pipeline(), GRID, cv=2, n_jobs=n_jobs, scoring="neg_log_loss"
        )
        .fit(text, y)
        .cv_results_["mean_test_score"]
        for n_jobs in (1, 2)
    ]
    assert np.array_equal(*results)


# -- rows of unequal length in X and y


def as_objects(rows):
    return pd.Series(rows).to_numpy()


any_rows = pytest.mark.parametrize(
    "rows_as", [list, as_objects, pd.Series], ids=["lists", "array", "column"]
)
span_f1 = make_scorer(span_f1_score, zero_division=0.0)


def tagger(**params):
    return small_tagger(**{"max_epochs": 6, "lr": 0.03, **params})


@any_rows
def test_cross_val_score_of_a_tagger_equals_span_f1(sentences, rows_as):
    X, y = map(rows_as, sentences)
    own = cross_val_score(tagger(), X, y, cv=3)
    assert np.array_equal(cross_val_score(tagger(), X, y, cv=3, scoring=span_f1), own)
    assert own.max() > 0


@any_rows
def test_cross_val_predict_returns_labels_of_each_fold(sentences, rows_as):
    X, y = map(rows_as, sentences)
    predicted = cross_val_predict(tagger(), X, y, cv=4)
    assert [len(row) for row in predicted] == [len(row) for row in X]
    last = tagger().fit(list(X)[:30], list(y)[:30]).predict(list(X)[30:])
    assert predicted[30:].tolist() == last


def test_cross_val_predict_keeps_rows_of_equal_length(sentences):
    X, y = [["a", "b"]] * 8, [["N", "V"]] * 8
    assert cross_val_predict(tagger(), X, y, cv=2).shape == (8,)


def test_grid_search_of_a_tagger_does_not_depend_on_n_jobs(sentences):
    X, y = sentences
    grid = {"crf": [True, False]}
    one, two = (
        GridSearchCV(tagger(), grid, cv=2, n_jobs=n_jobs, scoring=span_f1).fit(X, y)
        for n_jobs in (1, 2)
    )
    scores = [search.cv_results_["mean_test_score"] for search in (one, two)]
    assert np.array_equal(*scores)
    assert two.predict(X) == one.predict(X)


@any_rows
def test_grid_search_refits_a_tagger_on_all_rows(sentences, rows_as):
    X, y = map(rows_as, sentences)
    search = GridSearchCV(tagger(), {"crf": [True]}, cv=2, scoring=span_f1).fit(X, y)
    assert search.predict(X) == tagger().fit(X, y).predict(X)


@any_rows
def test_learning_curve_accepts_a_tagger(sentences, rows_as):
    X, y = map(rows_as, sentences)
    sizes, train, test = learning_curve(tagger(), X, y, cv=2, train_sizes=[0.5, 1.0])
    assert sizes.tolist() == [10, 20]
    assert train.shape == test.shape == (2, 2)


@any_rows
def test_group_k_fold_keeps_sentences_of_a_document_together(sentences, rows_as):
    X, y = map(rows_as, sentences)
    documents = np.arange(40) // 8
    scores = cross_val_score(tagger(), X, y, cv=GroupKFold(5), groups=documents)
    assert scores.shape == (5,)
    last = documents == 4  # folds of equal size take documents from the last on
    rows = [
        [row for row, selected in zip(r, last, strict=True) if selected] for r in (X, y)
    ]
    rest = [
        [row for row, selected in zip(r, ~last, strict=True) if selected]
        for r in (X, y)
    ]
    assert tagger().fit(*rest).score(*rows) in scores


@any_rows
def test_pipeline_may_end_with_a_tagger(sentences, rows_as):
    X, y = map(rows_as, sentences)
    model = make_pipeline(FunctionTransformer(), tagger()).fit(X, y)
    assert model.predict(X) == tagger().fit(X, y).predict(X)
    assert model.score(X, y) == model[-1].score(X, y)


@any_rows
def test_train_test_split_keeps_rows_and_labels_together(sentences, rows_as):
    X, y = map(rows_as, sentences)
    train, test, labels, _ = train_test_split(X, y, random_state=0)
    model = tagger().fit(train, labels)
    assert [len(row) for row in model.predict(test)] == [len(r) for r in test]
