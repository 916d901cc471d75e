import torch

from sklearn_bilstm.nn import DenseHead, Network, RecurrentEncoder


class States(Network):
    """A network of two parts, and of one that is not there."""

    def __init__(self, normalization=None):
        super().__init__()
        self.encoder = RecurrentEncoder(3, [2], normalization=normalization)
        self.nothing = None
        self.head = DenseHead(4, 5)


def drawn(seed):
    network = States()
    network.reset_parameters(torch.Generator().manual_seed(seed))
    return network.state_dict()


def test_one_generator_draws_the_weights_of_all_parts():
    first, again, other = drawn(1), drawn(1), drawn(2)
    for name, weight in first.items():
        assert torch.equal(weight, again[name])
        assert "bias" in name or not torch.equal(weight, other[name])


def test_a_network_is_printed_part_by_part_with_its_numbers_of_weights():
    lines = [line.split() for line in repr(States()).splitlines()]
    assert lines[0] == ["States(", "weights"]
    assert lines[1][0] == "encoder:"
    assert lines[2][0] == "head:"
    n_recurrent = 2 * 4 * 2 * (3 + 2 + 2)
    assert [line[-1] for line in lines[1:]] == [
        str(n_recurrent),
        "25",
        str(n_recurrent + 25),
    ]


def test_a_loss_needs_nothing_but_the_logits():
    assert States().loss_arguments == {}


def test_it_needs_whole_batches_if_its_encoder_does():
    assert States("batch").needs_whole_batch
    assert not States("layer").needs_whole_batch
