import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.utils.class_weight import compute_class_weight

from sklearn_bilstm.fitting._labels import (
    check_labels,
    encode,
    relative_weights,
    scaled_to_mean_one,
    warn_of_missing_label_codes,
    weight_of_classes,
)
from tests.helpers import small_classifier

CLASSES = np.array(["a", "b", "c"])
TARGET = np.array([0, 0, 0, 1, 1, 2])


@pytest.mark.parametrize(
    "y",
    [
        ["a", "b", None, "a"],
        ["a", "b", float("nan"), "a"],
        [0, 1, None, 1],
        np.array(["a", "b", np.nan, "a"], dtype=object),
        pd.Series(["a", "b", None, "a"]),
        pd.Series(["a", "b", None, "a"], dtype=object),
        pd.Series(["a", "b", None, "a"], dtype="category"),
        pd.Series([0, 1, None, 1], dtype="Int64"),
    ],
)
def test_a_missing_label_raises_with_its_row(y):
    with pytest.raises(ValueError, match=r"missing label: row 2 is \S+\. Remove rows"):
        check_labels(y, estimator="BiLSTMClassifier")


def test_labels_with_only_an_array_interface_are_read():
    class Labels:
        def __len__(self):
            return 2

        def __array__(self, dtype=None, copy=None):
            return np.array(["a", "b"], dtype)

    assert check_labels(Labels(), estimator="BiLSTMClassifier").tolist() == ["a", "b"]


@pytest.mark.parametrize("y", [3, "ab", np.array(3), np.array(None)])
def test_labels_that_are_not_one_dimensional_raise(y):
    with pytest.raises((TypeError, ValueError), match=r"1d array|collection|Expected"):
        check_labels(y, estimator="BiLSTMClassifier")


def test_encode_returns_indices_into_classes():
    labels = np.array(["c", "a", "b", "a"])
    assert CLASSES[encode(labels, CLASSES, name="y")].tolist() == labels.tolist()


def test_encode_raises_on_an_unknown_label():
    with pytest.raises(ValueError, match=r"y_val must only contain.*got 'x'"):
        encode(np.array(["a", "x"]), CLASSES, name="y_val")


@pytest.mark.parametrize("class_weight", [None, "balanced", {"a": 2, "b": 1, "c": 0.5}])
def test_class_weights_are_proportional_to_scikit_learn(class_weight):
    ours = weight_of_classes(class_weight, CLASSES, TARGET, np.ones(6))
    theirs = compute_class_weight(class_weight, classes=CLASSES, y=CLASSES[TARGET])
    np.testing.assert_allclose(ours / ours[0], theirs / theirs[0])


@pytest.mark.parametrize(
    ("class_weight", "without"), [({"x": 2.0}, "a"), ({"a": 1.0, "x": 2.0}, "b")]
)
def test_a_weight_of_another_label_raises_if_a_class_has_none(class_weight, without):
    with pytest.raises(ValueError, match=f"weight for 'x', but none for '{without}'"):
        weight_of_classes(class_weight, CLASSES, TARGET, np.ones(6))


@pytest.mark.parametrize(
    ("class_weight", "expected"),
    [({"b": 2.0}, [1, 2, 1]), ({"a": 3.0, "b": 2.0, "c": 0.5, "x": 9.0}, [3, 2, 0.5])],
    ids=["some classes", "all classes and another label"],
)
def test_class_weights_are_those_of_the_dict_or_one(class_weight, expected):
    found = weight_of_classes(class_weight, CLASSES, TARGET, np.ones(6))
    assert found.tolist() == expected


def test_balanced_class_weights_count_sample_weights():
    weight = np.array([1.0, 1, 1, 3, 3, 3])
    balanced = weight_of_classes("balanced", CLASSES, TARGET, weight)
    np.testing.assert_allclose(balanced * [3, 6, 3], 1)


def test_scaled_to_mean_one_keeps_ratios():
    scaled = scaled_to_mean_one(np.array([1e300, 3e300]))
    np.testing.assert_allclose(scaled, [0.5, 1.5])


def test_scaled_to_mean_one_keeps_ratios_of_tiny_weights():
    scaled = scaled_to_mean_one(np.array([1e-310, 3e-310, 0, 0]))
    np.testing.assert_allclose(scaled, [1, 3, 0, 0], rtol=1e-12)


def test_relative_weights_are_zero_if_their_reciprocal_would_overflow():
    relative = relative_weights(np.array([1e-320, 1e-300, 1e-280, 1, 0.5]) * 4)
    np.testing.assert_allclose(relative, [0, 0, 1e-280, 1, 0.5])


def test_scaled_to_mean_one_raises_if_all_weights_are_zero():
    with pytest.raises(ValueError, match="at least one non-zero"):
        scaled_to_mean_one(np.zeros(3))


@pytest.mark.parametrize(
    "classes", [[-1, 0, 1, 2], [-1, 0, 3], [-100, 0], [-100, 0, 1]], ids=str
)
def test_a_likely_ignore_index_warns(classes):
    with pytest.warns(UserWarning, match=f"label {classes[0]}, .* leave them out"):
        warn_of_missing_label_codes(np.array(classes), "leave them out")


@pytest.mark.parametrize(
    "classes",
    [[-1, 1], [-1, 0], [-1, 0, 1], [-2, -1, 0], [-1.0, 0, 1], [0, 1], ["-1", "0", "1"]],
)
def test_other_classes_do_not_warn(classes):
    warn_of_missing_label_codes(np.array(classes), "leave them out")


@pytest.mark.parametrize(
    ("classes", "counts", "warns"),
    [
        ([-1, 0, 1], [90, 5, 5], True),
        ([-1, 0, 1], [63, 21, 16], False),  # tweets about airlines
        ([-1, 0, 1], [80, 10, 10], False),
        ([-1, 1], [99, 1], False),
        ([-1, 0, 1, 2], [1, 5, 5, 5], True),
    ],
)
def test_minus_one_warns_if_it_is_far_more_frequent(classes, counts, warns):
    labels = np.repeat(classes, counts)
    ids = np.full((len(labels), 1), 2)
    model = small_classifier(input_type="tokens", max_epochs=1)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(ids, labels)
    assert ["label -1" in str(w.message) for w in caught] == [True] * warns


def test_a_masked_label_raises_as_missing():
    y = np.ma.masked_array([0, 1, 1], [False, True, False])
    with pytest.raises(ValueError, match="missing label: row 1"):
        check_labels(y, estimator="BiLSTMClassifier")


@pytest.mark.parametrize("to_row", [list, np.array])
def test_a_column_of_lists_or_arrays_has_the_labels_of_several_tasks(to_row):
    y = [to_row([0, 1]), to_row([1, 0]), to_row([1, 1])]
    for column in (pd.Series(y), np.fromiter(y, object, len(y))):
        labels = check_labels(column, estimator="BiLSTMClassifier")
        assert labels.tolist() == [[0, 1], [1, 0], [1, 1]]


def test_a_column_of_labels_for_each_step_raises():
    y = pd.Series([np.array([0, 1]), np.array([1])])
    with pytest.raises(ValueError, match="use BiLSTMTagger"):
        check_labels(y, estimator="BiLSTMClassifier")
