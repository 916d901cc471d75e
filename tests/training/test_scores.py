from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, r2_score
from skorch.history import History

from sklearn_bilstm.training import R2, Accuracy
from tests.helpers import small_classifier, small_regressor, small_tagger

# No learning and no dropout, so training rows are predicted as in evaluation mode.
NO_LEARNING = {
    "lr": 1e-12,
    "max_epochs": 1,
    "word_dropout": 0.0,
    "embedding_dropout": 0.0,
    "dropout": 0.0,
    "precision": "float32",
}


def test_valid_accuracy_equals_score(ids):
    y = np.where(ids[:, 0] > 15, "a", "b")
    classifier = small_classifier(max_epochs=3).fit(ids, y, X_val=ids, y_val=y)
    accuracy = classifier.history_[-1]["valid_accuracy"]
    assert accuracy == pytest.approx(classifier.score(ids, y))


def test_train_accuracy_equals_score_without_learning(ids):
    y, weight = np.where(ids[:, 0] > 15, "a", "b"), np.linspace(0, 1, len(ids))
    classifier = small_classifier(**NO_LEARNING, batch_size=7).fit(ids, y, weight)
    accuracy = classifier.history_[0]["train_accuracy"]
    assert accuracy == pytest.approx(classifier.score(ids, y, weight))
    assert 0 < accuracy < 1


def test_multilabel_valid_accuracy_equals_subset_accuracy(ids):
    y = np.stack([ids[:, 0] > 15, ids[:, 1] > 15, ids[:, 0] > 8], axis=1).astype(int)
    classifier = small_classifier(max_epochs=9).fit(ids, y, X_val=ids, y_val=y)
    accuracy = classifier.history_[classifier.best_epoch_ - 1]["valid_accuracy"]
    expected = accuracy_score(y, classifier.predict(ids))
    assert 0 < expected < 1
    assert accuracy == pytest.approx(expected)


@pytest.mark.parametrize("n_outputs", [1, 2])
def test_train_and_valid_r2_equal_score(ids, n_outputs):
    y = np.column_stack([ids[:, 0], ids[:, :3].sum(1)])[:, :n_outputs]
    X_val, y_val = ids[:17], y[:17]
    weight = np.linspace(0, 1, len(ids))
    regressor = small_regressor(**NO_LEARNING, batch_size=7)
    regressor.fit(ids, y, weight, X_val=X_val, y_val=y_val)
    (epoch,) = regressor.history_
    assert epoch["train_r2"] == pytest.approx(regressor.score(ids, y, weight), abs=1e-6)
    assert epoch["valid_r2"] == pytest.approx(regressor.score(X_val, y_val), abs=1e-6)


def test_train_and_valid_r2_of_steps_equal_score(ids):
    random, lengths = np.random.RandomState(0), (ids > 0).sum(1)
    y = [random.normal(size=(n, 2)) for n in lengths]
    for row in y[::3]:
        row[random.rand(*row.shape) < 0.2] = np.nan
    keep = [i for i, row in enumerate(y) if not len(row) or not np.isnan(row).all()]
    X, y = ids[keep], [y[i] for i in keep]
    weight = np.linspace(0, 1, len(y))
    regressor = small_regressor(**NO_LEARNING, batch_size=7)
    regressor.fit(X, y, weight, X_val=X[:9], y_val=y[:9])
    (epoch,) = regressor.history_
    assert epoch["train_r2"] == pytest.approx(regressor.score(X, y, weight), abs=1e-6)
    assert epoch["valid_r2"] == pytest.approx(regressor.score(X[:9], y[:9]), abs=1e-6)


@pytest.mark.parametrize("params", [{}, {"crf": False}, {"scheme": None}])
def test_valid_score_of_a_tagger_equals_score(sentences, params):
    X, y = sentences
    X_val = [["Anna", "met", "Ben"], ["Ray"], [], ["Mrs", "Ray", "saw", "her"]]
    y_val = [["B-PER", "O", "B-PER"], ["O"], [], ["O", "B-PER", "O", "B-PER"]]
    tagger = small_tagger(**NO_LEARNING, batch_size=7, **params)
    tagger.fit(X, y, X_val=X_val, y_val=y_val)
    (epoch,) = tagger.history_
    name = "valid_accuracy" if params == {"scheme": None} else "valid_f1"
    expected = tagger.score(X_val, y_val)
    assert 0 < expected < 1
    assert epoch[name] == pytest.approx(expected)
    assert not {"train_accuracy", "train_f1"} & set(epoch)


def test_valid_score_is_zero_without_spans_or_tokens():
    X, y = [["a", "b"]] * 4, [["O", "O"]] * 4
    no_span = small_tagger(scheme="BIO").fit(X, y, X_val=X, y_val=y)
    assert no_span.history_[0]["valid_f1"] == 0.0
    no_token = small_tagger(scheme=None).fit(X, y, X_val=[[]], y_val=[[]])
    assert no_token.history_[0]["valid_accuracy"] == 0.0


def valid_score(score, y, y_pred):
    """Return what a callback records for a batch of validation rows."""
    net = SimpleNamespace(history=History())
    net.history.new_epoch()
    y, y_pred = torch.tensor(y), torch.tensor(y_pred)
    target = {"target": y, "weight": torch.ones(len(y))}
    score.on_epoch_begin(net)
    score.on_batch_end(net, batch=({}, target), training=False, y_pred=y_pred)
    score.on_epoch_end(net)
    return net.history[-1, f"valid_{score.name}"]


@pytest.mark.parametrize("y_pred", [[3.0, 3, 3], [3, 3, 4]], ids=["right", "wrong"])
def test_r2_of_a_constant_equals_scikit_learn(y_pred):
    y = [3.0, 3, 3]
    found = valid_score(R2(), [[value] for value in y], [[value] for value in y_pred])
    assert found == r2_score(y, y_pred)


def test_accuracy_treats_a_probability_of_one_half_as_absent():
    # as predict does; a logit of zero is a probability of one half
    assert valid_score(Accuracy(), [[0.0, 1.0]], [[0.0, 2.0]]) == 1


def test_the_train_accuracy_of_tasks_is_the_mean_over_labels(ids):
    y = np.column_stack([ids[:, 0] > 15, ids[:, 1] % 3]).astype(str)
    classifier = small_classifier(**NO_LEARNING, batch_size=7).fit(ids, y)
    expected = (classifier.predict(ids) == y).mean()
    assert classifier.history_[0]["train_accuracy"] == pytest.approx(expected)
    assert 0 < expected < 1
