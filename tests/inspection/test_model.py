import numpy as np
import pytest
import torch
from scipy.special import expit, softmax

from sklearn_bilstm.inspection._model import Output
from tests.helpers import small_classifier

LOGITS = np.array([[0.5, -1.0, 3.0], [2.0, 2.0, -40.0]])


def output_of(y):
    X = np.arange(2, 2 + 2 * len(y)).reshape(len(y), 2)
    return Output(small_classifier(max_epochs=1).fit(X, y), np.array([2, 0]))


def test_multiclass_log_odds_equal_the_logit_of_the_probability():
    values = output_of(["a", "b", "c"]).explained_values(LOGITS, np.array([2, 0]))
    expected = softmax(LOGITS, axis=1)[[0, 1], [2, 0]]
    np.testing.assert_allclose(expit(values), expected, rtol=1e-12)


def test_multilabel_log_odds_are_the_logits():
    values = output_of(np.eye(3, dtype=int)).explained_values(LOGITS, np.array([2, 0]))
    assert values == [3.0, 2.0]


def test_gradients_of_log_odds_are_finite():
    logits = torch.tensor(LOGITS, requires_grad=True)
    output_of(["a", "b", "c"])(logits, torch.tensor([2, 0])).sum().backward()
    assert logits.grad.isfinite().all()
    np.testing.assert_allclose(logits.grad.sum(1), 0, atol=1e-12)


def test_targets_and_probabilities_match_the_columns():
    output = output_of(["a", "b", "c"])
    assert output.targets == ["c", "a"]
    assert output.probability(0, 0.0) == 0.5
    assert output.probability(1, np.log(3)) == pytest.approx(0.75)
