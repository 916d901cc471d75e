import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse

from sklearn_bilstm.inspection._truth import true_targets
from tests.helpers import small_classifier, small_regressor

X = np.random.RandomState(0).randint(2, 9, (20, 4))
COLUMNS = np.array([1, 0])


@pytest.fixture(scope="module")
def classifier():
    return small_classifier(input_type="tokens").fit(X, np.arange(20) % 3)


CONTAINERS = [
    list,
    tuple,
    np.array,
    pd.Series,
    pl.Series,
    lambda y: np.array(y)[:, None],
    lambda y: pd.DataFrame({"y": y}),
]


@pytest.mark.parametrize("container", CONTAINERS)
def test_labels_are_read_from_any_container(classifier, container):
    truths = true_targets(container([2, 0]), classifier, COLUMNS, None)
    assert truths == [2, 0]
    assert {type(truth) for truth in truths} == {int}


def test_missing_labels_are_unknown(classifier):
    assert true_targets(["a", None], classifier, COLUMNS, None) == ["a", None]
    assert true_targets(None, classifier, COLUMNS, None) == [None, None]
    assert true_targets(pd.array([1, None]), classifier, COLUMNS, None) == [1, None]
    found = true_targets(pd.Series([1, None]), classifier, COLUMNS, None)
    assert [*map(repr, found)] == ["1", "None"]


def test_all_true_labels_of_several_are_named():
    y = np.random.RandomState(0).randint(0, 2, (20, 3))
    model = small_classifier(input_type="tokens").fit(X, y)
    y_true = np.array([[1, 0, 1], [0, 0, 0]])
    for given in (y_true, y_true.tolist(), sparse.csr_array(y_true)):
        assert true_targets(given, model, COLUMNS, None) == [(0, 2), ()]


def test_the_label_of_the_explained_task_is_selected(classifier):
    y_true = pd.DataFrame({"topic": ["a", "b"], "grade": [3, 4]})
    assert true_targets(y_true, classifier, COLUMNS, 0) == ["a", "b"]
    assert true_targets(y_true, classifier, COLUMNS, 1) == [3, 4]


def test_the_number_of_the_explained_output_is_selected():
    y = np.random.RandomState(0).rand(20, 2)
    model = small_regressor(input_type="tokens").fit(X, y)
    assert true_targets([[1, 2], [3, 4.5]], model, COLUMNS, None) == [2.0, 3.0]
    single = small_regressor(input_type="tokens").fit(X, y[:, 0])
    assert true_targets([1, 2], single, COLUMNS * 0, None) == [1.0, 2.0]


@pytest.mark.parametrize(
    ("y_true", "task", "message"),
    [
        ([1], None, "y_true must hold a row for each of 2 texts: got 1 rows"),
        (1, None, "y_true must hold a row for each of 2 texts: got 1"),
        ([[1, 2], [3, 4]], None, r"y_true must hold rows of 1 values.*got \[1, 2\]"),
        ([1, 2], 1, "y_true must hold rows of 1 values"),
        ({"y": [1, 2]}, None, "y_true must be a list, an array"),
    ],
)
def test_y_true_of_another_form_than_in_fit_raises(classifier, y_true, task, message):
    with pytest.raises(ValueError, match=message):
        true_targets(y_true, classifier, COLUMNS, task)
