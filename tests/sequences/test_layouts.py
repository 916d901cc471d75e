import numpy as np
import pandas as pd
import pytest

from sklearn_bilstm.sequences import channels_last, split_panel
from tests.helpers import small_classifier

# two series of two channels, of three steps and one step
LONG = np.array([[0, 1, 2], [10, 11, 12]])
SHORT = np.array([[5], [15]])
LONG_LAST = [[0, 10], [1, 11], [2, 12]]
SHORT_LAST = [[5, 15]]


def panel(rows, names=("series", "time")):
    index = pd.MultiIndex.from_tuples([row[:-2] for row in rows], names=names)
    return pd.DataFrame([row[-2:] for row in rows], index, columns=["a", "b"])


class TestChannelsLast:
    def test_array_is_transposed_without_a_copy(self):
        X = np.array([LONG, LONG + 100])
        series = channels_last(X)
        assert series[0].tolist() == LONG_LAST
        assert series.shape == (2, 3, 2)
        assert np.shares_memory(series, X)

    @pytest.mark.parametrize("container", [list, tuple, lambda X: pd.Series(X).array])
    def test_series_of_unequal_length_are_transposed(self, container):
        long, short = channels_last(container([LONG, SHORT]))
        assert long.tolist() == LONG_LAST
        assert short.tolist() == SHORT_LAST

    def test_frames_with_a_row_per_channel_are_transposed(self):
        (series,) = channels_last([pd.DataFrame(LONG)])
        assert series.tolist() == LONG_LAST

    def test_xarray_is_transposed(self):
        xarray = pytest.importorskip("xarray")
        series = channels_last(xarray.DataArray([LONG]))
        assert series.tolist() == [LONG_LAST]

    def test_padding_of_nan_is_read_as_by_the_estimators(self):
        X = np.random.default_rng(0).normal(size=(12, 2, 5))
        X[::2, :, 3:] = np.nan
        series = channels_last(
            [row[:, : 5 - 2 * (i % 2 == 0)] for i, row in enumerate(X)]
        )
        model = small_classifier(max_epochs=1).fit(channels_last(X), [0, 1] * 6)
        expected = model.predict_proba(series)
        assert np.array_equal(model.predict_proba(channels_last(X)), expected)

    @pytest.mark.parametrize(
        ("X", "message"),
        [
            (np.zeros((2, 3)), r"shape \(2, 3\). The estimators accept series of one"),
            (np.zeros((2, 3, 4, 5)), r"shape \(2, 3, 4, 5\)\.$"),
            ([LONG, [1, 2]], r"that of row 1 is \(2,\)"),
            ([LONG, [[1, 2], [3]]], r"those of row 1 have \[2, 1\] steps"),
            ([LONG, LONG[:1]], "row 0 has 2 and row 1 has 1"),
            (panel([(0, 0, 1, 2)]), "use split_panel"),
            (pd.DataFrame({"a": [pd.Series([1, 2])]}), "accept such a frame as it is"),
        ],
    )
    def test_other_shapes_raise(self, X, message):
        with pytest.raises(ValueError, match=message):
            channels_last(X)


class TestSplitPanel:
    def test_series_keep_their_order_and_steps_are_sorted_by_time(self):
        X = panel([("z", 2, 2, 12), ("a", 7, 5, 15), ("z", 0, 0, 10), ("z", 1, 1, 11)])
        long, short = split_panel(X)
        assert long.to_numpy().tolist() == LONG_LAST
        assert short.to_numpy().tolist() == SHORT_LAST
        assert long.index.tolist() == [0, 1, 2]
        assert long.columns.tolist() == ["a", "b"]

    def test_all_levels_but_the_last_identify_a_series(self):
        rows = [("x", 0, 0, 1, 2), ("x", 1, 0, 3, 4), ("y", 0, 0, 5, 6)]
        series = split_panel(panel(rows, ["shop", "shelf", "time"]))
        assert [s.to_numpy().tolist() for s in series] == [[[1, 2]], [[3, 4]], [[5, 6]]]

    def test_series_of_pandas_has_one_channel(self):
        (series,) = split_panel(panel([(0, 0, 1, 2), (0, 1, 3, 4)])["b"])
        assert series.to_numpy().tolist() == [[2], [4]]

    def test_estimators_read_the_frames_as_arrays(self):
        values = np.random.default_rng(0).normal(size=(12, 3, 2))
        index = pd.MultiIndex.from_product([range(12), range(3)])
        series = split_panel(pd.DataFrame(values.reshape(-1, 2), index))
        y = [0, 1] * 6
        model = small_classifier(max_epochs=1)
        expected = model.fit(values, y).predict_proba(values)
        assert np.array_equal(model.fit(series, y).predict_proba(series), expected)

    @pytest.mark.parametrize("X", [pd.DataFrame({"a": [1.0]}), np.zeros((2, 3))])
    def test_missing_levels_raise(self, X):
        with pytest.raises(ValueError, match=r"X.set_index\(\['series', 'time'\]\)"):
            split_panel(X)

    def test_nested_frames_raise(self):
        X = pd.DataFrame({"a": [pd.Series([1, 2])], "b": [pd.Series([3, 4])]})
        with pytest.raises(ValueError, match="accept such a frame as it is"):
            split_panel(X)

    def test_repeated_times_raise(self):
        X = panel([("z", 0, 1, 2), ("a", 3, 1, 2), ("a", 3, 1, 2)])
        with pytest.raises(ValueError, match="series 'a' has several of time 3"):
            split_panel(X)
