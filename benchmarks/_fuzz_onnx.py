"""Modified ONNX files, and what OnnxModel does with them."""

import io
import json
from copy import deepcopy

import onnx
from onnx import TensorProto, helper, numpy_helper

from sklearn_bilstm.datasets import make_reviews
from sklearn_bilstm.onnx import OnnxModel

_KEY = "sklearn_bilstm"
_VALUES = (
    *(None, True, False, -1, 0, 1, 2, 3, 2**31 - 1, 2**31, 10**30, 1e308, 0.5, "", "x"),
    *("<U9", "<U99999", "O", ">f2", "numeric", "tokens", "\ud800", "char", "english"),
    *("(a+)+$", "(", "x{1000000000}", "a" * 5000, [], {}, [[]], ["x"], {"x": {}}),
    *([None, 1], [0] * 3000, float("nan"), float("inf")),
)
_NUMBERS = -(2**63), -(2**31), -2, -1, 0, 1, 2, 3, 7, 1000, 2**20, 2**31, 2**40
_OPERATORS = (
    *("Add", "ArgMax", "BitShift", "Cast", "Clip", "Concat", "ConstantOfShape"),
    *("CumSum", "Div", "Expand", "Gather", "GRU", "Identity", "If", "LSTM", "Loop"),
    *("MatMul", "Mod", "NonZero", "Pad", "Range", "ReduceSum", "Reshape", "Scan"),
    *("ScatterElements", "Shape", "Slice", "Softmax", "Split", "Squeeze", "Tile"),
    *("TopK", "Transpose", "Unknown", "Unsqueeze", "Where", "RNN", "Einsum"),
    *("Exp", "GatherElements", "Log", "ReduceLogSumExp", "ReduceMax", "ScatterND"),
)
_NO_VALID_CHANGE = (
    *(ValueError, OverflowError, RecursionError, onnx.checker.ValidationError),
)
_EXTERNAL = {"location": "fuzz.bin", "offset": "0", "length": "8"}


def onnx_mutants(model_bytes, rng, n):
    """Yield modified files.

    Parameters
    ----------
    model_bytes : bytes
        File written by `export_onnx`.
    rng : numpy.random.Generator
    n : int
        Number of files.

    Yields
    ------
    description : str
    data : bytes
    """
    original = onnx.load_from_string(model_bytes)
    for _ in range(n):
        change = _CHANGES[rng.choice(len(_CHANGES), p=_SHARES)]
        if change is _bytes_changed:
            yield change(model_bytes, rng)
            continue
        model = onnx.ModelProto()
        model.CopyFrom(original)
        try:
            descriptions = [change(model, rng) for _ in range(rng.integers(1, 3))]
        except _NO_VALID_CHANGE as error:
            descriptions = [f"{change.__name__} failed: {error!s:.80}"]
        yield "; ".join(descriptions), model.SerializeToString()


def try_onnx(data, X):
    """Construct an OnnxModel and predict.

    Parameters
    ----------
    data : bytes
        Content of the file.
    X : object
        Input of `predict` for models without a vectorizer. Other models get texts.

    Returns
    -------
    outcome : str
        "works", "refused" for a ValueError, or the name of the type of another error.
    """
    try:
        model = OnnxModel(io.BytesIO(data), n_threads=1)
        if model.vectorizer_ is not None:
            X = [*make_reviews(12, random_state=0)[0], "", "aaaaaaaaaa!"]
        model.predict(X)
        if model.classes_ is not None:
            model.predict_proba(X)
    except ValueError:
        return "refused"
    except Exception as error:  # the question is which one
        return f"{type(error).__name__}: {error}"[:300]
    return "works"


def _pick(values, rng):
    return values[rng.integers(len(values))]


# -- metadata


def _metadata_changed(model, rng):
    """Change one thing in the JSON."""
    entry = next(entry for entry in model.metadata_props if entry.key == _KEY)
    if rng.random() < 0.15:
        start, end = sorted(rng.integers(len(entry.value), size=2).tolist())
        entry.value = entry.value[:start] + entry.value[end:]
        return f"metadata: characters {start} to {end} removed"
    content = json.loads(entry.value)
    container, path = _pick(_containers_in(content, ""), rng)
    keys = list(container) if isinstance(container, dict) else range(len(container))
    key = _pick(list(keys), rng)
    kind = _pick(["delete", "replace", "replace", "retype", "add", "nest"], rng)
    text = _with_change(content, container, key, kind, rng)
    entry.value = text.encode(errors="replace").decode()
    return f"metadata: {kind} {path}.{key!s:.30}"


