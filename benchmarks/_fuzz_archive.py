"""Mutants of the files that `save` writes, with correct checksums."""

from copy import deepcopy
from inspect import signature
from io import BytesIO

import numpy as np

import sklearn_bilstm.persistence._objects as objects
from sklearn_bilstm.utils._archive import read_archive, write_archive

VALUES = [
    *(None, True, False, -1, 0, 1, 2, 7, 2**31, 2**63, -(2**63), 0.5, 1e308, -1.5),
    *("", "a", "auto", "float32", "sum", "@array", "<script>alert(1)</script>"),
    *([], [1], ["a", "b"], [[]], {}, {"a": 1}),
    *({"@float": "nan"}, {"@float": "inf"}, {"@tuple": [1, 2]}, {"@tuple": []}),
    *({"@type": "float"}, {"@dtype": "object"}, {"@dtype": "<U9"}, {"@same": 0}),
    *({"@strings": []}, {"@objects": [[2], [1, "a"]]}, {"@set": [1, 2]}),
    *({"@random_state": {}}, {"@slice": [0, None, 0]}, {"@scalar": ["int64", 3]}),
]
# Values of parameters are small, as a user could ask for a large network too.
SMALL_VALUES = [v for v in VALUES if not isinstance(v, int | float) or abs(v or 0) < 9]
NAMES = ["_doc_link_template", "__doc_link_template", "_parameter_constraints", "_x"]
NUMBERS = np.array([np.nan, np.inf, -1, 1e30, 2**31 - 1, 0])
DTYPES = ["bool", "int8", "int32", "int64", "uint8", "float16", "float32", "float64"]


def archive_mutants(data, model, random, n_mutants, mark):
    """Yield descriptions and bytes of mutants of a file.

    Parameters
    ----------
    data : bytes
        Output of `save`.
    model : estimator
        The saved model.
    random : RandomState
    n_mutants : int
    mark : str
        Text that is put in the place of other strings, to find it in HTML.
    """
    content, arrays = read_archive(BytesIO(data), kind="model")
    ways = [change_json] * 10 + [change_array] * 4 + [add_name] * 2 + [change_bytes]
    for _ in range(n_mutants):
        way = ways[random.randint(len(ways))]
        if way is change_bytes:
            yield change_bytes(data, random)
            continue
        forged, kept = deepcopy(content), dict(arrays)
        change = way(forged, kept, random)
        buffer = BytesIO()
        try:
            write_archive(buffer, kind="model", content=forged, arrays=kept)
        except (ValueError, OverflowError):  # JSON or safetensors refuse the value
            continue
        yield change, buffer.getvalue()


def places(value, found=None, path="model"):
    """Return all containers with their keys and paths."""
    found = [] if found is None else found
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value[:40]))
    else:
        return found
    for key, inner in items:
        found.append((value, key, f"{path}.{key}"))
        places(inner, found, f"{path}.{key}")
    return found


def change_json(content, arrays, random):
    """Replace, delete, exchange or rename a value of the JSON."""
    found = places(content["model"])
    container, key, path = found[random.randint(len(found))]
    action = random.choice(["replace"] * 3 + ["delete", "swap", "rename"])
    if action == "replace":
        values = SMALL_VALUES if ".@object.1." in path else VALUES
        old, new = container[key], deepcopy(values[random.randint(len(values))])
        container[key] = new
        return f"{path}: {old!r:.40} -> {new!r:.40}"
    if action == "delete":
        del container[key]
    elif action == "swap":
        other, key2, path2 = found[random.randint(len(found))]
        value = deepcopy(other[key2])
        container[key] = value
        return f"{path} = {path2}"
    elif isinstance(container, dict):
        names = [name for c, name, _ in found if isinstance(c, dict)]
        name = names[random.randint(len(names))]
        container[name] = container.pop(key)
        return f"{path} renamed to {name}"
    return f"{path}: {action}"


def change_array(content, arrays, random):
    """Change the type, shape or values of an array."""
    names = sorted(arrays)
    name = names[random.randint(len(names))]
    array = arrays[name].copy()
    action = random.choice(["dtype", "shape", "values", "drop", "cut", "swap", "all"])
    with np.errstate(all="ignore"):
        if action == "dtype":
            array = array.astype(DTYPES[random.randint(len(DTYPES))])
        elif action == "shape":
            array = array.reshape([(-1,), (1, -1), (-1, 1)][random.randint(3)])
        elif action == "values" and array.size:
            value = NUMBERS[random.randint(len(NUMBERS))]
            array.flat[random.randint(array.size)] = value.astype(array.dtype)
        elif action == "all":
            value = NUMBERS[random.randint(len(NUMBERS))]
            array[...] = value.astype(array.dtype)
        elif action == "cut":
            array = array[: random.randint(len(array) + 1)] if array.ndim else array
        elif action == "swap":
            array = arrays[names[random.randint(len(names))]]
    arrays[name] = array
    if action == "drop":
        del arrays[name]
    return f"array {name}: {action}"


def add_name(content, arrays, random):
    """Add an attribute to an object."""
    found = [
        container["@object"]
        for container, key, _ in [({"a": content["model"]}, "a", ""), *places(content)]
        if isinstance(container.get(key) if isinstance(container, dict) else None, dict)
        for container in [container[key]]
        if "@object" in container
    ]
    name, attributes = found[random.randint(len(found))]
    known = objects._class_of(name)
    names = [*NAMES, *dir(known), *signature(known).parameters, "a_", "classes_"]
    added = names[random.randint(len(names))]
    value = deepcopy(VALUES[random.randint(len(VALUES))])
    if added in NAMES[:2]:
        value = "<script>alert(1)</script>"
    if isinstance(attributes, dict):
        attributes[added] = value
    return f"{name}.{added} = {value!r:.40}"


def change_bytes(data, random):
    """Flip, cut or insert bytes of the archive."""
    action = random.choice(["flip", "cut", "insert", "directory"])
    place = random.randint(len(data))
    if action == "directory":
        place = len(data) - 1 - random.randint(250)
    if action == "cut":
        return f"cut at {place}", data[:place]
    if action == "insert":
        return f"insert at {place}", data[:place] + random.bytes(9) + data[place:]
    flipped = bytearray(data)
    flipped[place] ^= 1 << random.randint(8)
    return f"flip at {place}", bytes(flipped)
