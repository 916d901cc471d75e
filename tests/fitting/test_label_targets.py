import numpy as np
import pandas as pd
import pytest

from sklearn_bilstm.fitting import (
    IndicatorTarget,
    LabelTarget,
    TasksTarget,
    label_target,
    label_target_of_stream,
)

TASKS = np.array([["a", 1], ["b", 2]], object)


@pytest.mark.parametrize(
    ("y", "kind"),
    [
        (np.array(["a", "b"]), LabelTarget),
        (np.array([[0, 1], [1, 1]]), IndicatorTarget),
        (TASKS, TasksTarget),
    ],
)
def test_the_target_depends_on_the_kind_of_y(y, kind):
    assert type(label_target(y, None)) is kind


def test_the_classes_of_a_stream_are_those_of_its_first_batch():
    y = np.array(["a"])
    first = label_target_of_stream(y, ["b", "a"], None)
    assert first.classes.tolist() == ["a", "b"]
    for classes in (None, ["a", "b"]):
        assert label_target_of_stream(y, classes, first) is first
    with pytest.raises(ValueError, match="same in every call.*'c'.*after"):
        label_target_of_stream(y, ["a", "c"], first)


def test_the_classes_of_tasks_of_a_stream_are_those_of_its_first_batch():
    first = label_target_of_stream(TASKS, [["b", "a"], [3, 2, 1]], None)
    assert [classes.tolist() for classes in first.classes] == [["a", "b"], [1, 2, 3]]
    for classes in (None, [["a", "b"], [1, 2, 3]]):
        assert label_target_of_stream(TASKS, classes, first) is first
    with pytest.raises(ValueError, match=r"same in every call.*after \[\['a', 'b'\]"):
        label_target_of_stream(TASKS, [["a", "b"]], first)


@pytest.mark.parametrize("classes", [["a", "b"], 3, [["a", "b"], [1, 2, 3], ["c"]]])
def test_classes_of_another_format_than_before_raise(classes):
    tasks = TasksTarget([np.array(["a", "b"]), np.array([1, 2, 3])])
    with pytest.raises(ValueError, match="same in every call"):
        label_target_of_stream(TASKS, classes, tasks)
    single = LabelTarget(np.array(["a", "b"]))
    with pytest.raises(ValueError, match="same in every call"):
        label_target_of_stream(np.array(["a"]), [["a", "b"], [1, 2, 3]], single)


@pytest.mark.parametrize("classes", [None, [0, 1], np.arange(2)])
def test_flat_classes_of_an_indicator_matrix_are_ignored(classes):
    y = np.array([[0, 1], [1, 1]])
    assert type(label_target_of_stream(y, classes, None)) is IndicatorTarget


@pytest.mark.parametrize("container", [list, np.array, pd.Series, pd.Index])
def test_an_indicator_matrix_with_classes_of_each_column_has_tasks(container):
    y = np.array([[0, 1], [1, 1]])
    target = label_target_of_stream(y, [container([0, 1]), container([0, 1])], None)
    assert type(target) is TasksTarget


@pytest.mark.parametrize("missing", [None, np.nan])
def test_missing_labels_are_no_classes(missing):
    with pytest.raises(ValueError, match="classes must not contain missing labels"):
        label_target_of_stream(TASKS, [["a", "b"], [1, 2, missing]], None)


def test_a_code_of_missing_labels_in_a_task_warns():
    y = np.array([["a", -1], ["b", 0], ["a", 1], ["b", 2], [None, 2]], object)
    message = "Column 1 of y contains the label -1.*replace it by None"
    with pytest.warns(UserWarning, match=message):
        label_target(y, None)
    with pytest.warns(UserWarning, match=message):
        label_target_of_stream(y, [["a", "b"], [-1, 0, 1, 2]], None)


@pytest.mark.parametrize("classes", [["a", "b"], [["a", "b"]], {"a": 1}])
def test_classes_that_do_not_belong_to_tasks_raise(classes):
    with pytest.raises(ValueError, match="list of the labels of each of 2 columns"):
        label_target_of_stream(TASKS, classes, None)
