import pytest
import torch

from sklearn_bilstm.nn._characters import CharacterEncoder

UNKNOWN = 1


@pytest.fixture
def encoder(generator):
    encoder = CharacterEncoder(9, 4, 5, unknown_id=UNKNOWN)
    encoder.reset_parameters(generator)
    return encoder.double()


def by_hand(encoder, word):
    """Slide the filters over a word with zero padding."""
    vectors = encoder.embedding.weight[torch.tensor(word)]
    zeros = torch.zeros(1, vectors.shape[1], dtype=vectors.dtype)
    padded = torch.cat([zeros, vectors, zeros])
    weight, bias = encoder.filters.weight, encoder.filters.bias
    found = [
        torch.einsum("foe,eo->f", weight.transpose(1, 2), padded[i : i + 3].T) + bias
        for i in range(len(word))
    ]
    return torch.stack(found).amax(0)


WORDS = [[2, 3, 4], [5], [2, 3, 4, 5, 6, 7, 8]]


def test_character_features_are_maxima_of_filter_outputs(encoder):
    ids = torch.zeros(1, 3, 7, dtype=torch.long)
    for place, word in enumerate(WORDS):
        ids[0, place, : len(word)] = torch.tensor(word)
    expected = torch.stack([by_hand(encoder, word) for word in WORDS])
    torch.testing.assert_close(encoder(ids)[0], expected)


def test_padding_does_not_change_character_features(encoder):
    short = torch.tensor([[[2, 3], [4, 0]]])
    long = torch.nn.functional.pad(short, (0, 5))
    torch.testing.assert_close(encoder(long), encoder(short))


def test_character_features_do_not_depend_on_other_tokens(encoder):
    ids = torch.tensor([[[2, 3], [4, 0]], [[4, 0], [8, 8]]])
    found = encoder(ids)
    torch.testing.assert_close(found[0, 1], found[1, 0])
    torch.testing.assert_close(found[:1], encoder(ids[:1]))


def test_repeated_tokens_have_the_gradient_of_their_copies(encoder):
    ids = torch.tensor([WORDS[0] + [0] * 4, WORDS[2]] * 3)  # (6, L)
    weights = list(encoder.parameters())
    together = torch.autograd.grad(encoder(ids[None]).square().sum(), weights)
    apart = sum(encoder(row[None, None]).square().sum() for row in ids)
    for found, expected in zip(
        together, torch.autograd.grad(apart, weights), strict=True
    ):
        torch.testing.assert_close(found, expected)


def test_a_token_without_characters_has_zero_features(encoder):
    assert (encoder(torch.zeros(2, 2, 3, dtype=torch.long)) == 0).all()


def test_an_unseen_character_id_equals_the_unknown_id(encoder):
    unknown = encoder(torch.tensor([[[2, UNKNOWN]]]))
    torch.testing.assert_close(encoder(torch.tensor([[[2, 99]]])), unknown)


def test_character_dropout_is_locked_within_a_sequence(generator):
    encoder = CharacterEncoder(9, 4, 50, unknown_id=UNKNOWN, dropout=0.5)
    encoder.reset_parameters(generator)
    ids = torch.tensor([[[2, 3], [4, 5]], [[6, 0], [7, 8]]])
    found, again = (
        encoder(ids, torch.Generator().manual_seed(seed)) for seed in (1, 1)
    )
    assert torch.equal(found, again)
    kept = found != 0
    assert torch.equal(kept[:, 0], kept[:, 1])
    assert not torch.equal(kept[0], kept[1])
    torch.testing.assert_close(found, 2 * encoder.eval()(ids) * kept)


def test_gradients_reach_all_weights_but_padding(encoder):
    encoder(torch.tensor([[[2, 3], [4, 0]]])).sum().backward()
    assert encoder.embedding.weight.grad[2:5].any(1).all()
    assert encoder.filters.weight.grad.any()
    assert not encoder.embedding.weight.grad[0].any()