def _with_change(content, container, key, kind, rng):
    """Change an item of a container, and return all of the content as JSON."""
    if kind == "delete":
        del container[key]
    elif kind == "replace":
        container[key] = deepcopy(_pick(_VALUES, rng))
    elif kind == "retype":
        retyped = _pick([str, repr, bool, lambda v: [v], lambda v: {"x": v}], rng)
        container[key] = retyped(container[key])
    elif kind == "nest":
        container[key] = "<deep>"
        depth = int(_pick([1, 50, 990, 100_000], rng))
        return json.dumps(content).replace('"<deep>"', "[" * depth + "]" * depth)
    elif isinstance(container, list):
        container.insert(key, deepcopy(_pick([container[key], *_VALUES], rng)))
    else:
        container[_pick([f"{key}x", "", "dtype", "fingerprint"], rng)] = container[key]
    return json.dumps(content)


def _containers_in(value, path):
    """Return the lists and objects of a JSON value that are not empty."""
    if not isinstance(value, list | dict) or not value:
        return []
    items = value.items() if isinstance(value, dict) else enumerate(value)
    parts = [_containers_in(part, f"{path}.{key!s:.30}") for key, part in items]
    return [(value, path), *(found for part in parts for found in part)]


# -- graph


def _any_graph(model, rng):
    """Return the graph, or the body of one of its loops."""
    bodies = [
        attribute.g
        for node in model.graph.node
        for attribute in node.attribute
        if attribute.HasField("g")
    ]
    return _pick([model.graph] * max(1, len(bodies)) + bodies, rng)


def _constant_changed(model, rng):
    graph = _any_graph(model, rng)
    constant = _pick(graph.initializer, rng)
    kind = _pick(
        [
            *("values", "values", "one value", "dims", "type", "data", "name"),
            *("delete", "external", "external flag", "sparse"),
        ],
        rng,
    )
    description = f"constant {constant.name}: {kind}"
    if kind in ("values", "one value"):
        array = numpy_helper.to_array(constant).copy()
        places = slice(None) if kind == "values" else rng.integers(max(1, array.size))
        if array.size:
            number = float(_pick(_NUMBERS, rng))
            array.flat[places] = array.dtype.type(0) + _as_type(number, array.dtype)
            description = f"{description} {number}"
        constant.CopyFrom(numpy_helper.from_array(array, constant.name))
    elif kind == "dims":
        constant.dims.insert(0, int(_pick(_NUMBERS, rng)))
    elif kind == "type":
        constant.data_type = int(rng.integers(0, 25))
    elif kind == "data":
        constant.raw_data = constant.raw_data[: rng.integers(8)]
    elif kind == "name":
        constant.name = _pick(graph.initializer, rng).name
    elif kind == "delete":
        graph.initializer.remove(constant)
    else:
        _stored_elsewhere(graph, constant, kind)
    return description


def _as_type(number, dtype):
    if dtype.kind in "iu":
        number = int(number) % 2 ** (8 * dtype.itemsize)
        signed = dtype.kind == "i" and number >= 2 ** (8 * dtype.itemsize - 1)
        return dtype.type(number - 2 ** (8 * dtype.itemsize) * signed)
    return dtype.type(number)


def _stored_elsewhere(graph, constant, kind):
    """Refer to a file, or make a constant sparse."""
    if kind == "sparse":
        sparse = graph.sparse_initializer.add()
        sparse.values.CopyFrom(constant)
        sparse.dims.extend(constant.dims)
        graph.initializer.remove(constant)
        return
    constant.data_location = TensorProto.EXTERNAL
    if kind == "external":
        constant.ClearField("raw_data")
        for key, value in _EXTERNAL.items():
            constant.external_data.add(key=key, value=value)


def _node_changed(model, rng):
    graph = _any_graph(model, rng)
    nodes = graph.node
    node = _pick(nodes, rng)
    kind = _pick(
        [
            *("operator", "operator", "delete", "domain", "input", "input"),
            *("no input", "swap", "output", "order", "loop"),
        ],
        rng,
    )
    description = f"node {node.op_type} {node.output[0]}: {kind}"
    if kind == "operator":
        node.op_type = _pick(_OPERATORS, rng)
        description = f"{description} {node.op_type}"
    elif kind == "delete":
        nodes.remove(node)
    elif kind == "domain":
        node.domain = _pick(["com.microsoft", "ai.onnx", "ai.onnx.ml", "x"], rng)
        model.opset_import.add(domain=node.domain, version=1)
    elif kind == "loop":
        _add_loop(model)
    elif kind == "order":
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        nodes.remove(node)
        nodes.insert(int(rng.integers(len(nodes))), copy)
    elif node.input:
        _rewired(graph, node, kind, rng)
    return description


