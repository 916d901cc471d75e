import itertools

import numpy as np
import pytest

from sklearn_bilstm.utils._rounding import (
    narrowed,
    rounded,
    rounded_to_half,
    scaled,
    unscaled,
    widened,
)

SHAPES = (300,), (40, 2), (40, 16), (5, 64), (2, 7, 33), (3, 40, 3), (1, 1), (0, 4), ()
FLOATS = np.float16, np.float32, np.float64


def numbers_of(shape, dtype, seed=0):
    """Return numbers of very different sizes, a row and a column of zeros."""
    random = np.random.RandomState(seed)
    numbers = random.standard_normal(shape) * 10.0 ** random.randint(-3, 3, shape)
    numbers = np.asarray(numbers)
    if numbers.ndim > 1 and numbers.size > 1:
        numbers[..., 0, :] = 0
        numbers[..., 1] = 0
    return numbers.astype(dtype)


def groups_of(array):
    """Return the rows of long rows, else the columns, else the whole array."""
    matrix = array.reshape(-1, array.shape[-1] if array.ndim > 1 else 1)
    return list(matrix) if matrix.shape[1] >= 16 else list(matrix.T)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", FLOATS)
def test_rounding_errors_are_at_most_half_a_scale(shape, dtype):
    numbers = numbers_of(shape, dtype)
    found = rounded(numbers)
    assert found.shape == numbers.shape
    assert found.dtype == np.promote_types(dtype, np.float32)
    for before, after in zip(groups_of(numbers), groups_of(found), strict=True):
        scale = np.abs(before.astype(float)).max(initial=0) / 127 * (1 + 2.0**-15)
        errors = np.abs(after.astype(float) - before)
        assert errors.max(initial=0) <= scale / 2 * (1 + 1e-6)


@pytest.mark.parametrize("dtype", FLOATS)
def test_rounded_numbers_are_few_exact_multiples(dtype):
    found = rounded(numbers_of((30, 50), dtype))
    for row in found.astype(float):
        scale = np.abs(row).max() / 127
        codes = row / (scale or 1)
        assert np.array_equal(codes, codes.round())  # float64 divides them exactly
    assert np.array_equal(rounded(found), found)


def test_rounding_does_not_change_its_argument():
    numbers = numbers_of((30, 50), np.float32)
    before = numbers.copy()
    for function in (rounded, rounded_to_half, scaled, narrowed):
        function(numbers)
    assert np.array_equal(numbers, before)


def test_zeros_stay_positive_zeros():
    found = rounded(np.array([[-1e-9] * 99 + [5.0], [0.0] * 100], np.float32))
    assert not found[0, :99].any()
    assert not np.signbit(found).any()
    assert not found[1].any()


def test_half_precision_keeps_the_type_and_the_largest_numbers():
    numbers = np.array([1e9, -1e9, 1 / 3, 0.0, 1e-9])
    found = rounded_to_half(numbers)
    assert found.tolist() == [65504, -65504, float(np.float16(1 / 3)), 0, 0]
    assert found.dtype == numbers.dtype


@pytest.mark.parametrize("shape", [(300,), (40, 2), (40, 16), (2, 7, 33)], ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rounded_arrays_are_stored_as_codes(shape, dtype):
    found = rounded(numbers_of(shape, dtype))
    codes, scales = scaled(found)
    assert (codes.dtype, codes.shape) == (np.int8, found.shape)
    again = unscaled(codes, scales)
    assert again.dtype == found.dtype
    assert again.tobytes() == found.tobytes()


def special(value):
    numbers = rounded(numbers_of((30, 50), np.float32))
    numbers[17, 3] = value
    return numbers


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, -0.0, 3.4028235e38, 1e-45])
def test_arrays_that_are_no_products_are_not_stored_as_codes(value):
    assert scaled(special(value)) is None


@pytest.mark.parametrize(
    "array",
    [
        np.full((4, 50), 65504, np.float16),
        np.random.RandomState(0).standard_normal((30, 50)).astype(np.float16),
        np.arange(1000).reshape(10, 100),
        np.zeros((0, 40)),
        np.zeros((40, 0)),
        np.float64(3) + np.zeros(()),
        np.zeros((9, 100), bool),
        np.zeros((9, 100), complex),
    ],
    ids=lambda array: f"{array.dtype}{array.shape}",
)
def test_whatever_is_stored_as_codes_is_restored_exactly(array):
    parts = scaled(array)
    if parts is not None:
        assert unscaled(*parts).tobytes() == array.tobytes()
        assert unscaled(*parts).dtype == array.dtype


@pytest.mark.parametrize(
    ("codes", "scales"),
    [
        (np.zeros((3, 20), np.int16), np.ones((3, 1))),
        (np.zeros((3, 20), np.int8), np.ones((3, 1), int)),
        (np.zeros((3, 20), np.int8), np.ones((3, 20))),
        (np.zeros((3, 20), np.int8), np.ones((2, 3, 1))),
        (np.zeros((3, 0), np.int8), np.ones((3, 1))),
        (np.zeros(20, np.int8), np.ones(20)),
        (np.zeros((3, 20), np.int8), np.full((3, 1), np.inf)),
    ],
)
def test_forged_codes_and_scales_raise(codes, scales):
    with pytest.raises(ValueError, match=r"int8 codes|reshape|finite"):
        unscaled(codes, scales)


BOUNDS = 0, 1, -1, 127, -128, 128, 255, 256, 2**15, -(2**15), 2**16, 2**31, 2**32
INTEGERS = [np.dtype(f"{sign}{size}") for sign in "iu" for size in (1, 2, 4, 8)]


@pytest.mark.parametrize("dtype", INTEGERS, ids=str)
def test_integers_of_every_width_are_restored_exactly(dtype):
    limits = np.iinfo(dtype)
    bounds = [b for b in (*BOUNDS, limits.min, limits.max) if limits.min <= b]
    bounds = [b for b in bounds if b <= limits.max]
    for pair in itertools.product(bounds, bounds):
        array = np.array(pair, dtype)
        narrow = narrowed(array)
        needed = [d for d in INTEGERS if all(_holds(d, b) for b in pair)]
        assert narrow.dtype.itemsize == min(d.itemsize for d in needed)
        if narrow.dtype != dtype:
            again = widened(narrow, dtype.name)
            assert (again.dtype, again.tolist()) == (dtype, array.tolist())


def _holds(dtype, number):
    return np.iinfo(dtype).min <= number <= np.iinfo(dtype).max


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("numbers", "narrow"),
    [
        ([0.5, -0.0, np.inf, -np.inf], np.float16),
        ([65504.0, 2.0**-24], np.float16),
        ([65536.0], np.float32),
        ([1 / 3], None),
        ([], np.float16),
    ],
)
def test_floats_are_narrowed_without_loss(dtype, numbers, narrow):
    array = np.array(numbers, dtype)
    found = narrowed(array)
    assert found.dtype == (dtype if narrow is None else narrow)
    if found.dtype != dtype:
        again = widened(found, np.dtype(dtype).name)
        assert again.tobytes() == array.tobytes()


def test_nan_is_narrowed_to_nan():
    found = narrowed(np.array([np.nan, 1.0]))
    assert found.dtype == np.float16
    assert np.array_equal(widened(found, "float64"), [np.nan, 1], equal_nan=True)


@pytest.mark.parametrize(
    "name", ["float16", "int8", "float128", "object", "U9", "f8", None, 3, ["a"], "V8"]
)
def test_a_forged_type_raises(name):
    with pytest.raises(ValueError, match="cannot be converted"):
        widened(np.ones(3, np.float32), name)
