import itertools

import pytest
import torch

from sklearn_bilstm.metrics import allowed_transitions
from sklearn_bilstm.nn import CRF

K, T = 3, 4


def random_crf(n_labels, allowed=None, seed=0):
    """Return a CRF with random weights."""
    crf = CRF(n_labels, allowed)
    torch.nn.init.normal_(crf.weight, generator=torch.Generator().manual_seed(seed))
    return crf.double()


def emissions_of(*shape, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def all_labels(n_steps, n_labels=K):
    return torch.tensor(list(itertools.product(range(n_labels), repeat=n_steps)))


def probabilities_of_all(crf, emissions):
    """Return all sequences of labels of one row, and their probabilities."""
    labels = all_labels(len(emissions), emissions.shape[1])
    rows = emissions.expand(len(labels), -1, -1)
    mask = torch.ones_like(labels, dtype=torch.bool)
    return labels, crf(rows, labels, mask).exp()


def no_pair(first, second, n_labels=K):
    allowed = torch.ones(n_labels + 1, n_labels + 1, dtype=torch.bool)
    allowed[first, second] = False
    return allowed


@pytest.mark.parametrize("n_steps", [1, 2, T])
def test_probabilities_of_all_label_sequences_sum_to_one(n_steps):
    _, found = probabilities_of_all(random_crf(K), emissions_of(n_steps, K))
    torch.testing.assert_close(found.sum().item(), 1.0)


def test_log_odds_of_two_sequences_equal_the_difference_of_scores():
    crf, emissions = random_crf(K), emissions_of(1, 2, K)
    labels = torch.tensor([[0, 2], [1, 1]])
    mask = torch.ones(2, 2, dtype=torch.bool)
    first, second = crf(emissions.expand(2, -1, -1), labels, mask)
    e, w = emissions[0], crf.weight
    by_hand = (w[K, 0] + e[0, 0] + w[0, 2] + e[1, 2] + w[2, K]) - (
        w[K, 1] + e[0, 1] + w[1, 1] + e[1, 1] + w[1, K]
    )
    torch.testing.assert_close(first - second, by_hand)


@pytest.mark.parametrize("seed", range(5))
def test_decode_returns_the_most_probable_sequence(seed):
    crf, emissions = random_crf(K, seed=seed), emissions_of(T, K, seed=seed + 100)
    labels, found = probabilities_of_all(crf, emissions)
    mask = torch.ones(1, T, dtype=torch.bool)
    decoded = crf.decode(emissions[None], mask)
    assert decoded[0].tolist() == labels[found.argmax()].tolist()


def test_marginals_are_sums_over_all_sequences():
    crf, emissions = random_crf(K), emissions_of(T, K)
    labels, found = probabilities_of_all(crf, emissions)
    expected = torch.stack(
        [
            torch.stack([found[labels[:, step] == k].sum() for k in range(K)])
            for step in range(T)
        ]
    )
    mask = torch.ones(1, T, dtype=torch.bool)
    torch.testing.assert_close(crf.marginals(emissions[None], mask)[0], expected)


def test_results_do_not_depend_on_the_batch():
    crf, emissions = random_crf(K), emissions_of(4, T, K)
    labels = all_labels(T)[[5, 17, 33, 70]]
    lengths = torch.tensor([T, 2, 1, 3])
    mask = torch.arange(T) < lengths[:, None]
    batched = crf(emissions, labels, mask), crf.marginals(emissions, mask)
    decoded = crf.decode(emissions, mask)
    for row, length in enumerate(lengths):
        single = emissions[row : row + 1, :length], mask[row : row + 1, :length]
        single_labels = labels[row : row + 1, :length]
        torch.testing.assert_close(
            crf(single[0], single_labels, single[1])[0], batched[0][row]
        )
        torch.testing.assert_close(crf.marginals(*single)[0], batched[1][row, :length])
        assert decoded[row, :length].tolist() == crf.decode(*single)[0].tolist()
        assert (batched[1][row, length:] == 0).all()


def test_an_empty_row_has_log_likelihood_zero():
    crf, emissions = random_crf(K), emissions_of(2, T, K)
    mask = torch.zeros(2, T, dtype=torch.bool)
    labels = torch.zeros(2, T, dtype=torch.long)
    assert crf(emissions, labels, mask).tolist() == [0.0, 0.0]
    assert crf.decode(emissions, mask).shape == (2, T)


@pytest.mark.parametrize(
    ("pair", "is_forbidden"),
    [
        ((0, 1), lambda x: ((x[:, :-1] == 0) & (x[:, 1:] == 1)).any(1)),
        ((K, 2), lambda x: x[:, 0] == 2),
        ((2, K), lambda x: x[:, -1] == 2),
    ],
    ids=["between", "first", "last"],
)
def test_a_forbidden_transition_has_probability_zero(pair, is_forbidden):
    crf = random_crf(K, no_pair(*pair))
    emissions = emissions_of(T, K)
    emissions[:, pair[0] % K] += 50.0  # favour the forbidden transition
    emissions[:, pair[1] % K] += 50.0
    labels, found = probabilities_of_all(crf, emissions)
    assert (found[is_forbidden(labels)] == 0).all()
    torch.testing.assert_close(found.sum().item(), 1.0)
    decoded = crf.decode(emissions[None], torch.ones(1, T, dtype=torch.bool))
    assert not is_forbidden(decoded).any()


def test_gradients_equal_central_differences():
    crf, emissions = (
        random_crf(K, no_pair(0, 1)),
        emissions_of(2, T, K).requires_grad_(),
    )
    labels = torch.tensor([[2, 1, 1, 0], [0, 2, 0, 0]])
    mask = torch.tensor([[True] * 4, [True, True, False, False]])
    torch.autograd.gradcheck(lambda e: crf(e, labels, mask), emissions)
    torch.autograd.gradcheck(
        lambda w: torch.func.functional_call(
            crf, {"weight": w}, (emissions.detach(), labels, mask)
        ),
        crf.weight,
    )


def test_crf_is_accurate_in_float32_for_long_rows_and_many_labels():
    n_steps, n_labels = 1000, 100
    allowed = torch.ones(n_labels + 1, n_labels + 1, dtype=torch.bool)
    allowed[:50, 50:100] = False
    crf = random_crf(n_labels, allowed)
    emissions = 10 * emissions_of(1, n_steps, n_labels)
    mask = torch.ones(1, n_steps, dtype=torch.bool)
    labels = crf.decode(emissions, mask)
    exact = crf(emissions, labels, mask).item()
    marginals = crf.marginals(emissions, mask)
    crf, emissions = crf.float(), emissions.float().requires_grad_()
    found = crf(emissions, labels, mask)
    found.sum().backward()
    assert emissions.grad.isfinite().all()
    assert crf.weight.grad.isfinite().all()
    assert found.item() == pytest.approx(exact, rel=1e-4, abs=0.05)
    torch.testing.assert_close(
        crf.marginals(emissions.detach(), mask).double(), marginals, rtol=0, atol=1e-3
    )


def test_crf_with_zero_transitions_equals_independent_labels():
    crf, emissions = CRF(K).double(), emissions_of(2, T, K)
    mask = torch.ones(2, T, dtype=torch.bool)
    torch.testing.assert_close(crf.marginals(emissions, mask), emissions.softmax(2))
    assert crf.decode(emissions, mask).tolist() == emissions.argmax(2).tolist()


@pytest.mark.parametrize("spread", [1.0, 1e3, 1e6])
def test_crf_is_stable_for_emissions_of_any_scale(spread):
    crf = random_crf(K, no_pair(0, 1))
    emissions = (spread * emissions_of(T, K)).requires_grad_()
    labels, found = probabilities_of_all(crf, emissions)
    torch.testing.assert_close(found.sum().item(), 1.0)
    mask = torch.ones(1, T, dtype=torch.bool)
    marginals = crf.marginals(emissions[None], mask)[0]
    expected = torch.stack(
        [(found[:, None] * (labels == k)).sum(0) for k in range(K)], 1
    )
    torch.testing.assert_close(marginals, expected)
    best = labels[found.argmax()][None]
    crf(emissions[None], labels[:1], mask).sum().backward()
    first = torch.nn.functional.one_hot(labels[0], K)
    torch.testing.assert_close(emissions.grad, first - marginals.detach())
    assert crf.decode(emissions[None], mask).tolist() == best.tolist()


@pytest.mark.parametrize("size", [600.0, 800.0])
def test_crf_is_stable_for_large_transition_weights(size):
    crf, emissions = random_crf(K), emissions_of(T, K).requires_grad_()
    with torch.no_grad():
        crf.weight.add_(size * crf.weight.sign())
    labels = all_labels(T)
    path = torch.nn.functional.pad(labels, (1, 1), value=K)  # from start to end
    scores = crf.weight[path[:, :-1], path[:, 1:]].sum(1)
    expected = (scores + emissions[range(T), labels].sum(1)).log_softmax(0)
    mask = torch.ones_like(labels, dtype=torch.bool)
    found = crf(emissions.expand(len(labels), -1, -1), labels, mask)
    torch.testing.assert_close(found, expected)
    gradients = (
        torch.autograd.grad(log_probas[5], (emissions, crf.weight), retain_graph=True)
        for log_probas in (found, expected)
    )
    torch.testing.assert_close(*gradients)
    of_labels = torch.nn.functional.one_hot(labels, K)
    sums = torch.einsum("n,ntk->tk", expected.exp(), of_labels.double())
    torch.testing.assert_close(crf.marginals(emissions[None], mask[:1])[0], sums)


def test_a_label_without_incoming_transitions_has_probability_zero():
    allowed = torch.ones(K + 1, K + 1, dtype=torch.bool)
    allowed[:, 1] = False
    crf, emissions = random_crf(K, allowed), emissions_of(1, T, K).requires_grad_()
    mask = torch.ones(1, T, dtype=torch.bool)
    assert (crf.marginals(emissions, mask)[..., 1] == 0).all()
    crf(emissions, torch.tensor([[0, 2, 2, 0]]), mask).sum().backward()
    assert emissions.grad.isfinite().all()
    assert (emissions.grad[..., 1] == 0).all()
    assert crf.weight.grad.isfinite().all()


def test_unknown_labels_are_summed_over():
    crf, emissions = random_crf(K), emissions_of(T, K)
    labels, found = probabilities_of_all(crf, emissions)
    partial = torch.tensor([[2, -100, 0, -100], [-100, -100, 1, 1], [-100] * T])
    mask = torch.ones_like(partial, dtype=torch.bool)
    rows = emissions.expand(3, -1, -1)
    for row, log_likelihood in zip(partial, crf(rows, partial, mask), strict=True):
        is_consistent = ((row < 0) | (labels == row)).all(1)
        torch.testing.assert_close(log_likelihood.exp(), found[is_consistent].sum())


def test_unknown_labels_are_those_that_constraints_allow():
    crf = random_crf(K, no_pair(0, 1))
    labels, found = probabilities_of_all(crf, emissions_of(2, K))
    rows = emissions_of(2, K)[None]
    log_likelihood = crf(rows, torch.tensor([[-100, 1]]), torch.ones(1, 2).bool())
    is_consistent = (labels[:, 1] == 1) & (labels[:, 0] != 0)
    torch.testing.assert_close(log_likelihood.exp()[0], found[is_consistent].sum())


def test_unknown_labels_have_no_gradient_where_all_are_unknown():
    emissions = emissions_of(1, T, K).requires_grad_()
    labels = torch.full((1, T), -100)
    crf = random_crf(K)
    crf(emissions, labels, torch.ones(1, T).bool()).sum().backward()
    torch.testing.assert_close(emissions.grad, torch.zeros(1, T, K).double())


def test_step_weights_multiply_conditional_log_probabilities():
    crf, emissions = random_crf(K), emissions_of(T, K)
    labels, found = probabilities_of_all(crf, emissions)
    row, weights = torch.tensor([2, 0, 1, 1]), torch.tensor([0.5, 2.0, 0.0, 3.0])
    of_prefix = [found[(labels[:, :n] == row[:n]).all(1)].sum() for n in range(T + 1)]
    conditional = torch.stack(of_prefix).log().diff()
    weighted = crf(emissions[None], row[None], torch.ones(1, T).bool(), weights[None])
    torch.testing.assert_close(weighted[0], (weights * conditional).sum())


def test_step_weights_of_one_change_neither_value_nor_gradient():
    crf, emissions = random_crf(K, no_pair(0, 1)), emissions_of(3, T, K)
    labels = torch.tensor([[1, 1, 2, 0], [2, 2, -1, -1], [-1] * T])
    mask = labels >= 0
    plain, weighted = (emissions.clone().requires_grad_() for _ in range(2))
    found = crf(weighted, labels, mask, torch.ones(3, T))
    expected = crf(plain, labels, mask)
    torch.testing.assert_close(found, expected)
    found.sum().backward()
    expected.sum().backward()
    torch.testing.assert_close(weighted.grad, plain.grad)


@pytest.mark.parametrize("scale", [1.0, 1e3])
@pytest.mark.parametrize(
    "partial", [[0, -1, 1, 3], [-1, -1, 1, -1], [-1, 2, -1, -1], [3, -1, 4, -1]]
)
def test_unknown_labels_of_a_scheme_are_summed_over(partial, scale):
    labels = ["B", "E", "I", "O", "S"]
    allowed = torch.from_numpy(allowed_transitions(labels, "BIOES"))
    crf, n_labels = random_crf(5, allowed), len(labels)
    emissions = (scale * emissions_of(T, n_labels)).requires_grad_()
    paths = all_labels(T, n_labels)
    mask = torch.ones_like(paths, dtype=torch.bool)
    log_likelihoods = crf(emissions.expand(len(paths), -1, -1), paths, mask)
    partial = torch.tensor(partial)
    is_consistent = ((partial < 0) | (paths == partial)).all(1)
    expected = log_likelihoods[is_consistent].logsumexp(0)
    found = crf(emissions[None], partial[None], mask[:1])[0]
    torch.testing.assert_close(found, expected)
    gradients = (torch.autograd.grad(x, emissions)[0] for x in (found, expected))
    torch.testing.assert_close(*gradients, atol=1e-9, rtol=1e-6)
