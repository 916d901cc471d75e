import sys

import numpy as np
import pytest

from sklearn_bilstm.onnx._graph import Graph


@pytest.fixture
def graph():
    pytest.importorskip("onnx")
    return Graph()


def test_operators_accept_values_and_constants(graph, run):
    x = graph.input("x", np.float32, ["rows", 2])
    total = graph.op("ReduceSum", graph.op("Mul", x, np.float32(3)), [1], keepdims=0)
    found = run(graph, total, np.float32, ["rows"], x=np.eye(2, dtype=np.float32))
    assert found.tolist() == [3, 3]


def test_cast_changes_the_dtype(graph, run):
    x = graph.input("x", np.float32, [None])
    found = run(graph, graph.cast(x, np.int64), np.int64, [None], x=np.float32([1.9]))
    assert found.tolist() == [1]
    assert found.dtype == np.int64


def test_equal_nodes_and_constants_are_written_once(graph):
    x = graph.input("x", np.int64, [2])
    sums = [graph.op("Add", x, np.arange(2)) for _ in range(3)]
    assert len(set(sums)) == 1
    graph.output("y", graph.op("Mul", sums[0], np.arange(2)), np.int64, [2])
    written = graph.to_model("test", {}).graph
    assert [node.op_type for node in written.node] == ["Add", "Mul", "Identity"]
    assert len(written.initializer) == 1


def test_nodes_differ_by_attributes_and_constant_dtypes(graph):
    x = graph.input("x", np.float64, [2, 2])
    assert graph.op("Softmax", x, axis=0) != graph.op("Softmax", x, axis=1)
    assert graph.op("Add", x, np.float64(0)) != graph.op("Add", x, np.float32(0))


def test_unused_nodes_are_removed(graph):
    x = graph.input("x", np.float32, [2])
    graph.op("Add", x, np.float32([5, 6]))
    graph.output("y", graph.op("Neg", x), np.float32, [2])
    written = graph.to_model("test", {}).graph
    assert [node.op_type for node in written.node] == ["Neg", "Identity"]
    assert not written.initializer


def test_an_invalid_graph_raises(graph):
    x = graph.input("x", np.float32, [2])
    graph.output("y", graph.op("Add", x, np.float64(1)), np.float32, [2])
    with pytest.raises(Exception, match="Add"):
        graph.to_model("test", {})


def test_an_input_is_declared_once(graph, run):
    names = [graph.input("x", np.float64, ["rows"]) for _ in range(2)]
    found = run(graph, graph.op("Add", *names), np.float64, ["rows"], x=np.ones(2))
    assert found.tolist() == [2, 2]


def test_a_graph_beyond_the_protocol_buffer_limit_raises():
    large = np.broadcast_to(np.float32(0), (2**29, 1))
    with pytest.raises(ValueError, match=r"smaller than 2 GB.* 2,147,483,648 bytes"):
        Graph._check_size({"embedding": large})


def test_missing_onnx_raises_with_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r"'sklearn-bilstm\[onnx\]'"):
        Graph()


def test_a_body_of_a_scan_has_names_of_its_own(graph, run):
    x = graph.input("x", np.float64, ["steps", 2])
    body = Graph(prefix="body_")
    total, step = (
        body.input(name, np.float64, [2]) for name in ("body_total", "body_step")
    )
    body.output("body_next", body.op("Add", total, step), np.float64, [2])
    total = graph.op("Add", np.zeros(2), np.float64(1))
    last = graph.op("Scan", total, x, body=body.to_graph("sums"), num_scan_inputs=1)
    written = body.to_graph("sums")
    assert all(name.startswith("body_") for n in written.node for name in n.output)
    found = run(graph, last, np.float64, [2], x=np.arange(6.0).reshape(3, 2))
    assert found.tolist() == [7, 10]
