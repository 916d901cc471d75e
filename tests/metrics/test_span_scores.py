import warnings

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import make_scorer, precision_recall_fscore_support

from sklearn_bilstm.metrics import (
    find_spans,
    span_f1_score,
    span_precision_recall_fscore_support,
    span_precision_score,
    span_recall_score,
)

TRUE = [["B-PER", "I-PER", "O", "B-LOC"], ["O", "B-LOC"], []]
PREDICTED = [["B-PER", "I-PER", "O", "B-PER"], ["O", "B-LOC"], []]


def random_labels(seed, n_rows=40):
    """Return rows of labels of the schemes BIO and BIOES, well-formed or not."""
    random = np.random.RandomState(seed)
    labels = ["O", "O", *(f"{place}-{kind}" for place in "BIIES" for kind in "xyz")]
    return [random.choice(labels, size=n % 9).tolist() for n in range(n_rows)]


def test_scores_equal_hand_computed_values():
    # correct: PER and LOC; predicted: 2 PER and 1 LOC; true: 1 PER and 2 LOC
    assert span_precision_score(TRUE, PREDICTED) == pytest.approx(2 / 3)
    assert span_recall_score(TRUE, PREDICTED) == pytest.approx(2 / 3)
    by_kind = span_precision_recall_fscore_support(TRUE, PREDICTED)
    precision, recall, fscore, support = (scores.tolist() for scores in by_kind)
    assert precision == [1.0, 0.5]  # of LOC and of PER
    assert recall == [0.5, 1.0]
    assert fscore == pytest.approx([2 / 3, 2 / 3])
    assert support == [2, 1]


@pytest.mark.parametrize("seed", range(5))
def test_scores_of_random_labels_equal_ratios_of_counts(seed):
    true, predicted = random_labels(seed), random_labels(seed + 100)
    for half in range(0, 40, 2):  # make some spans correct
        predicted[half] = true[half]
    # rows of equal index have equal length
    of_true, of_predicted = (
        {(row, *span) for row, labels in enumerate(rows) for span in find_spans(labels)}
        for rows in (true, predicted)
    )
    n_correct = len(of_true & of_predicted)
    precision, recall = n_correct / len(of_predicted), n_correct / len(of_true)
    assert span_precision_score(true, predicted) == pytest.approx(precision)
    assert span_recall_score(true, predicted) == pytest.approx(recall)
    f1 = 2 * precision * recall / (precision + recall)
    assert span_f1_score(true, predicted) == pytest.approx(f1)
    by_kind = [span_f1_score(true, predicted, kinds=[kind]) for kind in "xyz"]
    assert span_f1_score(true, predicted, average="macro") == pytest.approx(
        np.mean(by_kind)
    )
    assert span_f1_score(true, predicted, average=None) == pytest.approx(by_kind)


def test_scores_equal_nervaluate():
    nervaluate = pytest.importorskip("nervaluate")
    true, predicted = (
        [
            [label.replace("E-", "I-").replace("S-", "B-") for label in row]
            for row in rows
        ]
        for rows in (random_labels(0), random_labels(1))
    )
    evaluator = nervaluate.Evaluator(true, predicted, tags=list("xyz"), loader="list")
    strict = evaluator.evaluate()["overall"]["strict"]
    assert span_precision_score(true, predicted) == pytest.approx(strict.precision)
    assert span_recall_score(true, predicted) == pytest.approx(strict.recall)
    assert span_f1_score(true, predicted) == pytest.approx(strict.f1)


def test_integer_sample_weights_equal_repeated_rows():
    repeated = [*TRUE, TRUE[0]], [*PREDICTED, PREDICTED[0]]
    weighted = span_f1_score(TRUE, PREDICTED, sample_weight=[2, 1, 1])
    assert weighted == pytest.approx(span_f1_score(*repeated))


