import numpy as np

from sklearn_bilstm.utils._stacking import stack_columns


def test_columns_of_equal_types_keep_their_type():
    found = stack_columns([np.array(["a", "b"]), np.array(["long", "c"])])
    assert found.tolist() == [["a", "long"], ["b", "c"]]
    assert found.dtype.kind == "U"


def test_columns_of_several_types_keep_their_values():
    found = stack_columns([np.array(["a", "b"]), np.array([3, 4])])
    assert found.tolist() == [["a", 3], ["b", 4]]
