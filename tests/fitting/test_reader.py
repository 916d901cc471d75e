import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from tests.helpers import small_classifier, small_regressor

LENGTHS = [5, 1, 9, 4, 7, 2, 6, 3] * 5


@pytest.fixture(scope="module")
def series():
    """40 series of two channels and unequal length."""
    random = np.random.RandomState(0)
    return [random.rand(length, 2) for length in LENGTHS]


@pytest.fixture(scope="module")
def y(series):
    return np.array([values[0, 0] > 0.5 for values in series])


def filled_up(series):
    """The same series in an array, filled up with NaN."""
    X = np.full((len(series), max(map(len, series)), 2), np.nan)
    for row, values in zip(X, series, strict=True):
        row[: len(values)] = values
    return X


def as_objects(series):
    X = np.empty(len(series), dtype=object)
    X[:] = series
    return X


def as_frames(series):
    return [pd.DataFrame(values) for values in series]


class TestSeries:
    @pytest.mark.parametrize(
        "container", [as_objects, tuple, pd.Series, filled_up, as_frames]
    )
    def test_any_container_of_series_means_the_same(self, series, y, container):
        expected = small_classifier().fit(series, y).predict_proba(series)
        X = container(series)
        found = small_classifier().fit(X, y).predict_proba(X)
        assert np.array_equal(found, expected)

    def test_one_channel_may_have_no_axis_of_its_own(self, series, y):
        flat = [values[:, 0] for values in series]
        deep = [values[:, :1] for values in series]
        model = small_classifier().fit(deep, y)
        assert np.array_equal(model.predict_proba(flat), model.predict_proba(deep))

    def test_a_table_is_one_channel(self):
        X, y = np.random.RandomState(0).rand(20, 6), np.arange(20) % 2
        model = small_classifier().fit(X, y)
        deep = model.predict_proba(X[:, :, np.newaxis])
        assert np.array_equal(model.predict_proba(X), deep)

    def test_batch_mates_of_other_lengths_do_not_change_an_answer(self, series, y):
        model = small_classifier().fit(series, y)
        alone = [model.predict_proba([values])[0] for values in series]
        np.testing.assert_allclose(model.predict_proba(series), alone, atol=1e-5)

    def test_a_series_longer_than_any_in_training_is_read(self, series, y):
        model = small_classifier().fit(series, y)
        long = np.random.RandomState(1).rand(10_000, 2)
        assert model.predict_proba([long]).sum() == pytest.approx(1)

    def test_a_single_step_is_a_series(self, y):
        X = np.random.RandomState(0).rand(40, 1, 2)
        assert small_classifier().fit(X, y).predict(X).shape == (40,)

    def test_an_empty_series_has_an_answer(self, series, y):
        model = small_classifier().fit(series, y)
        assert model.predict_proba([np.zeros((0, 2))]).sum() == pytest.approx(1)
        assert not model.transform([np.zeros((0, 2))]).any()

    def test_a_constant_channel_does_no_harm(self, series, y):
        constant = [np.column_stack([v, np.full(len(v), 1e6)]) for v in series]
        assert np.isfinite(
            small_classifier().fit(constant, y).predict_proba(constant)
        ).all()

    def test_each_channel_is_standardised(self, series, y):
        scaled = [values * [1e5, 1e-5] + [3e6, 2] for values in series]
        a = small_classifier().fit(series, y).predict_proba(series)
        b = small_classifier().fit(scaled, y).predict_proba(scaled)
        np.testing.assert_allclose(a, b, atol=1e-4)

    def test_integers_are_numbers_if_they_can_be_nothing_else_or_it_is_said(self):
        X, y = np.arange(60).reshape(10, 3, 2), np.arange(10) % 2
        assert small_classifier().fit(X, y).input_type_ == "numeric"
        unequal = [[1, 2, 3], [4, 5]] * 5
        model = small_classifier(input_type="numeric").fit(unequal, y)
        assert (model.input_type_, model.n_channels_) == ("numeric", 1)

    def test_only_a_table_has_a_number_of_features(self, series, y):
        model = small_classifier().fit(np.random.rand(40, 3), y)
        assert model.n_features_in_ == 3
        assert not hasattr(model.fit(series, y), "n_features_in_")

    @pytest.mark.parametrize(
        ("X", "message"),
        [
            ([np.ones((3, 1))] * 40, "X must have 2 channels.*got 1"),
            (np.ones((40, 3)), "X must have 2 channels.*got 1"),
            ([np.ones((2, 2)), np.ones((2, 3))] * 20, "row 0 has 2 and row 1 has 3"),
            ([np.array([[1, np.nan], [1, 1]])] * 40, "contains NaN in row 0, step 0"),
            ([np.array([[1, np.inf]])] * 40, "infinity in row 0, step 0"),
            ([["a", "b"], ["c"]] * 20, "contains text"),
        ],
    )
    def test_a_bad_series_is_refused(self, series, y, X, message):
        model = small_classifier().fit(series, y)
        with pytest.raises(ValueError, match=message):
            model.predict(X)

    def test_equal_and_unequal_lengths_of_arrays_are_read_alike(self, y):
        X = np.random.RandomState(0).rand(40, 6)
        model = small_classifier().fit(list(X), y)
        alone = model.predict_proba(X[:1, :4, np.newaxis])
        assert np.array_equal(model.predict_proba([X[0, :4]]), alone)

    @pytest.mark.parametrize(
        "X",
        [
            [np.array([["a"], ["b"]]), np.array([["a"]])],
            [np.array(["1", "2"]), np.array(["3"])],
            np.full((2, 3, 1), "1"),
        ],
        ids=["letters", "digits", "3-D"],
    )
    def test_text_in_arrays_is_text(self, X):
        with pytest.raises(ValueError, match="contains text"):
            small_classifier().fit(X, [0, 1])

    def test_times_are_no_numbers(self):
        X = np.zeros((2, 3, 1), dtype="datetime64[s]")
        with pytest.raises(ValueError, match=r"series of numbers: got .*datetime64"):
            small_classifier().fit(X, [0, 1])

    def test_a_number_far_from_all_that_was_learnt_from_has_an_answer(self, y):
        X = np.random.RandomState(0).rand(40, 3) * 1e-9
        model = small_classifier(input_type="numeric").fit(X, y)
        assert np.isfinite(model.predict_proba(np.full((1, 3), 3e38))).all()

    def test_series_are_no_token_ids(self, series, y, ids):
        with pytest.raises(ValueError, match="2-D.*input_type='numeric'"):
            small_classifier(input_type="tokens").fit(series, y)
        with pytest.raises(ValueError, match="got numeric series"):
            small_classifier(input_type="tokens").fit(ids, y).predict(series)

    def test_nothing_but_padding_cannot_be_learnt_from(self):
        with pytest.raises(ValueError, match="requires at least one step"):
            small_classifier().fit(np.full((4, 3), np.nan), [0, 1, 0, 1])


