import numpy as np
import pytest

from sklearn_bilstm.fitting._token_weights import with_token_weights
from sklearn_bilstm.sequences import RaggedArray, SequenceDataset
from tests.helpers import small_tagger

X = [["a", "b", "a"], ["b"], [], ["a", "a"]] * 4
Y = [["x", "y", "x"], ["y"], [], ["x", "x"]] * 4
CLASSES = np.array(["x", "y"])
ROWS = SequenceDataset(
    RaggedArray(np.array([2, 3, 2, 3, 2, 2]), np.array([0, 3, 4, 4, 6])),
    target=RaggedArray(np.array([0, 1, 0, 1, 0, -100]), np.array([0, 3, 4, 4, 6])),
)


def weights_of(sample_weight=None, class_weight=None):
    rows, of_rows = with_token_weights(ROWS, sample_weight, class_weight, CLASSES)
    return rows.step_weight.values[:5], of_rows


def test_rows_are_unchanged_without_weights_of_tokens():
    assert with_token_weights(ROWS, [1, 2, 3, 4], None, CLASSES)[0] is ROWS


def test_balanced_labels_have_equal_total_weights():
    found, _ = weights_of(class_weight="balanced")
    codes = ROWS.target.values[:5]
    assert found[codes == 0].sum() == pytest.approx(found[codes == 1].sum())
    assert found.mean() == pytest.approx(1.0)


def test_balanced_labels_have_equal_total_weights_with_weights_of_rows():
    of_rows = np.array([1.0, 5.0, 1.0, 2.0])
    found, _ = weights_of(of_rows, class_weight="balanced")
    total = found * np.repeat(of_rows, [3, 1, 0, 1])
    codes = ROWS.target.values[:5]
    assert total[codes == 0].sum() == pytest.approx(total[codes == 1].sum())


def test_weights_of_classes_multiply_those_of_tokens():
    found, of_rows = weights_of([[1, 1, 0], [2], [], [3, 9]], {"x": 2.0})
    np.testing.assert_allclose(found / found[1], [2, 1, 0, 2, 6])
    assert of_rows.tolist() == [1, 1, 1, 1]


def test_rows_whose_tokens_have_weight_zero_have_weight_zero():
    _, of_rows = weights_of([[0, 0, 0], [1], [], [0, 1]])
    assert of_rows.tolist() == [0, 1, 1, 1]


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([[1, 1], [1], [], [1, 1]], r"row 0 has weights of shape \(2,\) for 3 tokens"),
        ([[1, 1, 1], [-1], [], [1, 1]], "row 1 holds -1.0 at token 0"),
        ([[1, np.nan, 1], [1], [], [1, 1]], "row 0 holds nan at token 1"),
        ([[1, 1, 1], ["a"], [], [1, 1]], "must hold numbers: row 1"),
        ([[1, 1, 1], 2, [], [1, 1]], "row 1 has weights of shape"),
        ([[1]], "1 arrays for 4 rows"),
        ([[0, 0, 0], [0], [], [0, 0]], "positive for at least one token"),
    ],
)
def test_invalid_weights_raise(weights, message):
    with pytest.raises(ValueError, match=message):
        weights_of(weights)


@pytest.mark.parametrize("crf", [True, False])
def test_equal_weights_of_tokens_do_not_change_the_fit(crf):
    expected = small_tagger(crf=crf).fit(X, Y).predict_proba(X)
    weights = [np.full(len(row), 3.0) for row in X]
    found = small_tagger(crf=crf).fit(X, Y, sample_weight=weights).predict_proba(X)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)


@pytest.mark.parametrize("crf", [True, False])
def test_heavier_labels_are_more_probable(crf):
    ambiguous = [["a"]] * 20, [["x"]] * 10 + [["y"]] * 10
    params = {"crf": crf, "max_epochs": 20, "lr": 0.05, "word_dropout": 0.0}
    light, heavy = (
        small_tagger(class_weight={"y": weight}, **params).fit(*ambiguous)
        for weight in (1 / 3, 3.0)
    )
    light, heavy = (model.predict_proba([["a"]])[0][0, 1] for model in (light, heavy))
    # a weight of three makes odds of three to one
    assert light == pytest.approx(0.25, abs=0.07)
    assert heavy == pytest.approx(0.75, abs=0.07)


def test_weights_of_tokens_of_unlabelled_rows_are_left_out():
    y = [None, *Y[1:]]
    weights = [[1.0] * len(row) for row in X]
    small_tagger().fit(X, y, sample_weight=weights)


def test_class_weight_must_name_labels():
    with pytest.raises(ValueError, match="a weight for 'z', but none for 'x'"):
        small_tagger(class_weight={"z": 2.0}).fit(X, Y)
