import subprocess
import sys

import numpy as np
import pytest

from sklearn_bilstm import BiLSTMClassifier
from sklearn_bilstm.utils._agreement import facts_about


def differing(first, second):
    """Return the names of the facts that differ between two classifiers."""
    one, other = (facts_about(model, "fit") for model in (first, second))
    assert one.keys() == other.keys()
    return [name for name in one if one[name] != other[name]]


def test_equal_parameters_are_equal_facts():
    params = {"embedding": np.ones((3, 2)), "random_state": 0, "class_weight": {1: 2}}
    copies = {**params, "embedding": np.ones((3, 2))}
    assert not differing(BiLSTMClassifier(**params), BiLSTMClassifier(**copies))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("lr", 0.5),
        ("embedding", np.ones((3, 2))),
        ("random_state", np.random.RandomState(1)),
        ("hidden_layer_sizes", (3, 4)),
    ],
)
def test_a_different_parameter_is_named(name, value):
    base = {"embedding": np.zeros((3, 2)), "random_state": np.random.RandomState(0)}
    first = BiLSTMClassifier(**base)
    second = BiLSTMClassifier(**{**base, name: value})
    assert differing(first, second) == [f"the parameter {name!r}"]


EQUAL = {
    "order": ({1: 2.0, 0: 1.0}, {0: 1.0, 1: 2.0}),
    "numpy": ({"a": np.float64(0.1), "b": np.int64(3)}, {"a": 0.1, "b": 3}),
    "functions": ({"a": lambda: 0}, {"a": lambda: 0}),
    "sets": ({"a": {0, 8}}, {"a": {8, 0}}),
    "arrays": ({"a": [0, 1]}, {"a": np.array([0, 1])}),
}


@pytest.mark.parametrize("name", EQUAL)
def test_equal_values_are_equal_facts(name):
    first, second = (BiLSTMClassifier(class_weight=value) for value in EQUAL[name])
    assert not differing(first, second)


def test_parameters_of_a_process_can_differ():
    other = BiLSTMClassifier(n_threads=3, verbose=1, device="cpu", checkpoint="a.zip")
    assert not differing(BiLSTMClassifier(), other)


def test_looking_for_a_group_does_not_import_torch():
    code = (
        "import sys; from sklearn_bilstm.utils._agreement import current_group;"
        "assert current_group() is None; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
