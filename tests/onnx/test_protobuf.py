import io

import numpy as np
import pytest

from sklearn_bilstm.onnx import OnnxModel, export_onnx
from sklearn_bilstm.onnx._protobuf import check_contents, metadata_of
from tests.helpers import small_regressor, small_tagger

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
make, DOUBLE, INT64 = onnx.helper, onnx.TensorProto.DOUBLE, onnx.TensorProto.INT64


@pytest.fixture(scope="module")
def exported(ids):
    """Bytes of a regressor."""
    file = io.BytesIO()
    export_onnx(small_regressor(max_epochs=1).fit(ids, ids[:, 0]), file)
    return file.getvalue()


@pytest.fixture
def forged(exported):
    """The model of ONNX, whose output adds `secret` to the prediction."""
    model = onnx.load_from_string(exported)
    last = model.graph.node[-1]
    assert last.output == ["y"]
    last.op_type = "Add"
    last.input.append("secret")
    return model


@pytest.fixture
def secret(tmp_path, monkeypatch):
    """Tensor in a file of the working folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret").write_bytes(np.full(1, 1e6).tobytes())
    tensor = onnx.TensorProto(name="secret", data_type=DOUBLE, dims=[1])
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="secret")
    return tensor


def constant(**values):
    """Return a node with a value as an attribute."""
    return make.make_node("Constant", [], ["secret"], **values)


def sparse(secret):
    """Return a sparse tensor of one value."""
    indices = onnx.numpy_helper.from_array(np.zeros(1, np.int64))
    return onnx.SparseTensorProto(values=secret, indices=indices, dims=[1])


def in_initializer(model, secret):
    model.graph.initializer.append(secret)


def in_sparse_initializer(model, secret):
    model.graph.sparse_initializer.append(sparse(secret))


def in_attribute(model, secret):
    model.graph.node.insert(0, constant(value=secret))


def in_sparse_attribute(model, secret):
    model.graph.node.insert(0, constant(sparse_value=sparse(secret)))


def in_subgraph(model, secret):
    """Put it into both branches of a condition."""
    output = make.make_tensor_value_info("secret", DOUBLE, [1])
    branch = make.make_graph([constant(value=secret)], "branch", [], [output])
    branches = {"then_branch": branch, "else_branch": branch}
    model.graph.initializer.append(
        onnx.numpy_helper.from_array(np.array(True), "condition")
    )
    model.graph.node.insert(
        0, make.make_node("If", ["condition"], ["secret"], **branches)
    )


def in_function(model, secret):
    opset = make.make_opsetid("", 18)
    model.functions.append(
        make.make_function(
            *("other", "Get", [], ["secret"]), [constant(value=secret)], [opset]
        )
    )
    model.opset_import.append(make.make_opsetid("other", 1))
    model.graph.node.insert(0, make.make_node("Get", [], ["secret"], domain="other"))


@pytest.mark.parametrize(
    "stored",
    [
        *(in_initializer, in_sparse_initializer, in_attribute, in_sparse_attribute),
        *(in_subgraph, in_function),
    ],
)
def test_no_other_file_is_read(stored, forged, secret):
    stored(forged, secret)
    with pytest.raises(ValueError, match="BytesIO must be .* not one of an exported"):
        OnnxModel(io.BytesIO(forged.SerializeToString()))


def test_loops_are_refused(forged):
    forged.graph.node[-1].op_type = "Loop"
    with pytest.raises(ValueError, match="operator 'Loop' is not one of an exported"):
        check_contents(forged.SerializeToString())


def test_operators_of_other_libraries_are_refused(forged):
    forged.graph.node[-1].domain = "com.microsoft"
    with pytest.raises(ValueError, match="field 7 of its NodeProto is not one of"):
        check_contents(forged.SerializeToString())


def test_a_later_version_with_other_operators_asks_for_an_update(forged):
    forged.graph.node[-1].op_type = "Loop"
    (entry,) = forged.metadata_props
    entry.value = entry.value.replace('"format": 1', '"format": 9', 1)
    with pytest.raises(ValueError, match="in format 9, .* update sklearn-bilstm"):
        OnnxModel(io.BytesIO(forged.SerializeToString()))


def test_metadata_equal_those_that_onnx_reads(exported, forged):
    forged.metadata_props.add(key="empty")
    forged.metadata_props.add(key="größe", value="1 m²")
    for model in (exported, forged.SerializeToString()):
        read = onnx.load_from_string(model).metadata_props
        assert metadata_of(model) == {entry.key: entry.value for entry in read}


def test_missing_inputs_are_refused(forged):
    forged.graph.node[-1].input[0] = ""
    with pytest.raises(ValueError, match="an operator lacks an input"):
        check_contents(forged.SerializeToString())


def test_a_file_is_never_read_as_the_format_of_onnxruntime(exported, ids):
    mark = b"\x1a\x06..ORTM"  # a producer version, with the mark at byte 4
    model, marked = (OnnxModel(io.BytesIO(m)) for m in (exported, mark + exported))
    assert np.array_equal(marked.predict(ids), model.predict(ids))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x08", "incomplete"),  # the number of field 1 is missing
        (b"\x12\x05four", "incomplete"),
        (b"\x08" + b"\x80" * 10 + b"\x01", "not a protocol buffer"),
        (b"\x0b\x0c", "not a protocol buffer"),  # a group
        (b"\x3d0000", "field 7 of its ModelProto has no length"),
        (b"\xa2\x01\x00", "field 20 of its ModelProto is not one"),
        (b"\x00\x00", "field 0 of its ModelProto is not one"),
    ],
)
def test_other_encodings_are_refused(data, message):
    with pytest.raises(ValueError, match=message):
        check_contents(data)


def test_all_ways_to_encode_a_number_are_read():
    check_contents(b"")
    check_contents(b"\x88\x80\x00\x80\x01")  # field 1, in three bytes, with 128
    check_contents(b"\x09" + bytes(8) + b"\x0d" + bytes(4) + b"\x12\x81\x00x")


def test_a_model_that_is_cut_off_is_refused_anywhere(exported):
    end_of_graph = len(exported) - 2000  # the metadata follow
    for size in range(1, end_of_graph, 997):
        with pytest.raises(ValueError, match="model written by sklearn_bilstm"):
            OnnxModel(io.BytesIO(exported[:size]))


@pytest.fixture(scope="module")
def exported_tagger(sentences):
    """Bytes of a tagger, whose graph has several Scan operators."""
    file = io.BytesIO()
    export_onnx(small_tagger(max_epochs=1).fit(*sentences), file)
    return file.getvalue()


@pytest.fixture
def forged_tagger(exported_tagger):
    """The model of ONNX, which a test forges."""
    return onnx.load_from_string(exported_tagger)


def scan_of(model):
    return next(node for node in model.graph.node if node.op_type == "Scan")


def attribute_of(node, name):
    return next(entry for entry in node.attribute if entry.name == name)


def body_of(model):
    return attribute_of(scan_of(model), "body").g


def assert_refused(model, message):
    with pytest.raises(ValueError, match=message):
        check_contents(model.SerializeToString())


def test_the_bodies_of_a_tagger_are_accepted(forged_tagger):
    check_contents(forged_tagger.SerializeToString())
    assert body_of(forged_tagger).node


@pytest.mark.parametrize("kind", ["If", "Loop", "Scan", "Expand", "Range", "Unknown"])
def test_other_operators_in_a_body_are_refused(forged_tagger, kind):
    body_of(forged_tagger).node[0].op_type = kind
    assert_refused(forged_tagger, f"operator '{kind}' is not one of an exported model")


def test_subgraphs_in_a_body_are_refused(forged_tagger):
    body = body_of(forged_tagger)
    body.node[0].attribute.append(
        make.make_attribute("body", make.make_graph([], "nested", [], []))
    )
    assert_refused(forged_tagger, "field 6 of its AttributeProto is not one")


def test_subgraphs_of_other_operators_are_refused(forged_tagger):
    nodes = forged_tagger.graph.node
    other = next(node for node in nodes if node.op_type == "Transpose")
    other.attribute.append(attribute_of(scan_of(forged_tagger), "body"))
    assert_refused(forged_tagger, "field 6 of its AttributeProto is not one")


def test_files_that_a_body_refers_to_are_refused(forged_tagger, secret):
    body_of(forged_tagger).initializer.append(secret)
    assert_refused(forged_tagger, "field 13 of its TensorProto is not one")


def test_missing_inputs_in_a_body_are_refused(forged_tagger):
    body_of(forged_tagger).node[0].input[0] = ""
    assert_refused(forged_tagger, "an operator lacks an input")


def with_long_sequence(model, name):
    """Let a Scan read a sequence of many empty steps instead of the input."""
    shape = onnx.numpy_helper.from_array(np.array([2**40, 0]), "many")
    empty = onnx.TensorProto(name="empty", data_type=INT64, dims=[1, 0])
    model.graph.initializer.extend([shape, empty])
    model.graph.node.insert(0, make.make_node("Expand", ["empty", "many"], [name]))
    scan_of(model).input[-1] = name


def test_repetitions_that_no_input_limits_are_refused(forged_tagger):
    with_long_sequence(forged_tagger, "long")
    assert_refused(forged_tagger, "the last sequence of a Scan is not an input")


def test_a_constant_as_the_default_of_an_input_does_not_limit_repetitions(
    forged_tagger,
):
    scan_of(forged_tagger).input[-1] = "long"
    long = onnx.TensorProto(name="long", data_type=INT64, dims=[2**40, 0])
    forged_tagger.graph.initializer.append(long)
    value = make.make_tensor_value_info("long", INT64, [None, 0])
    forged_tagger.graph.input.append(value)
    assert_refused(forged_tagger, "the last sequence of a Scan is not an input")


@pytest.mark.parametrize("number", [0, -1, 99])
def test_a_scan_without_sequences_is_refused(forged_tagger, number):
    attribute_of(scan_of(forged_tagger), "num_scan_inputs").i = number
    assert_refused(forged_tagger, "the last sequence of a Scan is not an input")


def test_a_scan_with_two_numbers_of_sequences_is_refused(forged_tagger):
    scan_of(forged_tagger).attribute.append(make.make_attribute("num_scan_inputs", 0))
    assert_refused(forged_tagger, "the last sequence of a Scan is not an input")


def with_length(number, data):
    """Return a field with its number and length."""
    key, size, n = bytes([number << 3 | 2]), b"", len(data)
    while n > 127:
        size, n = size + bytes([n & 127 | 128]), n >> 7
    return key + size + bytes([n]) + data


def test_a_number_of_sequences_of_another_encoding_does_not_count(forged_tagger):
    entry = onnx.AttributeProto(name="num_scan_inputs").SerializeToString()
    as_text = with_length(3, b"\x01")
    scan = make.make_node("Scan", ["ids"], ["out"]).SerializeToString()
    scan += with_length(5, entry + as_text)
    graph = forged_tagger.graph.SerializeToString() + with_length(1, scan)
    with pytest.raises(ValueError, match="the last sequence of a Scan"):
        check_contents(with_length(7, graph))


def test_a_name_of_an_input_of_another_encoding_does_not_count(forged_tagger):
    scan_of(forged_tagger).input[-1] = "q"
    as_number = b"\x08q"
    value = make.make_tensor_value_info("x", INT64, None).SerializeToString()
    graph = forged_tagger.graph.SerializeToString()
    graph += with_length(11, value + as_number)
    with pytest.raises(ValueError, match="the last sequence of a Scan"):
        check_contents(with_length(7, graph))


def test_several_graphs_are_refused(exported_tagger):
    with pytest.raises(ValueError, match="it has several graphs"):
        check_contents(exported_tagger + with_length(7, b""))
