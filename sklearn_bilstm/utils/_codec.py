"""Conversion of Python, NumPy and torch values to JSON and arrays, without pickle.

Values that JSON does not support are written as an object with a single key that begins
with "@" and names a kind, as in `{"@tuple": [1, 2]}`. Arrays are stored separately, and
the JSON refers to them by name. The kinds are a fixed table, so that a file cannot
create any other objects.
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from functools import partial
from pathlib import Path, PurePath
from typing import Any, NamedTuple, NoReturn

import numpy as np
import torch
from scipy import sparse

from sklearn_bilstm.utils._rounding import narrowed, scaled, unscaled, widened

__all__ = ["KINDS", "Decoder", "Encoder", "Kind", "UnknownKindError"]

_ARRAY, _SAME = "@array", "@same"
# Arrays that are stored in fewer bits.
_NARROW, _SCALED = "@narrow", "@scaled"

# Values that JSON supports. Infinity and NaN are not valid JSON.
_PLAIN = {bool, int, str, type(None)}

_NUMBERS = {
    name: np.dtype(name)
    for name in (
        *("bool", "int8", "int16", "int32", "int64"),
        *("uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64"),
    )
}
_PRECISIONS = {"bfloat16": torch.bfloat16, "float32": torch.float32}
_TYPES = {
    **{kind.__name__: kind for kind in (bool, float, int, object, str)},
    **{f"numpy.{name}": dtype.type for name, dtype in _NUMBERS.items()},
}
_STRINGS = re.compile(r"[<>]U\d{1,5}")
_LARGEST_CODE_POINT = 0x10FFFF
_STATE_SIZE = 624  # of a Mersenne Twister
# Maximum number of keys with equal hashes, which are compared pairwise. Hashes of
# numbers are known to a forger, those of strings differ between processes.
_MAX_EQUAL_HASHES = 16


class Kind(NamedTuple):
    """Conversion of a kind of value that JSON does not support.

    Parameters
    ----------
    matches : callable
        Whether a value is of this kind.
    simplify : callable
        Converts such a value to a simpler one, which is encoded recursively.
    restore : callable
        Converts the simpler value back.
    is_shared : callable, optional
        Whether several references to a value are restored as references to one object.
    """

    matches: Callable[[Any], bool]
    simplify: Callable[[Any], Any]
    restore: Callable[[Any], Any]
    is_shared: Callable[[Any], bool] = lambda value: False


class UnknownKindError(TypeError):
    """Error for a value that cannot be written.

    Parameters
    ----------
    path : str
        Path of the value.
    value : object
    """

    def __init__(self, path: str, value: Any) -> None:
        super().__init__(f"{path} contains an object of type {type(value).__name__}.")
        self.path = path
        self.value = value


class Encoder:
    """Convert values to JSON and arrays.

    Parameters
    ----------
    kinds : mapping of str to Kind
        Kinds by mark. The first matching kind is used.
    is_compact : bool, default=False
        Whether arrays are stored in as few bits as hold their numbers exactly.

    Attributes
    ----------
    arrays : dict of str to ndarray
        Arrays by the path of their first occurrence. Every third occurrence is stored
        again, so that the size of a file bounds the memory of what is restored from it.
    """

    def __init__(self, kinds: Mapping[str, Kind], *, is_compact: bool = False) -> None:
        self.arrays: dict[str, np.ndarray] = {}
        self._kinds = kinds
        self._is_compact = is_compact
        self._compact: dict[int, Any] = {}  # marks and parts of arrays
        self._names: dict[int, str] = {}  # of arrays that occurred once
        self._numbers: dict[int, int] = {}
        self._kept: list[Any] = []  # keeps values alive, since ids can be reused

    def encode(self, value: Any, path: str) -> Any:
        """Return the JSON of the value at a path.

        Raises
        ------
        UnknownKindError
            If the value, or one within it, is of an unsupported kind.
        """
        kind = type(value)
        if kind in _PLAIN or (kind is float and math.isfinite(value)):
            return value
        if kind is list:
            return self._encode_items(value, path)
        if kind is dict and not any(map(_is_no_plain_key, value)):
            if _all_plain(value.values()):
                return value
            return {k: self.encode(v, f"{path}.{k}") for k, v in value.items()}
        if _is_array(value):
            return self._encode_array(value, path)
        for mark, supported in self._kinds.items():
            if supported.matches(value):
                return self._encode_kind(mark, supported, value, path)
        raise UnknownKindError(path, value)

    def _encode_items(self, values: list, path: str) -> list:
        if _all_plain(values):
            return values
        # for pairs of a name and a value, as in a pipeline, the path contains the name
        names = [str(i) for i in range(len(values))]
        if len(values) > 1 and type(values[0]) is str:
            names[1] = values[0]
        return [
            self.encode(value, f"{path}.{name}")
            for value, name in zip(values, names, strict=True)
        ]

    def _encode_kind(self, mark: str, kind: Kind, value: Any, path: str) -> dict:
        if id(value) in self._numbers:
            return {_SAME: self._numbers[id(value)]}
        encoded = {mark: self.encode(kind.simplify(value), path)}
        if kind.is_shared(value):
            self._numbers[id(value)] = len(self._numbers)
            self._kept.append(value)
        return encoded

    def _encode_array(self, array: np.ndarray, path: str) -> dict:
        if not self._is_compact:
            return {_ARRAY: self._add_array(array, path)}
        if id(array) not in self._compact:
            self._compact[id(array)] = _compact_parts(array)
            self._kept.append(array)
        mark, parts = self._compact[id(array)]
        encoded = [
            {_ARRAY: self._add_array(part, f"{path}.{i}")}
            if isinstance(part, np.ndarray)
            else part
            for i, part in enumerate(parts)
        ]
        return encoded[0] if mark == _ARRAY else {mark: encoded}

    def _add_array(self, array: np.ndarray, path: str) -> str:
        if id(array) in self._names:
            return self._names.pop(id(array))
        while path in self.arrays:  # keys with dots look like paths
            path += "'"
        native = array.dtype.newbyteorder("=")
        self.arrays[path] = np.asarray(array, native, order="C")
        self._names[id(array)] = path
        self._kept.append(array)
        return path


class Decoder:
    """Convert JSON and arrays to values.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        Arrays by name.
    kinds : mapping of str to Kind
        Kinds by mark, as for encoding.
    """

    def __init__(
        self, arrays: Mapping[str, np.ndarray], kinds: Mapping[str, Kind]
    ) -> None:
        self._arrays = arrays
        self._kinds = kinds
        self._n_uses: Counter[str] = Counter()
        self._shared: list[Any] = []

    def decode(self, value: Any) -> Any:
        """Return the value that JSON represents.

        JSON that was not written by :class:`Encoder` can raise any error of the
        functions in `kinds`.
        """
        if type(value) is list:
            return value if _all_plain(value) else list(map(self.decode, value))
        if type(value) is not dict:
            return value
        if any(map(_is_no_plain_key, value)):
            ((mark, simpler),) = value.items()
            return self._decode_kind(mark, simpler)
        if _all_plain(value.values()):
            return value
        return {k: self.decode(v) for k, v in value.items()}

    def _decode_kind(self, mark: str, simpler: Any) -> Any:
        if mark == _ARRAY:
            return self._array(simpler)
        if mark == _SAME:
            return self._shared[simpler]
        kind = self._kinds[mark]
        value = kind.restore(self.decode(simpler))
        if kind.is_shared(value):
            self._shared.append(value)
        return value

    def _array(self, name: str) -> np.ndarray:
        self._n_uses[name] += 1
        if self._n_uses[name] > 2:  # whatever is restored can copy it
            raise ValueError(f"The array {name!r:.80} is named more than twice.")
        return self._arrays[name]


def _compact_parts(array: np.ndarray) -> tuple[str, list]:
    """Return a mark and the parts from which an array is restored."""
    parts = scaled(array)
    if parts is not None:
        return _SCALED, list(parts)
    narrow = narrowed(array)
    if narrow.dtype != array.dtype:
        return _NARROW, [array.dtype.name, narrow]
    return _ARRAY, [array]


def _all_plain(values: Collection) -> bool:
    return _PLAIN.issuperset(map(type, values))


def _is_no_plain_key(key: Any) -> bool:
    return type(key) is not str or key.startswith("@")


def _is_array(value: Any) -> bool:
    """Return whether a value is a numeric array that safetensors supports."""
    if type(value) not in (np.ndarray, np.memmap):
        return False
    return value.dtype.newbyteorder("=") in _NUMBERS.values()


def _is(*kinds: type) -> Callable[[Any], bool]:
    return lambda value: type(value) in kinds


def _is_value_of(table: Mapping[str, Any]) -> Callable[[Any], bool]:
    return lambda value: any(value is item for item in table.values())


def _name_in(table: Mapping[str, Any], value: Any) -> str:
    return next(name for name, item in table.items() if item is value)


def _named(table: Mapping[str, Any]) -> Kind:
    """Return the kind of the values of a table, which are stored by name."""
    return Kind(_is_value_of(table), partial(_name_in, table), table.__getitem__)


def _keys_and_values(value: dict) -> list:
    return [list(value), list(value.values())]


def _restored_dict(pair: list) -> dict:
    keys, values = pair
    return dict(zip(_checked_keys(keys), values, strict=True))


def _set(items: list) -> set:
    return set(_checked_keys(items))


def _frozenset(items: list) -> frozenset:
    return frozenset(_checked_keys(items))


def _checked_keys(keys: Iterable[Hashable]) -> Iterable[Hashable]:
    """Raise an error for keys that would make a table of hashes slow."""
    hashes = Counter(map(hash, keys))
    if max(hashes.values(), default=0) > _MAX_EQUAL_HASHES:
        raise ValueError("Too many keys have the same hash.")
    return keys


def _is_scalar(value: Any) -> bool:
    return isinstance(value, np.generic) and value.dtype in _NUMBERS.values()


def _name_and_number(value: np.generic) -> list:
    return [value.dtype.name, value.item()]


def _scalar(pair: list) -> np.generic:
    name, value = pair
    if type(value) not in (bool, float, int):
        raise TypeError(f"{value!r:.80} is not a number.")
    with np.errstate(over="raise"):
        return _NUMBERS[name].type(value)


def _is_array_of(kind: str) -> Callable[[Any], bool]:
    return lambda value: type(value) is np.ndarray and value.dtype.kind == kind


def _code_points(strings: np.ndarray) -> np.ndarray:
    native = np.asarray(strings, strings.dtype.newbyteorder("="), order="C")
    return native.reshape(*strings.shape, 1).view(np.uint32)


def _strings(codes: np.ndarray) -> np.ndarray:
    if codes.dtype != np.uint32 or (codes > _LARGEST_CODE_POINT).any():
        raise ValueError("Strings contain invalid code points.")
    return codes.view(f"U{codes.shape[-1]}")[..., 0]


def _shape_and_items(objects: np.ndarray) -> list:
    return [list(objects.shape), list(objects.ravel())]


def _objects(pair: list) -> np.ndarray:
    shape, items = pair
    objects = np.empty(len(items), object)
    for i, item in enumerate(items):  # assigning a list of lists would create rows
        objects[i] = item
    return objects.reshape(shape)


def _is_dtype(value: Any) -> bool:
    if not isinstance(value, np.dtype):
        return False
    return value in _NUMBERS.values() or value.kind in "OU"


def _name_of_dtype(dtype: np.dtype) -> str:
    return dtype.str if dtype.kind == "U" else dtype.name


def _dtype(name: str) -> np.dtype:
    if name == "object" or _STRINGS.fullmatch(name):
        return np.dtype(name)
    return _NUMBERS[name]


def _state(random_state: np.random.RandomState) -> dict:
    return dict(random_state.get_state(legacy=False))


def _random_state(state: dict) -> np.random.RandomState:
    position = state["state"]["pos"]
    if type(position) is not int or not 0 <= position <= _STATE_SIZE:
        # numpy would read outside of the state
        raise ValueError(f"The position of a random state is {position!r:.80}.")
    random_state = np.random.RandomState()
    random_state.set_state(state)
    return random_state


def _numbers(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy()


def _parts_of_csr(array: sparse.csr_array) -> list:
    return [list(array.shape), array.data, array.indices, array.indptr]


def _csr(parts: list) -> sparse.csr_array:
    shape, data, indices, indptr = parts
    array = sparse.csr_array((data, indices, indptr), shape)
    array.check_format(full_check=True)  # invalid indices would access other memory
    return array


def _never(value: Any) -> bool:
    """Return False: the encoder handles arrays itself."""
    return False


def _unsupported(value: Any) -> NoReturn:
    raise TypeError(f"{value!r:.80} is not encoded as a kind.")


def _is_path(value: Any) -> bool:
    return isinstance(value, PurePath)


KINDS: dict[str, Kind] = {
    "@csr": Kind(_is(sparse.csr_array), _parts_of_csr, _csr),
    "@device": Kind(_is(torch.device), str, torch.device),
    "@dict": Kind(_is(dict), _keys_and_values, _restored_dict),
    "@dtype": Kind(_is_dtype, _name_of_dtype, _dtype),
    "@float": Kind(_is(float), repr, float),
    "@frozenset": Kind(_is(frozenset), list, _frozenset),
    "@objects": Kind(_is_array_of("O"), _shape_and_items, _objects),
    _NARROW: Kind(_never, _unsupported, lambda pair: widened(pair[1], pair[0])),
    "@path": Kind(_is_path, str, Path),
    "@precision": _named(_PRECISIONS),
    "@random_state": Kind(
        _is(np.random.RandomState), _state, _random_state, lambda value: True
    ),
    "@scalar": Kind(_is_scalar, _name_and_number, _scalar),
    _SCALED: Kind(_never, _unsupported, lambda pair: unscaled(*pair)),
    "@set": Kind(_is(set), list, _set),
    "@slice": Kind(
        _is(slice), lambda s: [s.start, s.stop, s.step], lambda s: slice(*s)
    ),
    "@string": Kind(_is(np.str_), str, np.str_),
    "@strings": Kind(_is_array_of("U"), _code_points, _strings),
    "@tensor": Kind(_is(torch.Tensor), _numbers, torch.from_numpy),
    "@tuple": Kind(_is(tuple), list, tuple),
    "@type": _named(_TYPES),
}
