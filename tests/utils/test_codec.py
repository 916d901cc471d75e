import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import sparse

from sklearn_bilstm.utils._codec import KINDS, Decoder, Encoder, Kind, UnknownKindError
from sklearn_bilstm.utils._rounding import rounded


def round_trip(value, kinds=KINDS, **options):
    encoder = Encoder(kinds, **options)
    encoded = encoder.encode(value, "value")
    written = json.loads(json.dumps(encoded, allow_nan=False))
    return Decoder(encoder.arrays, kinds).decode(written)


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        3,
        -(10**30),
        0.1,
        math.inf,
        "\ud800 lone, \N{PILE OF POO}",
        [],
        [1, [2.5, None]],
        (),
        (1, ("a", 2.0)),
        {},
        {"a": {"b": [1]}},
        {0: 1.0, None: "x", (1, 2): [3]},
        {"@tuple": [1]},
        {"good": 1, "@user": 2},
        {1, 2},
        frozenset({"a"}),
        slice(1, None, 2),
        np.float32(0.1),
        np.int64(7),
        np.bool_(True),
        np.str_("label"),
        np.dtype("float32"),
        np.dtype("<U7"),
        np.dtype(object),
        np.float64,
        float,
        torch.device("cuda:1"),
        torch.bfloat16,
        Path("folder", "file"),
    ],
    ids=repr,
)
def test_values_round_trip_with_their_types(value):
    found = round_trip(value)
    assert type(found) is type(value)
    assert found == value


def test_nan_round_trips():
    assert math.isnan(round_trip(math.nan))
    assert math.isnan(round_trip(np.float16("nan")))


@pytest.mark.parametrize(
    "array",
    [
        np.array(3),
        np.zeros((0, 4), np.float16),
        np.array([True, False]),
        np.arange(6, dtype=np.uint64).reshape(2, 3),
        np.arange(6.0).reshape(2, 3).T,
        np.array([1, -2], ">i2"),
        np.array([0.1, math.nan, -math.inf], np.float32),
        np.array(["a", "", "日本"]),
        np.array("of no dimension"),
        np.array([], "U3"),
        np.array([["a", None], [1.5, "b"]], object),
        np.array([], object),
    ],
    ids=repr,
)
def test_arrays_round_trip_with_dtype_shape_and_content(array):
    found = round_trip(array)
    assert found.dtype == array.dtype.newbyteorder("=")
    assert found.shape == array.shape
    np.testing.assert_array_equal(found, array)


def test_an_array_of_equally_long_lists_round_trips():
    array = np.empty(2, object)
    array[:] = [1, 2], [3, 4]
    assert round_trip(array).tolist() == [[1, 2], [3, 4]]
    assert round_trip(array).shape == (2,)


def test_tensors_round_trip():
    tensor = torch.arange(6.0).reshape(2, 3)
    assert torch.equal(round_trip(tensor), tensor)


def test_sparse_arrays_round_trip():
    array = sparse.csr_array([[0, 1.5, 0], [0, 0, 0]])
    found = round_trip(array)
    assert type(found) is sparse.csr_array
    assert found.dtype == array.dtype
    assert np.array_equal(found.toarray(), array.toarray())


@pytest.mark.parametrize(
    "change", [{"indices": [3]}, {"indices": [-1]}, {"indptr": [0, 5, 1]}]
)
def test_sparse_arrays_with_invalid_indices_raise(change):
    encoder = Encoder(KINDS)
    array = sparse.csr_array([[0, 1.5, 0], [0, 0, 0]])
    for name, values in change.items():
        setattr(array, name, np.array(values, np.int32))
    encoded = encoder.encode(array, "value")
    with pytest.raises(ValueError, match="ind"):
        Decoder(encoder.arrays, KINDS).decode(encoded)


def test_a_random_state_round_trips_and_continues():
    random_state = np.random.RandomState(3)
    random_state.normal(size=3)  # which leaves one number of a pair for later
    found = round_trip(random_state)
    assert np.array_equal(found.normal(size=9), random_state.normal(size=9))


@pytest.mark.parametrize("position", [-1, 625, 2_000_000_000, 1.5])
def test_a_random_state_with_a_position_outside_of_its_state_raises(position):
    encoder = Encoder(KINDS)
    encoded = encoder.encode(np.random.RandomState(0), "state")
    encoded["@random_state"]["state"]["pos"] = position
    with pytest.raises(ValueError, match="position of a random state"):
        Decoder(encoder.arrays, KINDS).decode(encoded)


def test_an_array_is_stored_again_at_every_third_occurrence():
    encoder, array = Encoder(KINDS), np.arange(3)
    encoded = encoder.encode([array] * 5, "arrays")
    assert len(encoder.arrays) == 3
    found = Decoder(encoder.arrays, KINDS).decode(encoded)
    np.testing.assert_array_equal(found, [array] * 5)


def size_of(arrays):
    return sum(array.nbytes for array in arrays.values())


@pytest.mark.parametrize(
    "array",
    [
        rounded(np.random.RandomState(0).standard_normal((40, 50))),
        np.random.RandomState(0).standard_normal((40, 50)),
        np.array([[0.5, -0.0], [np.nan, -np.inf]]),
        np.arange(-300, 300, dtype=np.int64),
        np.arange(300, dtype=">f4"),
        np.zeros((0, 3)),
        np.array(2.5),
        np.array([True, False]),
        np.array(["a", "bc"]),
    ],
    ids=lambda array: f"{array.dtype}{array.shape}",
)
def test_compact_arrays_round_trip_bit_by_bit(array):
    found = round_trip(array, is_compact=True)
    assert found.dtype == array.dtype.newbyteorder("=")
    assert found.shape == array.shape
    assert found.tobytes() == array.astype(found.dtype).tobytes()


