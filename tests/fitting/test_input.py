import re

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.utils import check_array

from sklearn_bilstm import BiLSTMClassifier
from sklearn_bilstm.fitting._input import (
    check_matrix,
    infer_input_type,
    refuse_panel,
    refuse_text,
    warn_of_swapped_axes,
)
from sklearn_bilstm.sequences import split_panel
from tests.helpers import small_classifier


def check(X, input_type="auto"):
    return check_matrix(X, input_type=input_type, estimator="BiLSTMClassifier")


@pytest.mark.parametrize(
    ("X", "expected"),
    [
        ([[2, 3]], "tokens"),
        (np.array([[2, 3]], dtype=np.uint8), "tokens"),
        (sparse.coo_array([[2, 3]]), "tokens"),
        (sparse.csr_matrix([[2.0, 3.0]]), "tokens"),
        (pd.DataFrame([[2, 3]]), "tokens"),
        ([[2.0, 3.0]], "numeric"),
        ([[2, 3.5]], "numeric"),
        ([[True, False]], "numeric"),
        (np.array([[2, 3]], dtype=object), "numeric"),
    ],
)
def test_auto_input_type_depends_on_dtype_and_sparsity(X, expected):
    assert infer_input_type(check(X), "auto") == expected
    assert infer_input_type(check(X), "tokens") == "tokens"


@pytest.mark.parametrize(
    "X",
    [
        *(np.array([[2, 3], [0, 1]], t) for t in (bool, np.int8, np.float32, complex)),
        *(np.zeros(shape) for shape in [(0, 3), (2, 0), (3,)]),
    ],
    ids=lambda X: f"{X.dtype} {X.shape}",
)
@pytest.mark.parametrize("container", [sparse.csr_array, sparse.coo_array])
@pytest.mark.parametrize("input_type", ["auto", "numeric"])
def test_sparse_matrices_are_validated_as_in_scikit_learn(X, container, input_type):
    X = container(X)
    accepted = False if input_type == "numeric" else "csr"
    params = {"estimator": BiLSTMClassifier(), "input_name": "X"}
    try:
        expected = check_array(
            X, accept_sparse=accepted, ensure_all_finite=False, **params
        )
    except (TypeError, ValueError) as error:
        with pytest.raises(type(error), match=f"^{re.escape(str(error))}$"):
            check(X, input_type)
    else:
        found = check(X, input_type)
        assert (found is X) == (X.format == "csr")
        assert found.dtype == expected.dtype
        assert np.array_equal(found.toarray(), expected.toarray())


def test_any_sparse_format_is_converted_to_csr():
    X = sparse.lil_array([[2, 0], [3, 4]])
    assert check(X).format == "csr"


def test_sparse_x_raises_for_numeric_input():
    with pytest.raises(TypeError, match="[Ss]parse"):
        check(sparse.csr_array([[2.0]]), input_type="numeric")


@pytest.mark.parametrize("X", [["a"], [[1, "a"]], np.array([["a"]]), ("a", "b"), b"a"])
def test_text_raises_and_suggests_a_text_vectorizer(X):
    with pytest.raises(ValueError, match=r"make_pipeline\(TextVectorizer\(\), BiLSTM"):
        refuse_text(X, estimator="BiLSTMClassifier")


def test_text_raises_after_missing_values():
    with pytest.raises(ValueError, match="contains text"):
        refuse_text(np.array([None, np.nan, "a"], object), estimator="BiLSTMClassifier")


@pytest.mark.parametrize("single", [3.0, None])
def test_a_number_among_rows_raises_and_names_its_row(single):
    with pytest.raises(ValueError, match=f"row 1 is {single!r}, which is no sequence"):
        BiLSTMClassifier().fit([np.array([1.0, 2.0]), single], [0, 1])