def _rewired(graph, node, kind, rng):
    """Change the inputs or outputs of a node."""
    names = [value for other in graph.node for value in other.output]
    names += [constant.name for constant in graph.initializer]
    place = int(rng.integers(len(node.input)))
    if kind == "input":
        node.input[place] = _pick([*names, *_pick(graph.node, rng).input], rng)
    elif kind == "no input":
        node.input[place] = ""
    elif kind == "swap":
        node.input[place], node.input[0] = node.input[0], node.input[place]
    else:
        node.output.append(_pick(names, rng))


def _add_loop(model):
    """Add a loop that never ends and that an output depends on."""
    info = helper.make_tensor_value_info
    go_on, step = info("go_on", TensorProto.BOOL, []), info("i", TensorProto.INT64, [])
    again = helper.make_node("Identity", ["go_on"], ["again"])
    carried = [info("value", TensorProto.DOUBLE, None)]
    body = helper.make_graph(
        [again, helper.make_node("Identity", ["value"], ["next"])],
        "body",
        [step, go_on, *carried],
        [info("again", TensorProto.BOOL, []), info("next", TensorProto.DOUBLE, None)],
    )
    last = model.graph.node[-1]
    model.graph.initializer.add(name="true", data_type=9, raw_data=b"\x01")
    name, last.output[0] = last.output[0], "before_loop"
    model.graph.node.add(
        op_type="Loop",
        input=["", "true", "before_loop"],
        output=[name],
        attribute=[helper.make_attribute("body", body)],
    )


def _attribute_changed(model, rng):
    nodes = _any_graph(model, rng).node
    with_attributes = [node for node in nodes if node.attribute]
    node = _pick(with_attributes, rng)
    attribute = _pick(node.attribute, rng)
    description = f"attribute {attribute.name} of {node.op_type} {node.output[0]}"
    kind = _pick(["i", "i", "ints", "s", "type", "name", "delete", "tensor"], rng)
    number = int(_pick(_NUMBERS, rng))
    if kind == "i":
        attribute.i = number
    elif kind == "ints":
        attribute.ints.append(number)
    elif kind == "s":
        attribute.s = _pick([b"", b"\xff", b"LEFT", b"reverse", b"mul", b"add"], rng)
    elif kind == "type":
        attribute.type = int(rng.integers(0, 15))
    elif kind == "name":
        attribute.name = _pick(["axis", "to", "perm", "body", "value", "clip"], rng)
    elif kind == "delete":
        node.attribute.remove(attribute)
    else:
        attribute.type, attribute.t.data_type = onnx.AttributeProto.TENSOR, 1
        attribute.t.data_location = TensorProto.EXTERNAL
    return f"{description}: {kind} {number}"


def _interface_changed(model, rng):
    """Change the declaration of an input or output, or the versions."""
    values = _pick([model.graph.input, model.graph.output], rng)
    value = _pick(values, rng)
    tensor = value.type.tensor_type
    kind = _pick(["dim", "dims", "type", "delete", "name", "no type", "version"], rng)
    number = int(_pick(_NUMBERS, rng))
    description = f"interface {value.name}: {kind} {number}"
    if kind == "dim" and tensor.shape.dim:
        _pick(tensor.shape.dim, rng).dim_value = number
    elif kind == "dims":
        tensor.shape.dim.add(dim_value=number)
    elif kind == "type":
        tensor.elem_type = int(rng.integers(0, 25))
    elif kind == "delete":
        values.remove(value)
    elif kind == "name":
        value.name = _pick(model.graph.node, rng).output[0]
    elif kind == "no type":
        value.ClearField("type")
    else:
        model.opset_import[0].version = int(_pick([1, 6, 11, 17, 19, 99], rng))
    return description


# -- bytes


def _bytes_changed(data, rng):
    """Flip, remove, insert or cut bytes; most of them outside of the weights."""
    changed = bytearray(data)
    ends = [2000, 20_000, len(data)]
    start = int(rng.integers(min(len(data), _pick(ends, rng))))
    start = _pick([start, len(data) - 1 - start], rng)
    kind = _pick(["flip", "flip", "flip", "cut", "remove", "insert", "copy"], rng)
    size = int(rng.integers(1, 40))
    if kind == "flip":
        for place in rng.integers(start, start + size, size=rng.integers(1, 4)):
            changed[min(place, len(data) - 1)] ^= 1 << int(rng.integers(8))
    elif kind == "cut":
        del changed[start:]
    elif kind == "remove":
        del changed[start : start + size]
    elif kind == "insert":
        changed[start:start] = rng.bytes(size)
    else:
        changed[start:start] = changed[start : start + 10 * size]
    return f"bytes: {kind} at {start}, {size}", bytes(changed)


_CHANGES = [
    *(_metadata_changed, _constant_changed, _node_changed, _attribute_changed),
    *(_interface_changed, _bytes_changed),
]
_SHARES = [0.25, 0.2, 0.2, 0.1, 0.1, 0.15]