def test_compact_arrays_are_small_and_expand_by_at_most_eight():
    array = rounded(np.random.RandomState(0).standard_normal((200, 300)))
    encoder = Encoder(KINDS, is_compact=True)
    encoder.encode(array, "array")
    assert array.nbytes / 8 < size_of(encoder.arrays) < array.nbytes / 7


def test_a_compact_array_is_stored_again_at_every_third_occurrence():
    array = rounded(np.random.RandomState(0).standard_normal((40, 50)))
    encoder = Encoder(KINDS, is_compact=True)
    encoded = encoder.encode([array] * 5, "arrays")
    assert len(encoder.arrays) == 3 * 2
    found = Decoder(encoder.arrays, KINDS).decode(encoded)
    np.testing.assert_array_equal(found, [array] * 5)


def test_dicts_with_the_marks_of_compact_arrays_round_trip():
    value = {"@scaled": [1, 2], "@narrow": ["float64", 3]}
    assert round_trip(value, is_compact=True) == value


def test_shared_objects_stay_shared():
    array, random_state = np.zeros(2), np.random.RandomState(0)
    found = round_trip({"a": [array, random_state], "b": (random_state, array)})
    assert found["a"][0] is found["b"][1]
    assert found["a"][1] is found["b"][0]


def test_arrays_at_similar_paths_stay_separate():
    found = round_trip({"a.b": np.zeros(1), "a": {"b": np.ones(1)}})
    assert found["a.b"] == 0
    assert found["a"]["b"] == 1


def test_an_unsupported_object_raises_with_its_path():
    steps = [("words", {"tokenizer": [print]})]
    match = r"^model\.steps\.0\.words\.tokenizer\.0 contains an object of type builtin_"
    with pytest.raises(UnknownKindError, match=match) as error:
        Encoder(KINDS).encode({"steps": steps}, "model")
    assert error.value.value is print


@pytest.mark.parametrize(
    "value", [object(), 1j, b"bytes", np.complex64(1), np.array([1j]), np.ma.array([1])]
)
def test_unsupported_values_raise(value):
    with pytest.raises(UnknownKindError, match="value contains an object of type"):
        Encoder(KINDS).encode(value, "value")


def test_additional_kinds_round_trip():
    def is_complex(value):
        return type(value) is complex

    plain = Kind(is_complex, lambda z: (z.real, z.imag), lambda pair: complex(*pair))
    assert round_trip([1 + 2j], {"@complex": plain, **KINDS}) == [1 + 2j]


@pytest.mark.parametrize(
    "encoded",
    [
        {"@object": ["os.system", "true"]},
        {"@tuple": 3},
        {"@tuple": [1], "@set": [2]},
        {"@tuple": [1], "more": [2]},
        {"@array": "absent"},
        {"@array": ["numbers"]},
        {"@same": 0},
        {"@type": "eval"},
        {"@dtype": "f8,f8"},
        {"@float": "one"},
        {"@scalar": ["float32", "__import__('os')"]},
        {"@scalar": ["object", 1.0]},
        {"@scalar": ["float32", 1e300]},
        {"@strings": {"@array": "numbers"}},
        {"@strings": {"@array": "beyond"}},
        {"@objects": [[1000000000], []]},
        {"@dict": [[[1]], [2]]},
        {"@dict": [[1, 2], [3]]},
        {"@device": "nowhere"},
        {"@random_state": {"bit_generator": "MT19937"}},
        {"@dtype": "<U250000000"},
        [{"@array": "one"}, {"@array": "one"}, {"@array": "one"}],
        {"@scaled": 3},
        {"@scaled": [1, 2]},
        {"@scaled": [{"@array": "numbers"}, {"@array": "one"}]},
        {"@scaled": [{"@array": "codes"}, {"@array": "one"}]},
        {"@scaled": [{"@array": "codes"}, {"@array": "absent"}]},
        {"@scaled": [{"@array": "codes"}]},
        {"@narrow": "float64"},
        {"@narrow": ["float64", 3]},
        {"@narrow": ["float16", {"@array": "numbers"}]},
        {"@narrow": ["float128", {"@array": "numbers"}]},
        {"@narrow": [None, {"@array": "numbers"}]},
        {"@narrow": [["a", "<f8", [10**9]], {"@array": "numbers"}]},
        {"@narrow": ["(1000000,)f8", {"@array": "numbers"}]},
        {"@set": [i * (2**61 - 1) for i in range(100)]},
        {"@dict": [[i * (2**61 - 1) for i in range(100)], [0] * 100]},
    ],
    ids=str,
)
def test_invalid_encoded_json_raises(encoded):
    arrays = {
        "numbers": np.zeros(2, np.float32),
        "one": np.zeros(1),
        "codes": np.zeros((3, 20), np.int8),
        "beyond": np.full((1, 1), 0x110000, np.uint32),
    }
    refusals = (
        *(ArithmeticError, AttributeError, LookupError),
        *(RuntimeError, TypeError, ValueError),
    )
    with pytest.raises(refusals):
        Decoder(arrays, KINDS).decode(encoded)
