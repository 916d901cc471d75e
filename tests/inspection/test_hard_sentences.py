import numpy as np
import pandas as pd
import pytest

from sklearn_bilstm.inspection import find_hard_sentences
from tests.helpers import small_tagger

X = [["a", "b"], ["b"], [], ["a", "a", "b"]] * 5
Y = [["x", "y"], ["y"], [], ["x", "x", "y"]] * 5


@pytest.fixture(scope="module")
def tagger():
    return small_tagger(max_epochs=20, lr=0.05).fit(X, Y)


def test_wrong_labels_are_hardest(tagger):
    labels = [*Y[:4], ["y", "y"], *Y[5:]]
    first, *_ = find_hard_sentences(tagger, X, labels)
    assert first.row == 4
    assert (first.tokens, first.labels) == (X[4], ["y", "y"])
    assert first.predicted == ["x", "y"]


def test_loss_is_the_mean_negative_log_probability(tagger):
    found = find_hard_sentences(tagger, X, Y, n_sentences=None)
    assert len(found) == len(X)
    assert [s.loss for s in found] == sorted((s.loss for s in found), reverse=True)
    probabilities = tagger.predict_proba(X)
    for sentence in found:
        of_row = probabilities[sentence.row]
        terms = [
            -np.log(of_row[t, "xy".index(label)])
            for t, label in enumerate(sentence.labels)
        ]
        assert sentence.loss == pytest.approx(np.mean(terms) if terms else 0.0)


def test_missing_labels_do_not_count_and_unseen_ones_are_infinitely_hard(tagger):
    labels = [["x", None], ["z"], [], [None] * 3, *Y[4:]]
    first, *others = find_hard_sentences(tagger, X, labels, n_sentences=None)
    assert (first.row, first.loss) == (1, np.inf)
    assert next(s.loss for s in others if s.row == 3) == 0.0
    assert len(pd.DataFrame(others)) == len(X) - 1


def test_invalid_arguments_raise(tagger):
    with pytest.raises(ValueError, match="row 0 has 1 labels for 2 tokens"):
        find_hard_sentences(tagger, X[:1], [["x"]])
    with pytest.raises(ValueError, match="'n_sentences' parameter"):
        find_hard_sentences(tagger, X, Y, n_sentences=0)
