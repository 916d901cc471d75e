import torch
from torch import nn

from sklearn_bilstm.nn import DenseHead


def test_logits_are_linear_with_zero_initial_bias(generator):
    head = DenseHead(3, 2).eval()
    head.reset_parameters(generator)
    pooled = torch.randn(4, 3)
    torch.testing.assert_close(head(pooled), pooled @ head.linear.weight.T)


def test_hidden_layers_are_rectified_linear(generator):
    head = DenseHead(3, 2, (4, 5))
    for parameter in head.parameters():
        nn.init.normal_(parameter, generator=generator)
    (w1, w2), (b1, b2) = zip(*(h.parameters() for h in head.hidden), strict=True)
    x = torch.randn(6, 3, generator=generator)
    units = (x @ w1.T + b1).clamp(min=0)
    units = (units @ w2.T + b2).clamp(min=0)
    expected = units @ head.linear.weight.T + head.linear.bias
    torch.testing.assert_close(head(x), expected)


def test_logits_have_the_precision_of_the_input(generator):
    head = DenseHead(3, 2, (4,))
    head.reset_parameters(generator)
    x = torch.randn(6, 3, dtype=torch.float64, generator=generator)
    units = (x @ head.hidden[0].weight.double().T).clamp(min=0)
    expected = units @ head.linear.weight.double().T
    torch.testing.assert_close(head(x), expected, rtol=1e-14, atol=1e-14)


def test_a_hidden_unit_is_zero_below_its_threshold():
    head = DenseHead(1, 1, (1,))
    for name, number in {"hidden.0.": 2.0, "linear.": 3.0}.items():
        head.get_parameter(f"{name}weight").data.fill_(number)
        head.get_parameter(f"{name}bias").data.fill_(-1.0)
    logits = head(torch.tensor([[-1.0], [0.5], [1.0], [2.0]]))
    assert logits.flatten().tolist() == [-1.0, -1.0, 2.0, 8.0]


def test_all_biases_are_initialised_to_zero(generator):
    head = DenseHead(3, 2, (4, 5))
    head.reset_parameters(generator)
    assert (head(torch.zeros(1, 3)) == 0).all()


def test_dropout_applies_in_training_only(generator):
    head = DenseHead(30, 2, dropout=0.5)
    head.reset_parameters(generator)
    pooled = torch.ones(1, 30)
    assert not torch.equal(head(pooled, generator), head(pooled, generator))
    head.eval()
    assert torch.equal(head(pooled, generator), head(pooled, generator))


def test_a_head_of_some_outputs_has_their_logits(generator):
    head = DenseHead(3, 5, (4,))
    head.reset_parameters(generator)
    x = torch.randn(6, 3, generator=generator)
    part = head.of_outputs(slice(1, 3))
    assert part.output_size == 2
    torch.testing.assert_close(part(x), head(x)[:, 1:3])