class TestLengthsOfLists:
    def test_a_list_may_have_any_length_in_predict(self):
        rows = [[5, 6, 7], [8, 9, 2]] * 10
        model = small_classifier(input_type="tokens").fit(rows, np.arange(20) % 2)
        one = model.predict_proba([[5, 6, 7, 8]])
        np.testing.assert_allclose(
            one, model.predict_proba([[5, 6, 7, 8], [9]])[:1], atol=1e-5
        )


class TestSeriesInFrames:
    frames = [pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]}) for _ in range(20)]
    y = np.arange(20) % 2

    def test_their_columns_must_be_in_one_order(self):
        swapped = [*self.frames[:19], self.frames[19][["b", "a"]]]
        with pytest.raises(ValueError, match=r"row 19 has \['b', 'a'\]"):
            small_classifier().fit(swapped, self.y)

    def test_their_columns_must_be_those_in_fit(self):
        model = small_classifier().fit(self.frames, self.y)
        with pytest.raises(ValueError, match=r"columns \['a', 'b'\].*got \['b', 'a'\]"):
            model.predict([self.frames[0][["b", "a"]]])

    def test_arrays_have_no_names_to_compare(self):
        model = small_classifier().fit(self.frames, self.y)
        arrays = [frame.to_numpy() for frame in self.frames]
        assert np.array_equal(model.predict(arrays), model.predict(self.frames))


