import numpy as np
import pandas as pd
import pytest

from sklearn_bilstm.fitting._missing_labels import (
    map_known_labels,
    without_contradictions,
)
from sklearn_bilstm.metrics import allowed_transitions
from sklearn_bilstm.sequences import RaggedArray
from tests.helpers import small_tagger

X = [["Anna", "met", "Ben", "Ray"], ["Ben", "left"], ["She", "left"]] * 4
Y = [["B-PER", "O", "B-PER", "I-PER"], ["B-PER", "O"], ["O", "O"]] * 4


def masked(missing):
    """Return Y with a gap at the second token of each row."""
    return [[row[0], missing, *row[2:]] for row in Y]


def test_gaps_are_kept():
    row = ["a", None, "b", None]
    assert map_known_labels(lambda labels: labels[::-1], row) == ["b", None, "a", None]


@pytest.mark.parametrize("missing", [-100, float("nan"), pd.NA, np.int64(-100)])
@pytest.mark.parametrize("crf", [True, False])
def test_all_markers_of_missing_labels_are_equivalent(missing, crf):
    expected = small_tagger(crf=crf).fit(X, masked(None))
    found = small_tagger(crf=crf).fit(X, masked(missing))
    for a, b in zip(found.predict_proba(X), expected.predict_proba(X), strict=True):
        assert np.array_equal(a, b)
    assert found.classes_.tolist() == ["B-PER", "I-PER", "O"]
    assert found.score(X, masked(missing)) == expected.score(X, masked(None))


def test_minus_100_is_missing_among_integers():
    y = [[0, -100, 1, 1], [0, -100], [1, 0]] * 4
    assert small_tagger().fit(X, y).classes_.tolist() == [0, 1]


@pytest.mark.parametrize("crf", [True, False])
def test_the_loss_of_a_gap_at_the_end_is_that_of_a_token_without_weight(crf):
    y = [[*row[:-1], None] for row in Y]
    weights = [[1.0] * (len(row) - 1) + [0.0] for row in Y]
    params = {"crf": crf, "scheme": None, "max_epochs": 1}
    with_gaps = small_tagger(**params).fit(X, y)
    # the labels of tokens without weight are among the others
    other = [[*row[:-1], "O"] for row in Y]
    weighted = small_tagger(**params).fit(X, other, sample_weight=weights)
    found, expected = (fit.history_[0]["train_loss"] for fit in (with_gaps, weighted))
    n_known, n_tokens = 5, 8  # of three rows; the mean weight of all tokens is one
    assert found * n_tokens / n_known == pytest.approx(expected, rel=1e-5)


def test_a_span_around_a_gap_is_not_repaired():
    y = [["B-PER", None, "I-PER", "O"], ["B-PER", "O"], ["O", "O"]] * 4
    tagger = small_tagger(max_epochs=20, lr=0.05).fit(X, y)
    assert tagger.predict(X[:1]) == [["B-PER", "I-PER", "I-PER", "O"]]


def test_labels_around_a_gap_that_nothing_can_fill_are_ignored_with_a_warning():
    y = [["B-X", None, "E-X", "O"], ["B-X", "E-X"], ["O", "O"]] * 4
    with pytest.warns(
        UserWarning, match="4 rows of y with missing.*Row 0 is the first"
    ):
        tagger = small_tagger().fit(X, y)
    assert tagger.history_[0]["train_loss"] < 10


def test_only_rows_with_contradictions_lose_their_labels():
    labels = ["B-X", "E-X", "O"]
    allowed = allowed_transitions(labels, "BIOES")
    codes = RaggedArray(
        np.array([0, -100, 1, 0, -100, 2, 0, 1]), np.array([0, 3, 6, 8])
    )
    with pytest.warns(UserWarning, match="1 rows"):
        found = without_contradictions(codes, allowed, "y")
    assert found.values.tolist() == [-100, -100, -100, 0, -100, 2, 0, 1]


def test_missing_labels_do_not_count_in_scores():
    tagger = small_tagger(max_epochs=20, lr=0.05).fit(X, Y)
    plain = small_tagger(scheme=None).fit(X, Y)
    y = [[row[0], *[None] * (len(row) - 1)] for row in plain.predict(X)]
    assert plain.score(X, y) == 1.0
    assert tagger.predict(X) == Y
    assert tagger.score(X, [[*row[:-1], -100] for row in Y]) == 1.0


@pytest.mark.parametrize(("scheme", "name"), [("BIO", "f1"), (None, "accuracy")])
def test_validation_scores_are_those_of_tokens_with_a_label(scheme, name):
    params = {"scheme": scheme, "max_epochs": 12, "lr": 0.05}
    y_val = [*masked(None)[:2], ["B-PER", -100, "I-PER", "O"]]
    X_val = [*X[:2], X[0]]
    tagger = small_tagger(**params, early_stopping=False)
    tagger.fit(X, Y, X_val=X_val, y_val=y_val)
    expected = tagger.score(X_val, y_val)
    assert 0 < expected < 1
    assert tagger.history_[-1][f"valid_{name}"] == pytest.approx(expected)


def test_y_without_any_label_raises():
    with pytest.raises(ValueError, match="labels are missing"):
        small_tagger().fit([["a"], ["b"]], [[-100], [-100]])