def test_object_integers_are_ids_and_dates_raise():
    assert infer_input_type(check([[2, 3], [4, 5]]), "auto") == "tokens"
    with pytest.raises(ValueError, match="numbers: got values of type datetime64"):
        check(np.array([["2020-01-01"]], dtype="datetime64[D]"))
    with pytest.raises(TypeError, match="number: got .* of type object"):
        check([[object()], [object(), 2]])


def noise(*shape):
    return np.random.default_rng(0).normal(size=shape)


def waves(n_channels, n_steps):
    """Series with channels before steps: random walks of different levels."""
    X = np.cumsum(noise(20, n_channels, n_steps), axis=2)
    return X + 10 * noise(1, n_channels, 1)


class TestSwappedAxes:
    @pytest.mark.parametrize(
        "X", [waves(1, 10), waves(3, 100), waves(32, 320), noise(20, 1, 10)]
    )
    def test_long_third_axis_of_smooth_numbers_warns(self, X):
        with pytest.warns(UserWarning, match=r"channels_last\(X\)") as caught:
            warn_of_swapped_axes(X)
        assert len(caught) == 1

    def test_warning_ignores_padding(self):
        X = waves(3, 100)
        X[::2, :, 60:] = np.nan
        with pytest.warns(UserWarning, match="two axes were swapped"):
            warn_of_swapped_axes(X)

    @pytest.mark.parametrize(
        "X",
        [
            waves(3, 100).swapaxes(1, 2),
            waves(32, 320).swapaxes(1, 2),
            waves(1, 100).swapaxes(1, 2),
            waves(3, 29),  # few steps: the axes could be in either order
            noise(20, 1, 9),  # features of a single step
            noise(20, 20, 300),  # embeddings of the tokens of a sentence
            noise(20, 20, 300) + 3 * noise(300),  # with a mean for each feature
            np.cumsum(noise(20, 20, 300), axis=1),
            np.zeros((20, 3, 100)),
            np.full((20, 3, 100), np.nan),
            np.zeros((20, 0, 100)),
            np.zeros((0, 3, 100)),
        ],
    )
    def test_ordinary_series_do_not_warn(self, X):
        warn_of_swapped_axes(X)

    def test_fit_warns_and_a_list_avoids_it(self):
        X, y = waves(2, 20), [0, 1] * 10
        model = small_classifier(max_epochs=1)
        with pytest.warns(UserWarning, match=r"shape \(20, 2, 20\)"):
            expected = model.fit(X, y).predict_proba(X)
        assert np.array_equal(model.fit(list(X), y).predict_proba(list(X)), expected)


class TestPanels:
    @pytest.fixture
    def panel(self):
        index = pd.MultiIndex.from_product([range(20), range(3)])
        return pd.DataFrame(noise(60, 2), index, columns=["a", "b"])

    @pytest.mark.parametrize("method", ["fit", "partial_fit"])
    def test_a_row_for_each_step_raises_in_fit(self, panel, method):
        fit = getattr(small_classifier(max_epochs=1), method)
        with pytest.raises(ValueError, match=r"60 rows .* 2 levels.*split_panel\(X\)"):
            fit(panel, [0, 1] * 10)

    @pytest.mark.parametrize("columns", [["a"], ["a", "b"]])
    def test_a_row_for_each_step_raises_in_predict(self, panel, columns):
        series = split_panel(panel[columns])
        model = small_classifier(max_epochs=1).fit(series, [0, 1] * 10)
        with pytest.raises(ValueError, match=r"series in each row.*split_panel\(X\)"):
            model.predict(panel[columns])

    def test_a_frame_with_a_series_in_each_row_is_read(self, panel):
        y = [0, 1] * 30
        model = small_classifier(max_epochs=1).fit(panel, y)
        expected = model.fit(panel.to_numpy(), y).predict_proba(panel.to_numpy())
        assert np.array_equal(model.fit(panel, y).predict_proba(panel), expected)

    @pytest.mark.parametrize("X", [np.zeros((3, 2)), pd.DataFrame([[1.0]]), [[1.0]]])
    def test_other_containers_do_not_raise(self, X):
        refuse_panel(X)
