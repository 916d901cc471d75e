import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.preprocessing import StandardScaler

from sklearn_bilstm import export_onnx, load, save
from sklearn_bilstm.fitting._reader import SequenceReader
from sklearn_bilstm.onnx import OnnxModel
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


def padded_with_nan(series):
    """Return the series as one array, padded with NaN."""
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
        "container", [as_objects, tuple, pd.Series, padded_with_nan, as_frames]
    )
    def test_series_in_any_container_give_equal_predictions(self, series, y, container):
        expected = small_classifier().fit(series, y).predict_proba(series)
        X = container(series)
        found = small_classifier().fit(X, y).predict_proba(X)
        assert np.array_equal(found, expected)

    def test_univariate_series_may_be_one_dimensional(self, series, y):
        flat = [values[:, 0] for values in series]
        deep = [values[:, :1] for values in series]
        model = small_classifier().fit(deep, y)
        assert np.array_equal(model.predict_proba(flat), model.predict_proba(deep))

    def test_a_table_is_a_univariate_series_per_row(self):
        X, y = np.random.RandomState(0).rand(20, 6), np.arange(20) % 2
        model = small_classifier().fit(X, y)
        deep = model.predict_proba(X[:, :, np.newaxis])
        assert np.array_equal(model.predict_proba(X), deep)

    def test_predictions_do_not_depend_on_the_batch(self, series, y):
        model = small_classifier().fit(series, y)
        one_by_one = [model.predict_proba([values])[0] for values in series]
        np.testing.assert_allclose(model.predict_proba(series), one_by_one, atol=1e-5)

    def test_series_may_be_longer_than_in_fit(self, series, y):
        model = small_classifier().fit(series, y)
        long = np.random.RandomState(1).rand(10_000, 2)
        assert model.predict_proba([long]).sum() == pytest.approx(1)

    def test_series_of_a_single_step_are_read(self, y):
        X = np.random.RandomState(0).rand(40, 1, 2)
        assert small_classifier().fit(X, y).predict(X).shape == (40,)

    def test_an_empty_series_has_a_prediction_and_zero_features(self, series, y):
        model = small_classifier().fit(series, y)
        assert model.predict_proba([np.zeros((0, 2))]).sum() == pytest.approx(1)
        assert not model.transform([np.zeros((0, 2))]).any()

    def test_a_constant_channel_gives_finite_probabilities(self, series, y):
        constant = [np.column_stack([v, np.full(len(v), 1e6)]) for v in series]
        assert np.isfinite(
            small_classifier().fit(constant, y).predict_proba(constant)
        ).all()

    def test_each_channel_is_standardised(self, series, y):
        scaled = [values * [1e5, 1e-5] + [3e6, 2] for values in series]
        a = small_classifier().fit(series, y).predict_proba(series)
        b = small_classifier().fit(scaled, y).predict_proba(scaled)
        np.testing.assert_allclose(a, b, atol=1e-4)

    def test_integers_are_numeric_if_3_d_or_if_input_type_is_numeric(self):
        X, y = np.arange(60).reshape(10, 3, 2), np.arange(10) % 2
        assert small_classifier().fit(X, y).input_type_ == "numeric"
        unequal = [[1, 2, 3], [4, 5]] * 5
        model = small_classifier(input_type="numeric").fit(unequal, y)
        assert (model.input_type_, model.n_channels_) == ("numeric", 1)

    def test_n_features_in_is_set_for_tables_only(self, series, y):
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
    def test_invalid_series_raise(self, series, y, X, message):
        model = small_classifier().fit(series, y)
        with pytest.raises(ValueError, match=message):
            model.predict(X)

    def test_series_of_equal_and_unequal_length_give_equal_predictions(self, y):
        X = np.random.RandomState(0).rand(40, 6)
        model = small_classifier().fit(list(X), y)
        expected = model.predict_proba(X[:1, :4, np.newaxis])
        assert np.array_equal(model.predict_proba([X[0, :4]]), expected)

    @pytest.mark.parametrize(
        "X",
        [
            [np.array([["a"], ["b"]]), np.array([["a"]])],
            [np.array(["1", "2"]), np.array(["3"])],
            np.full((2, 3, 1), "1"),
        ],
        ids=["letters", "digits", "3-D"],
    )
    def test_text_in_arrays_raises(self, X):
        with pytest.raises(ValueError, match="contains text"):
            small_classifier().fit(X, [0, 1])

    def test_datetime_series_raise(self):
        X = np.zeros((2, 3, 1), dtype="datetime64[s]")
        with pytest.raises(ValueError, match=r"series of numbers: got .*datetime64"):
            small_classifier().fit(X, [0, 1])

    def test_an_extreme_number_has_finite_probabilities(self, y):
        X = np.random.RandomState(0).rand(40, 3) * 1e-9
        model = small_classifier(input_type="numeric").fit(X, y)
        assert np.isfinite(model.predict_proba(np.full((1, 3), 3e38))).all()

    def test_series_raise_if_input_type_is_tokens(self, series, y, ids):
        with pytest.raises(ValueError, match="2-D.*input_type='numeric'"):
            small_classifier(input_type="tokens").fit(series, y)
        with pytest.raises(ValueError, match="got numeric series"):
            small_classifier(input_type="tokens").fit(ids, y).predict(series)

    def test_series_of_padding_only_raise_in_fit(self):
        with pytest.raises(ValueError, match="requires at least one step"):
            small_classifier().fit(np.full((4, 3), np.nan), [0, 1, 0, 1])


