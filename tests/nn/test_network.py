import torch

from sklearn_bilstm.nn import DenseHead, Network, RecurrentEncoder


class States(Network):
    """A network of two layers and one that is None."""

    def __init__(self, normalization=None):
        super().__init__()
        self.encoder = RecurrentEncoder(3, [2], normalization=normalization)
        self.nothing = None
        self.head = DenseHead(4, 5)


def state_of_seed(seed):
    network = States()
    network.reset_parameters(torch.Generator().manual_seed(seed))
    return network.state_dict()


def test_reset_parameters_depends_on_the_generator():
    first, again, other = state_of_seed(1), state_of_seed(1), state_of_seed(2)
    for name, weight in first.items():
        assert torch.equal(weight, again[name])
        assert "bias" in name or not torch.equal(weight, other[name])


def test_repr_lists_layers_with_their_numbers_of_weights():
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


def test_loss_arguments_are_empty_by_default():
    assert States().loss_arguments == {}


def test_needs_whole_batch_depends_on_the_encoder():
    assert States("batch").needs_whole_batch
    assert not States("layer").needs_whole_batch
