import torch

from sklearn_bilstm.nn import CRF, IndependentLabels

MASK = torch.tensor([[True, True, True], [True, False, False], [False, False, False]])


def emissions_of(*shape):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def test_log_likelihood_is_the_sum_of_log_probabilities_of_real_steps():
    emissions = emissions_of(3, 3, 4)
    labels = torch.tensor([[0, 3, 1], [2, 0, 0], [0, 0, 0]])
    found = IndependentLabels(4)(emissions, labels, MASK).exp()
    p = emissions.exp() / emissions.exp().sum(2, keepdim=True)
    expected = [p[0, 0, 0] * p[0, 1, 3] * p[0, 2, 1], p[1, 0, 2], torch.ones(())]
    torch.testing.assert_close(found, torch.stack(expected).double())


def test_crf_with_zero_transitions_equals_independent_labels():
    emissions, labels = emissions_of(3, 3, 4), torch.zeros(3, 3, dtype=torch.long)
    crf, independent = CRF(4).double(), IndependentLabels(4)
    for a, b in [
        (crf(emissions, labels, MASK), independent(emissions, labels, MASK)),
        (crf.marginals(emissions, MASK), independent.marginals(emissions, MASK)),
    ]:
        torch.testing.assert_close(a, b)


def test_marginals_sum_to_one_on_real_steps_and_to_zero_on_padding():
    found = IndependentLabels(4).marginals(emissions_of(3, 3, 4), MASK)
    torch.testing.assert_close(found.sum(2), MASK.double())


def test_decode_returns_the_most_probable_label_of_each_step():
    decoder, emissions = IndependentLabels(4), emissions_of(3, 3, 4)
    found = decoder.decode(emissions, MASK)
    assert torch.equal(found[MASK], decoder.marginals(emissions, MASK)[MASK].argmax(1))


def test_unknown_labels_and_steps_of_weight_zero_do_not_count():
    emissions, decoder = emissions_of(1, 3, 4), IndependentLabels(4)
    mask = torch.ones(1, 3, dtype=torch.bool)
    expected = decoder(emissions[:, [0]], torch.tensor([[1]]), mask[:, :1])
    found = decoder(emissions, torch.tensor([[1, -100, -100]]), mask)
    torch.testing.assert_close(found, expected)
    weights = torch.tensor([[2.0, 0.0, 0.0]])
    weighted = decoder(emissions, torch.tensor([[1, 2, 3]]), mask, weights)
    torch.testing.assert_close(weighted, 2 * expected)
