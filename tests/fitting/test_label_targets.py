import numpy as np
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


@pytest.mark.parametrize("classes", [["a", "b"], [["a", "b"]], {"a": 1}])
def test_classes_that_do_not_belong_to_tasks_raise(classes):
    with pytest.raises(ValueError, match="list of the labels of each of 2 columns"):
        label_target_of_stream(TASKS, classes, None)
