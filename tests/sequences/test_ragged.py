import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sklearn_bilstm.sequences import (
    RaggedArray,
    RaggedRows,
    _ragged,
    largest_id,
    parts_of_rows,
)
from tests.helpers import ragged, rows_of


@given(
    rows=st.lists(st.lists(st.integers(2, 9), max_size=4), min_size=1, max_size=6),
    data=st.data(),
)
def test_take_indexes_rows(rows, data):
    index = st.lists(st.integers(0, len(rows) - 1), min_size=1, max_size=8)
    picked = data.draw(index)
    taken = ragged(rows).take(np.array(picked))
    assert rows_of(taken) == [rows[i] for i in picked]


def test_len_and_lengths_count_rows_and_steps():
    sequences = ragged([[5], [], [6, 7]])
    assert len(sequences) == 3
    assert sequences.lengths.tolist() == [1, 0, 2]


def test_joined_concatenates_rows():
    first, second = [[5], [], [6, 7]], [[], [8]]
    assert rows_of(ragged(first).joined(ragged(second))) == first + second


def test_all_rows_in_order_are_not_copied():
    sequences = ragged([[5], [], [6, 7]])
    assert sequences.take(np.arange(3)) is sequences
    assert rows_of(sequences.take(np.array([1, 0, 2]))) == [[], [5], [6, 7]]


def test_a_part_is_a_view_of_consecutive_rows():
    sequences = ragged([[5], [], [6, 7], [8]])
    part = sequences.part(1, 3)
    assert rows_of(part) == [[], [6, 7]]
    assert np.shares_memory(part.values, sequences.values)


@given(
    rows=st.lists(st.lists(st.integers(2, 9), max_size=4), min_size=1, max_size=6),
    n_steps=st.integers(1, 9),
)
def test_parts_of_rows_contain_each_row_once(rows, n_steps):
    parts = [*parts_of_rows(ragged(rows), n_steps)]
    assert [row for part in parts for row in rows_of(part)] == rows
    assert all(len(part.values) <= n_steps or len(part) == 1 for part in parts)


def test_no_rows_have_one_empty_part_and_no_largest_id():
    assert [*map(len, parts_of_rows(ragged([]), 5))] == [0]
    assert largest_id(ragged([])) == 0
    assert largest_id(ragged([[3], [9, 2]])) == 9


class TestRaggedRows:
    @pytest.fixture(params=[0, 100], ids=["selected", "copied"], autouse=True)
    def most_copied_steps(self, request, monkeypatch):
        monkeypatch.setattr(_ragged, "_MOST_COPIED_STEPS", request.param)

    FIRST, SECOND = [[5], [], [6, 7, 8]], [[9, 2], [3]]

    def joined(self):
        first = RaggedRows((ragged(self.FIRST),))
        return first.take(np.array([2, 0])).joined(ragged(self.SECOND))

    EXPECTED = [[6, 7, 8], [5], [9, 2], [3]]

    def test_rows_are_those_selected_and_joined(self):
        sequences = self.joined()
        assert len(sequences) == 4
        assert sequences.lengths.tolist() == [3, 1, 2, 1]
        assert sequences.offsets.tolist() == [0, 3, 4, 6, 7]
        assert sequences.row_of_steps.tolist() == [0, 0, 0, 1, 2, 2, 3]
        assert rows_of(sequences) == self.EXPECTED
        assert rows_of(sequences.part(1, 3)) == self.EXPECTED[1:3]

    @given(rows=st.lists(st.integers(0, 3), min_size=1, max_size=6))
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_taken_rows_can_be_taken_again(self, rows):
        taken = self.joined().take(np.array(rows))
        assert rows_of(taken) == [self.EXPECTED[row] for row in rows]
        assert rows_of(taken.take(np.array([0, 0]))) == [self.EXPECTED[rows[0]]] * 2

    def test_all_rows_share_the_memory(self):
        array = ragged(self.FIRST)
        sequences = RaggedRows((array,))
        assert sequences.values.base is array.values
        assert np.shares_memory(sequences.take(np.arange(3)).values, array.values)

    def test_joined_to_an_array_they_follow_it(self):
        sequences = ragged(self.SECOND).joined(RaggedRows((ragged(self.FIRST),)))
        assert rows_of(sequences) == self.SECOND + self.FIRST
        assert largest_id(sequences) == 9


def test_many_selected_rows_stay_in_their_array(monkeypatch):
    monkeypatch.setattr(_ragged, "_MOST_COPIED_STEPS", 2)
    sequences = RaggedRows((ragged([[5], [], [6, 7, 8]]),))
    assert isinstance(sequences.take(np.array([2, 0])), RaggedRows)
    assert isinstance(sequences.take(np.array([1, 0])), RaggedArray)
