import torch

from sklearn_bilstm.nn import DenseHead


def test_logits_are_linear_and_start_without_bias(generator):
    head = DenseHead(3, 2).eval()
    head.reset_parameters(generator)
    pooled = torch.randn(4, 3)
    torch.testing.assert_close(head(pooled), pooled @ head.linear.weight.T)


def test_dropout_acts_in_training_only(generator):
    head = DenseHead(30, 2, dropout=0.5)
    head.reset_parameters(generator)
    pooled = torch.ones(1, 30)
    assert not torch.equal(head(pooled, generator), head(pooled, generator))
    head.eval()
    assert torch.equal(head(pooled, generator), head(pooled, generator))
