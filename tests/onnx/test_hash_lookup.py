import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sklearn_bilstm.onnx._graph import Graph
from sklearn_bilstm.onnx._hash_lookup import hash_indices

LARGEST = 2**64 - 1
# Hashes that share their first or last bits, and those at both ends of the range.
HASHES = st.one_of(
    st.integers(0, LARGEST),
    st.integers(0, 40),
    st.integers(2**63 - 20, 2**63 + 20),
    st.integers(LARGEST - 40, LARGEST),
    st.integers(0, 255).map(lambda first: first << 56),
)


def looked_up(run, known, hashes):
    graph = Graph()
    x = graph.input("hashes", np.int64, ["rows", "columns"])
    found = hash_indices(graph, np.array(known, np.uint64), x)
    hashes = np.array(hashes, np.uint64).reshape(1, -1).view(np.int64)
    return run(graph, found, np.int32, ["rows", "columns"], hashes=hashes)[0].tolist()


@given(known=st.sets(HASHES, max_size=70), others=st.lists(HASHES, max_size=70))
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_each_hash_has_its_place_in_a_sorted_list(run, known, others):
    ordered = sorted(known)
    place_of = {found: place for place, found in enumerate(ordered)}
    wanted = [*ordered, *others, 0, 2**63, LARGEST]
    expected = [place_of.get(hash_, len(ordered)) for hash_ in wanted]
    assert looked_up(run, ordered, wanted) == expected


@pytest.mark.parametrize("n_known", [0, 1, 2, 1000, 300_000])
def test_neighbours_of_known_hashes_are_unknown(run, n_known):
    random = np.random.RandomState(0)
    known = np.unique(random.randint(1, 2**62, size=n_known).astype(np.uint64) * 4)
    some = np.arange(len(known))[:: 1 + len(known) // 2000]
    one = np.uint64(1)
    for hashes, expected in (
        (known[some], some.tolist()),
        (known[some] + one, [len(known)] * len(some)),
        (known[some] - one, [len(known)] * len(some)),
    ):
        assert looked_up(run, known, hashes) == expected