class TestListLengths:
    def test_a_list_may_be_longer_than_in_fit(self):
        rows = [[5, 6, 7], [8, 9, 2]] * 10
        model = small_classifier(input_type="tokens").fit(rows, np.arange(20) % 2)
        one = model.predict_proba([[5, 6, 7, 8]])
        np.testing.assert_allclose(
            one, model.predict_proba([[5, 6, 7, 8], [9]])[:1], atol=1e-5
        )


class TestSeriesInFrames:
    frames = [pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]}) for _ in range(20)]
    y = np.arange(20) % 2

    def test_frames_with_columns_in_another_order_raise_in_fit(self):
        swapped = [*self.frames[:19], self.frames[19][["b", "a"]]]
        with pytest.raises(ValueError, match=r"row 19 has \['b', 'a'\]"):
            small_classifier().fit(swapped, self.y)

    def test_frames_with_columns_other_than_in_fit_raise_in_predict(self):
        model = small_classifier().fit(self.frames, self.y)
        with pytest.raises(ValueError, match=r"columns \['a', 'b'\].*got \['b', 'a'\]"):
            model.predict([self.frames[0][["b", "a"]]])

    def test_arrays_are_accepted_after_fit_on_frames(self):
        model = small_classifier().fit(self.frames, self.y)
        arrays = [frame.to_numpy() for frame in self.frames]
        assert np.array_equal(model.predict(arrays), model.predict(self.frames))


class TestStaticFeatures:
    @pytest.fixture
    def ids_and_static(self, ids):
        """Token ids and two static features, the first of which determines y."""
        numbers = np.random.RandomState(0).rand(40, 2) * [1000, 1]
        return np.hstack([ids, numbers]), numbers[:, 0] > 500

    def test_classifier_learns_from_static_features(self, ids_and_static):
        X, y = ids_and_static
        params = {"n_static_features": 2, "max_epochs": 30, "dropout": 0.0, "lr": 0.02}
        assert small_classifier(**params).fit(X, y).score(X, y) > 0.95

    def test_sparse_and_dense_rows_give_equal_predictions(self, ids_and_static):
        X, y = ids_and_static
        model = small_classifier(n_static_features=2).fit(X, y)
        in_rows = sparse.csr_array(X)
        assert np.array_equal(model.predict_proba(in_rows), model.predict_proba(X))

    def test_transform_appends_standardised_static_features(self, ids_and_static):
        X, y = ids_and_static
        vectors = small_classifier(n_static_features=2).fit(X, y).transform(X)
        np.testing.assert_allclose(vectors[:, -2:].mean(0), 0, atol=1e-6)
        np.testing.assert_allclose(vectors[:, -2:].std(0), 1, rtol=1e-6)

    def test_static_features_that_are_constant_in_fit_have_no_effect(
        self, ids_and_static, tmp_path
    ):
        X, y = ids_and_static
        X = np.column_stack([X, np.full(len(X), 5.0)])
        other = X.copy()
        other[:, -1] = 1e6
        model = small_classifier(n_static_features=3).fit(X, y)
        expected = model.predict_proba(X)
        save(model, tmp_path / "model.zip")
        export_onnx(model, tmp_path / "model.onnx")
        assert (model.predict_proba(other) == expected).all()
        assert (load(tmp_path / "model.zip").predict_proba(other) == expected).all()
        served = OnnxModel(tmp_path / "model.onnx").predict_proba(other)
        np.testing.assert_allclose(served, expected, atol=1e-5)

    def test_static_features_that_vary_later_in_a_stream_are_used(self, ids_and_static):
        X, y = ids_and_static
        model = small_classifier(n_static_features=2)
        model.partial_fit(X[:1], y[:1], classes=[0, 1]).partial_fit(X, y)
        other = X.copy()
        other[:, -2:] += 1
        assert (model.predict_proba(other) != model.predict_proba(X)).any()

    def test_float_ids_with_static_features_are_read_as_tokens(self, ids_and_static):
        X, y = ids_and_static
        assert small_classifier(n_static_features=2).fit(X, y).input_type_ == "tokens"

    def test_univariate_series_may_have_static_features(self, ids_and_static):
        X = np.random.RandomState(0).rand(40, 8)
        model = small_classifier(n_static_features=2, input_type="numeric")
        assert model.fit(X, ids_and_static[1]).n_channels_ == 1

    def test_regressor_learns_from_static_features(self, ids_and_static):
        X, _ = ids_and_static
        model = small_regressor(
            n_static_features=2, max_epochs=100, dropout=0.0, lr=0.03
        )
        assert model.fit(X, X[:, -2]).score(X, X[:, -2]) > 0.5

    def test_missing_static_features_raise_and_suggest_an_imputer(self, ids_and_static):
        X, y = ids_and_static
        X[3, -1] = np.nan
        with pytest.raises(ValueError, match="NaN in row 3.*SimpleImputer"):
            small_classifier(n_static_features=2).fit(X, y)

    def test_predict_uses_the_fitted_n_static_features(self, ids_and_static):
        X, y = ids_and_static
        model = small_classifier(n_static_features=2).fit(X, y)
        expected = model.predict_proba(X)
        changed = model.set_params(n_static_features=0)
        assert np.array_equal(changed.predict_proba(X), expected)

    def test_leading_static_features_raise_with_a_suggestion(self, ids_and_static):
        X, y = ids_and_static
        static_first = np.hstack([X[:, -2:], X[:, :-2]])
        with pytest.raises(ValueError, match="Fractions.*columns of X are numbers"):
            small_classifier(n_static_features=2).fit(static_first, y)

    def test_n_static_features_must_leave_a_column(self, ids_and_static):
        X, y = ids_and_static
        with pytest.raises(ValueError, match="columns of X, 14. Got 14"):
            small_classifier(n_static_features=14).fit(X, y)

    def test_n_static_features_raises_for_3_d_x(self):
        with pytest.raises(ValueError, match="'n_static_features'.*2-D X"):
            small_classifier(n_static_features=1).fit(np.ones((4, 3, 2)), [0, 1, 0, 1])


