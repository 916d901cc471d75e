import numpy as np
import pytest

from sklearn_bilstm.training import _cooccurrence, cooccurrence_vectors
from sklearn_bilstm.training._cooccurrence import (
    _count_neighbours,
    _ppmi,
)
from tests.helpers import ragged


def vectors(rows, n_tokens, n_components, seed=0):
    random_state = np.random.RandomState(seed)
    return cooccurrence_vectors(ragged(rows), n_tokens, n_components, random_state)


def test_cooccurrences_are_weighted_by_inverse_distance():
    rows = [[2, 3, 4, 3, 2, 2, 5, 2], [4], [5, 6]]
    expected = np.zeros((8, 8))
    for row in rows:
        for i, first in enumerate(row):
            for j, second in enumerate(row):
                if 1 <= abs(i - j) <= 5:
                    expected[first, second] += 1 / abs(i - j)
    counts = _count_neighbours(ragged(rows), 8).toarray()
    np.testing.assert_allclose(counts, expected, rtol=1e-6)


def test_positive_information_equals_its_definition():
    counts = _count_neighbours(ragged([[2, 3, 2, 4, 3, 3, 5], [4, 5, 2]]), 6)
    pairs = counts.toarray()
    joint = pairs / pairs.sum()
    token = pairs.sum(1) / pairs.sum()
    context = pairs.sum(1) ** 0.75 / (pairs.sum(1) ** 0.75).sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = np.log(joint / np.outer(token, context))
    expected = np.nan_to_num(expected, nan=0, neginf=0).clip(min=0)
    ppmi = _ppmi(counts).toarray()
    np.testing.assert_allclose(ppmi, expected, rtol=1e-5, atol=1e-6)


def test_tokens_with_equal_contexts_have_equal_vectors():
    random = np.random.RandomState(0)
    sentences = [[8 + random.randint(4), 2, 12 + random.randint(4)] for _ in range(300)]
    twins = [[a, 3, b] for a, _, b in sentences]  # 3 has the contexts of 2
    strangers = [[16, 4, 17], [17, 4, 16]] * 100
    found = vectors([*sentences, *twins, *strangers], 18, 6)
    unit = found / np.linalg.norm(found, axis=1, keepdims=True).clip(min=1e-9)
    assert unit[2] @ unit[3] > 0.99
    assert abs(unit[2] @ unit[4]) < 0.1


def test_vectors_have_unit_mean_square_and_padding_is_zero():
    random = np.random.RandomState(0)
    found = vectors(random.randint(2, 40, size=(30, 12)).tolist(), 40, 10)
    assert found.dtype == np.float32
    assert found.shape == (40, 10)
    assert (found[0] == 0).all()
    np.testing.assert_allclose(np.mean(found[2:] ** 2), 1, rtol=1e-5)


@pytest.mark.parametrize("rows", [[[2]], [[], [3]], [[2, 2, 2]], [[1, 2]]])
def test_few_tokens_give_zero_padded_components(rows):
    found = vectors(rows, 4, 10)
    assert found.shape == (4, 10)
    assert np.isfinite(found).all()


def test_vectors_depend_on_the_random_state():
    rows = np.random.RandomState(0).randint(2, 200, size=(50, 20)).tolist()
    first, again = vectors(rows, 200, 5), vectors(rows, 200, 5)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, vectors(rows, 200, 5, seed=1))


def test_counts_in_parts_are_equal_up_to_rounding(monkeypatch):
    rows = np.random.RandomState(0).randint(2, 9, size=(50, 20)).tolist()
    expected = _count_neighbours(ragged(rows), 9).toarray()
    monkeypatch.setattr(_cooccurrence, "_STEPS_AT_A_TIME", 70)
    found = _count_neighbours(ragged(rows), 9).toarray()
    np.testing.assert_allclose(found, expected, rtol=1e-5)