class TestStaticFeatures:
    @pytest.fixture
    def beside(self, ids):
        """Ids and two numbers beside them, of which the first decides."""
        numbers = np.random.RandomState(0).rand(40, 2) * [1000, 1]
        return np.hstack([ids, numbers]), numbers[:, 0] > 500

    def test_they_are_learnt_from(self, beside):
        X, y = beside
        params = {"n_static_features": 2, "max_epochs": 30, "dropout": 0.0, "lr": 0.02}
        assert small_classifier(**params).fit(X, y).score(X, y) > 0.95

    def test_sparse_and_dense_rows_mean_the_same(self, beside):
        X, y = beside
        model = small_classifier(n_static_features=2).fit(X, y)
        in_rows = sparse.csr_array(X)
        assert np.array_equal(model.predict_proba(in_rows), model.predict_proba(X))

    def test_they_stand_behind_the_pooled_states_in_standard_units(self, beside):
        X, y = beside
        vectors = small_classifier(n_static_features=2).fit(X, y).transform(X)
        np.testing.assert_allclose(vectors[:, -2:].mean(0), 0, atol=1e-6)
        np.testing.assert_allclose(vectors[:, -2:].std(0), 1, rtol=1e-6)

    def test_they_make_a_row_of_floats_tokens_and_no_numbers(self, beside):
        X, y = beside
        assert small_classifier(n_static_features=2).fit(X, y).input_type_ == "tokens"

    def test_a_series_of_one_channel_may_have_them(self, beside):
        X = np.random.RandomState(0).rand(40, 8)
        model = small_classifier(n_static_features=2, input_type="numeric")
        assert model.fit(X, beside[1]).n_channels_ == 1

    def test_a_regressor_has_them_too(self, beside):
        X, _ = beside
        model = small_regressor(
            n_static_features=2, max_epochs=100, dropout=0.0, lr=0.03
        )
        assert model.fit(X, X[:, -2]).score(X, X[:, -2]) > 0.5

    def test_a_gap_in_them_is_refused_with_a_way_out(self, beside):
        X, y = beside
        X[3, -1] = np.nan
        with pytest.raises(ValueError, match="NaN in row 3.*SimpleImputer"):
            small_classifier(n_static_features=2).fit(X, y)

    def test_they_are_those_that_were_fitted(self, beside):
        X, y = beside
        model = small_classifier(n_static_features=2).fit(X, y)
        expected = model.predict_proba(X)
        changed = model.set_params(n_static_features=0)
        assert np.array_equal(changed.predict_proba(X), expected)

    def test_numbers_in_front_are_refused_with_a_way_out(self, beside):
        X, y = beside
        in_front = np.hstack([X[:, -2:], X[:, :-2]])
        with pytest.raises(ValueError, match="Fractions.*columns of X are numbers"):
            small_classifier(n_static_features=2).fit(in_front, y)

    def test_something_must_be_left_to_read(self, beside):
        X, y = beside
        with pytest.raises(
            ValueError, match="less than the number of columns of X, 14. Got 14"
        ):
            small_classifier(n_static_features=14).fit(X, y)

    def test_series_have_no_columns_beside_them(self):
        with pytest.raises(ValueError, match="'n_static_features'.*2-D X"):
            small_classifier(n_static_features=1).fit(np.ones((4, 3, 2)), [0, 1, 0, 1])


class TestIntegers:
    """Integers are ambiguous with input_type="auto"."""

    WARNING = "input_type='tokens' .* or input_type='numeric'"
    DENSE = np.arange(2, 14).reshape(4, 3)

    @pytest.mark.parametrize(
        "X",
        [DENSE, DENSE.tolist(), pd.DataFrame(DENSE), [[5, 6], [7], [8], [9]]],
        ids=["array", "lists", "frame", "unequal lists"],
    )
    def test_dense_ones_are_ids_and_a_warning_says_so(self, X):
        with pytest.warns(UserWarning, match=self.WARNING):
            fitted = small_classifier().fit(X, [0, 1, 0, 1])
        assert fitted.input_type_ == "tokens"

    @pytest.mark.filterwarnings("error")
    @pytest.mark.parametrize("input_type", ["tokens", "numeric"])
    def test_nothing_warns_where_input_type_says_what_they_are(self, input_type):
        fitted = small_classifier(input_type=input_type).fit(self.DENSE, [0, 1, 0, 1])
        assert len(fitted.predict(self.DENSE)) == 4

    @pytest.mark.filterwarnings("error")
    def test_nothing_warns_of_sparse_ones_nor_in_predict(self):
        X = sparse.csr_array(self.DENSE)
        fitted = small_classifier().fit(X, [0, 1, 0, 1])
        assert np.array_equal(fitted.predict(self.DENSE), fitted.predict(X))


class TestListsOfIds:
    def test_lists_of_unequal_length_are_read_as_a_matrix_with_padding(self):
        lists, y = [[5, 6, 7], [8, 9], [5], [9, 8]], [0, 1, 0, 1]
        matrix = np.array([[5, 6, 7], [8, 9, 0], [5, 0, 0], [9, 8, 0]])
        model = small_classifier(input_type="tokens")
        expected = model.fit(matrix, y).predict_proba(matrix)
        assert np.array_equal(model.predict_proba(lists), expected)
        assert np.array_equal(model.fit(lists, y).predict_proba(lists), expected)
        assert not hasattr(model, "n_features_in_")

    def test_they_have_no_static_columns(self):
        model = small_classifier(input_type="tokens", n_static_features=1)
        with pytest.raises(ValueError, match="'n_static_features' .*unequal length"):
            model.fit([[5, 6, 1], [8, 2]], [0, 1])
