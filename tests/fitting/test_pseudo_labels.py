import numpy as np
import pytest
from sklearn.base import clone
from sklearn.metrics import log_loss

from sklearn_bilstm import load, save
from sklearn_bilstm.fitting import LabelTarget, _pseudo_labels
from sklearn_bilstm.fitting._ngrams import NgramModels
from sklearn_bilstm.sequences import SequenceDataset
from tests.helpers import ragged, small_classifier
from tests.training.test_pseudo_labels import in_order, topical

PARAMS = {"embedding": "svd", "linear_ngram_range": (1, 1), "max_epochs": 3}


def same_predictions(first, second, X):
    return np.array_equal(first.predict_proba(X), second.predict_proba(X))


@pytest.fixture(scope="module")
def topics():
    """Few labelled rows, many unlabelled ones, and new rows."""
    return *topical(60, 0), topical(600, 1)[0], *topical(500, 2)


@pytest.fixture(scope="module")
def model(topics):
    X, y, X_unlabelled, _, _ = topics
    classifier = small_classifier(**PARAMS, log_odds_ngram_range=(1, 1))
    return classifier.fit(X, y, X_unlabelled=X_unlabelled)


def test_unlabelled_rows_increase_accuracy(topics, model):
    X, y, _, new, truth = topics
    alone = clone(model).fit(X, y)
    assert model.score(new, truth) > alone.score(new, truth) + 0.1
    found = model.auto_params_["pseudo_labels"]
    assert found["used"]
    np.testing.assert_allclose(found["accuracy"], model.score(new, truth), atol=0.1)


def test_classifier_is_not_overconfident_with_pseudo_labels(topics, model):
    *_, new, truth = topics
    probabilities = model.predict_proba(new)
    accuracy = model.score(new, truth)
    assert probabilities.max(1).mean() < accuracy + 0.05
    assert log_loss(truth, probabilities) < 0.5


def test_pseudo_labels_are_printed_and_saved(topics, model, tmp_path, capsys):
    X, y, X_unlabelled, _, _ = topics
    verbose = clone(model).set_params(verbose=1, max_epochs=1)
    verbose.fit(X, y, X_unlabelled=X_unlabelled)
    expected = verbose.auto_params_["pseudo_labels"]
    assert expected == model.auto_params_["pseudo_labels"]
    assert f"pseudo_labels={expected!r}" in capsys.readouterr().out
    save(verbose, tmp_path / "model")
    assert load(tmp_path / "model").auto_params_["pseudo_labels"] == expected


def test_refused_pseudo_labels_do_not_change_predictions(monkeypatch):
    X, y = in_order(100, 0)
    y = np.random.RandomState(0).permutation(y)  # noise
    X_unlabelled, _ = in_order(300, 1)
    classifier = small_classifier(**PARAMS)
    model = clone(classifier).fit(X, y, X_unlabelled=X_unlabelled)
    assert not model.auto_params_["pseudo_labels"]["used"]
    monkeypatch.setattr(_pseudo_labels, "LabelTarget", type(None))  # never tried
    twin = clone(classifier).fit(X, y, X_unlabelled=X_unlabelled)
    assert "pseudo_labels" not in twin.auto_params_
    assert same_predictions(model, twin, X)


def test_number_of_unlabelled_rows_is_limited(topics, monkeypatch):
    X, y, X_unlabelled, _, _ = topics
    monkeypatch.setattr(_pseudo_labels, "_MOST_ROWS", 500)
    train = SequenceDataset(ragged(X.tolist()), y)
    both = train.sequences.joined(ragged(X_unlabelled.tolist()))
    rows = _pseudo_labels.PseudoLabelledRows(
        train, both, LabelTarget(np.arange(2)), None, 0
    )
    found = rows.fit().fit_ngrams(NgramModels(), verbose=False)
    assert len(found) == 560
    np.testing.assert_allclose(found.weight.mean(), 1)
    assert (found.target[:60] == y).all()


@pytest.mark.filterwarnings("ignore:Rows without a label are ignored")
@pytest.mark.parametrize(
    "case", ["multilabel", "static features", "pretrained", "none"]
)
def test_other_fits_have_no_pseudo_labels(topics, model, case):
    X, y, X_unlabelled, _, _ = topics
    classifier = small_classifier(**PARAMS)
    if case == "multilabel":
        y = np.eye(2, dtype=int)[y]
    elif case == "static features":
        classifier.set_params(n_static_features=2)
        X, X_unlabelled = (np.hstack([rows, rows[:, :2]]) for rows in (X, X_unlabelled))
    elif case == "pretrained":
        classifier.set_params(pretrained=model, log_odds_ngram_range=(1, 1))
    else:
        X_unlabelled = None
    classifier.fit(X, y, X_unlabelled=X_unlabelled)
    assert "pseudo_labels" not in classifier.auto_params_


def test_warm_start_ignores_unlabelled_rows(topics):
    X, y, X_unlabelled, _, _ = topics
    classifier = small_classifier(**PARAMS, warm_start=True).fit(X, y)
    classifier.fit(X, y, X_unlabelled=X_unlabelled)
    assert "pseudo_labels" not in classifier.auto_params_
    assert classifier.history_[-1]["train_loss"] > 0


def test_validation_rows_are_labelled_rows(topics):
    X, y, X_unlabelled, new, truth = topics
    classifier = small_classifier(**PARAMS, early_stopping="auto")
    classifier.fit(X, y, X_val=new, y_val=truth, X_unlabelled=X_unlabelled)
    assert classifier.auto_params_["pseudo_labels"]["used"]
    assert classifier.history_[-1]["valid_accuracy"] > 0.6


def test_many_classes_limit_the_number_of_unlabelled_rows(topics, monkeypatch):
    X, y, X_unlabelled, _, _ = topics
    monkeypatch.setattr(_pseudo_labels, "_MOST_LOGITS", 800)
    train = SequenceDataset(ragged(X.tolist()), y)
    both = train.sequences.joined(ragged(X_unlabelled.tolist()))
    target = LabelTarget(np.arange(2))
    rows = _pseudo_labels.PseudoLabelledRows(train, both, target, None, 0)
    found = rows.fit().fit_ngrams(NgramModels(), verbose=False)
    assert len(found) in (60, 460)  # if pseudo-labels are refused, or used