class TestIntegers:
    """With input_type="auto", integers are read as token ids."""

    WARNING = "input_type='tokens' .* or input_type='numeric'"
    DENSE = np.arange(2, 14).reshape(4, 3)

    @pytest.mark.parametrize(
        "X",
        [DENSE, DENSE.tolist(), pd.DataFrame(DENSE), [[5, 6], [7], [8], [9]]],
        ids=["array", "lists", "frame", "unequal lists"],
    )
    def test_dense_integers_are_ids_and_warn(self, X):
        with pytest.warns(UserWarning, match=self.WARNING):
            fitted = small_classifier().fit(X, [0, 1, 0, 1])
        assert fitted.input_type_ == "tokens"

    @pytest.mark.filterwarnings("error")
    @pytest.mark.parametrize("input_type", ["tokens", "numeric"])
    def test_integers_do_not_warn_if_input_type_is_set(self, input_type):
        fitted = small_classifier(input_type=input_type).fit(self.DENSE, [0, 1, 0, 1])
        assert len(fitted.predict(self.DENSE)) == 4

    @pytest.mark.filterwarnings("error")
    def test_sparse_integers_and_predict_do_not_warn(self):
        X = sparse.csr_array(self.DENSE)
        fitted = small_classifier().fit(X, [0, 1, 0, 1])
        assert np.array_equal(fitted.predict(self.DENSE), fitted.predict(X))


class TestListsOfIds:
    def test_lists_of_unequal_length_equal_a_padded_matrix(self):
        lists, y = [[5, 6, 7], [8, 9], [5], [9, 8]], [0, 1, 0, 1]
        matrix = np.array([[5, 6, 7], [8, 9, 0], [5, 0, 0], [9, 8, 0]])
        model = small_classifier(input_type="tokens")
        expected = model.fit(matrix, y).predict_proba(matrix)
        assert np.array_equal(model.predict_proba(lists), expected)
        assert np.array_equal(model.fit(lists, y).predict_proba(lists), expected)
        assert not hasattr(model, "n_features_in_")

    def test_n_static_features_raises_for_lists_of_unequal_length(self):
        model = small_classifier(input_type="tokens", n_static_features=1)
        with pytest.raises(ValueError, match="'n_static_features' .*unequal length"):
            model.fit([[5, 6, 1], [8, 2]], [0, 1])


@pytest.mark.parametrize(
    "changes",
    [{"n_channels": 1}, {"scaler": StandardScaler().fit([[0.0], [1.0]])}],
    ids=["channels", "scale"],
)
def test_a_reader_of_tokens_has_neither_channels_nor_a_scale(changes):
    state = SequenceReader("BiLSTMClassifier").state()
    assert SequenceReader.from_state(state, "BiLSTMClassifier").input_type == "tokens"
    with pytest.raises(ValueError, match="Only numbers have channels and a scale"):
        SequenceReader.from_state({**state, **changes}, "BiLSTMClassifier")


@pytest.mark.parametrize("n_columns", [2, "four"])
def test_a_reader_of_static_features_has_more_columns_than_those(n_columns):
    X = np.random.RandomState(0).rand(20, 5)
    model = small_regressor(n_static_features=2, input_type="numeric").fit(X, X[:, 0])
    state = model.model_.reader.state()
    state["columns"] = {"n_features_in_": n_columns}
    with pytest.raises(ValueError, match="n_features_in_ must be"):
        SequenceReader.from_state(state, "BiLSTMRegressor")
