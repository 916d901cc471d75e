import torch

from sklearn_bilstm.training import WeightedCrossEntropy

LOGITS = torch.tensor([[2.0, 0.0], [0.0, 0.0], [1.0, 3.0]])
TARGET = torch.tensor([0, 1, 0])


def test_it_is_the_weighted_mean_of_negative_log_probabilities():
    weight = torch.tensor([1.0, 0.5, 2.0])
    log_probabilities = (LOGITS.exp() / LOGITS.exp().sum(1, keepdim=True)).log()
    losses = [-log_probabilities[i, k] for i, k in enumerate(TARGET)]
    expected = (losses[0] + 0.5 * losses[1] + 2 * losses[2]) / 3
    torch.testing.assert_close(WeightedCrossEntropy()(LOGITS, TARGET, weight), expected)


def test_a_weight_of_two_counts_as_two_rows():
    loss = WeightedCrossEntropy()
    doubled = loss(LOGITS[[0, 0, 1]], TARGET[[0, 0, 1]], torch.ones(3)) * 3
    weighted = loss(LOGITS[:2], TARGET[:2], torch.tensor([2.0, 1.0])) * 2
    torch.testing.assert_close(doubled, weighted)
