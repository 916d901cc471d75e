import numpy as np
import pytest
import torch

from sklearn_bilstm.nn import CharacterEncoder
from sklearn_bilstm.onnx._characters import character_vectors
from sklearn_bilstm.onnx._graph import Graph


@pytest.fixture
def encoder(generator):
    encoder = CharacterEncoder(9, 4, 5, unknown_id=1)
    encoder.reset_parameters(generator)
    torch.nn.init.normal_(encoder.filters.bias, generator=generator)
    return encoder


@pytest.fixture
def vectors_of(run, encoder):
    """Return a function that encodes characters of shape (B, T, L) in a graph."""
    pytest.importorskip("onnx")

    def encode(characters):
        graph = Graph()
        ids = graph.input("characters", np.int64, ["rows", "steps", "longest"])
        found = character_vectors(graph, encoder, ids)
        found = run(graph, found, np.float32, [None] * 3, characters=characters)
        return found.transpose(1, 0, 2)

    return encode


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 5, 2), (4, 1, 20)])
def test_vectors_equal_torch_for_tokens_of_any_length(vectors_of, encoder, shape):
    random = np.random.RandomState(0)
    characters = random.randint(1, 12, size=shape)  # ids from 9 are unknown
    lengths = random.randint(shape[2] + 1, size=(*shape[:2], 1))
    characters *= np.arange(shape[2]) < lengths
    with torch.no_grad():
        expected = encoder(torch.from_numpy(characters))
    np.testing.assert_allclose(vectors_of(characters), expected, atol=1e-6)


def test_padding_does_not_change_vectors(vectors_of):
    characters = np.array([[[4, 2, 3], [5, 0, 0]], [[0, 0, 0], [10, 1, 0]]])
    wider = np.pad(characters, ((0, 0), (0, 1), (0, 6)))
    np.testing.assert_array_equal(vectors_of(wider)[:, :2], vectors_of(characters))


def test_a_token_without_characters_has_the_zero_vector(vectors_of):
    found = vectors_of(np.array([[[0, 0], [2, 0]]]))
    assert not found[0, 0].any()
    assert found[0, 1].any()