def test_zero_division_is_returned_without_spans():
    no_spans = [["O", "O"], []]
    with pytest.warns(UndefinedMetricWarning):
        assert span_f1_score(no_spans, no_spans) == 0.0
    assert span_f1_score(no_spans, no_spans, zero_division=1.0) == 1.0
    assert span_f1_score([], [], zero_division=0.0) == 0.0
    assert span_f1_score(no_spans, no_spans, average=None).shape == (0,)


def test_kinds_selects_spans():
    assert span_recall_score(TRUE, PREDICTED, kinds=["LOC"]) == 0.5


def test_an_absent_kind_warns_and_scores_zero_as_in_scikit_learn():
    with pytest.warns(UndefinedMetricWarning, match="ill-defined"):
        assert span_f1_score(TRUE, PREDICTED, kinds=["B-PER"]) == 0.0
    with pytest.warns(UndefinedMetricWarning, match="ill-defined"):
        expected = precision_recall_fscore_support([0], [0], labels=[1])
    with pytest.warns(UndefinedMetricWarning, match="ill-defined"):
        scores = span_precision_recall_fscore_support(TRUE, PREDICTED, kinds=["B-PER"])
    np.testing.assert_array_equal(scores, expected)


@pytest.mark.parametrize(
    "score",
    [
        span_f1_score,
        span_precision_recall_fscore_support,
        span_precision_score,
        span_recall_score,
    ],
)
def test_kinds_as_a_string_raises(score):
    with pytest.raises(ValueError, match=r"kinds must be a list .* Got 'PER' instead"):
        score(TRUE, PREDICTED, kinds="PER")


def test_make_scorer_accepts_span_f1_score():
    class Oracle(BaseEstimator):
        def predict(self, X):
            return PREDICTED

    scorer = make_scorer(span_f1_score)
    assert scorer(Oracle(), None, TRUE) == pytest.approx(2 / 3)


def test_rows_of_unequal_length_raise():
    with pytest.raises(ValueError, match="row 1 has 1 labels instead of 2"):
        span_f1_score([["O"], ["O", "O"]], [["O"], ["O"]])


def test_unequal_numbers_of_rows_raise():
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        span_f1_score([["O"], ["O"]], [["O"]])


def test_perfect_predictions_do_not_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert span_f1_score(TRUE, TRUE) == 1.0


@pytest.mark.parametrize("average", ["micro", "macro", "weighted", None])
def test_sample_weight_equals_repetition_for_every_average(average):
    weight = [2, 3, 5]
    of_row = np.repeat(np.arange(3), weight)
    repeated = [[rows[row] for row in of_row] for rows in (TRUE, PREDICTED)]
    expected = span_f1_score(*repeated, average=average)
    found = span_f1_score(TRUE, PREDICTED, average=average, sample_weight=weight)
    np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize("average", ["micro", "macro", "weighted"])
@pytest.mark.parametrize("rows", [[["O"], []], [["B-x"], ["O"]]])
def test_zero_division_is_returned_for_every_average_without_weighted_spans(
    average, rows
):
    weight = [float(row == ["O"]) for row in rows]
    for value in (0.0, 1.0):
        found = span_f1_score(
            rows, rows, average=average, sample_weight=weight, zero_division=value
        )
        assert found == value


@pytest.mark.parametrize(
    ("weight", "message"),
    [([1.0, -1.0, 1.0], "[Nn]egative"), ([[1.0]] * 3, "1D"), ([1.0], "inconsistent")],
)
def test_invalid_sample_weight_raises(weight, message):
    with pytest.raises(ValueError, match=message):
        span_f1_score(TRUE, PREDICTED, sample_weight=weight)


def test_labels_that_are_not_sequences_raise():
    with pytest.raises(
        ValueError, match="y_true must contain a list .* row 1 is 'B-x'"
    ):
        span_f1_score([["O"], "B-x"], [["O"], ["B-x"]])
    with pytest.raises(ValueError, match="y_pred must contain a list .* row 0 is 'O'"):
        span_f1_score([["O"]], np.array(["O"]))
