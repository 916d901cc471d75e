from functools import partial

import numpy as np
import pytest
import torch
from sklearn.metrics import log_loss

from sklearn_bilstm.nn import CRF, IndependentLabels
from sklearn_bilstm.training import (
    REGRESSION_LOSSES,
    WeightedBinaryCrossEntropy,
    WeightedCrossEntropy,
    WeightedRegressionLoss,
    WeightedStepRegressionLoss,
    WeightedTaggingLoss,
    WeightedTasksCrossEntropy,
)

LOGITS = torch.tensor([[2.0, 0.0], [0.0, 0.0], [1.0, 3.0]])
TARGET = torch.tensor([0, 1, 0])


def test_cross_entropy_is_the_weighted_mean_of_negative_log_probabilities():
    weight = torch.tensor([1.0, 0.5, 2.0])
    log_probabilities = (LOGITS.exp() / LOGITS.exp().sum(1, keepdim=True)).log()
    losses = [-log_probabilities[i, k] for i, k in enumerate(TARGET)]
    expected = (losses[0] + 0.5 * losses[1] + 2 * losses[2]) / 3
    torch.testing.assert_close(WeightedCrossEntropy()(LOGITS, TARGET, weight), expected)


def test_cross_entropy_counts_a_weight_of_two_as_two_rows():
    loss = WeightedCrossEntropy()
    doubled = loss(LOGITS[[0, 0, 1]], TARGET[[0, 0, 1]], torch.ones(3)) * 3
    weighted = loss(LOGITS[:2], TARGET[:2], torch.tensor([2.0, 1.0])) * 2
    torch.testing.assert_close(doubled, weighted)


def test_binary_cross_entropy_equals_log_loss_of_scikit_learn(generator):
    logits = torch.randn(20, 3, generator=generator, dtype=torch.float64)
    target = torch.randint(0, 2, (20, 3), generator=generator).double()
    weight = torch.rand(20, generator=generator, dtype=torch.float64)
    weight /= weight.mean()  # sklearn divides by the sum of weights
    y, y_proba = target.numpy(), logits.sigmoid().numpy()
    losses = [
        log_loss(y[:, k], y_proba[:, k], sample_weight=weight.numpy()) for k in range(3)
    ]
    found = WeightedBinaryCrossEntropy()(logits, target, weight)
    assert found.item() == pytest.approx(np.mean(losses))


def test_binary_cross_entropy_is_finite_for_large_logits():
    logits, target = torch.tensor([[1e4, -1e4]]), torch.tensor([[0.0, 1.0]])
    loss = WeightedBinaryCrossEntropy()(logits, target, torch.ones(1))
    assert loss == 1e4


@pytest.mark.parametrize(
    ("loss", "quantile", "expected"),
    [
        ("squared_error", 0.5, np.mean),
        ("absolute_error", 0.5, np.median),
        *[("quantile", q, lambda y, q=q: np.quantile(y, q)) for q in (0.1, 0.5, 0.9)],
    ],
)
def test_regression_losses_are_minimised_by_their_statistics(loss, quantile, expected):
    y = np.random.RandomState(0).exponential(size=101)
    candidates = np.append(y, y.mean())
    target, weight = torch.from_numpy(y)[:, None], torch.ones(len(y))
    criterion = WeightedRegressionLoss(loss, quantile)
    losses = [criterion(torch.tensor([[c]]), target, weight) for c in candidates]
    assert candidates[np.argmin(losses)] == pytest.approx(expected(y))


def test_regression_losses_equal_hand_computed_values():
    numbers, target = torch.tensor([[1.0], [1.0]]), torch.tensor([[4.0], [-1.0]])
    losses = {
        name: WeightedRegressionLoss(name, 0.9)(numbers, target, torch.ones(2)).item()
        for name in REGRESSION_LOSSES
    }
    assert losses == {
        "absolute_error": pytest.approx((3 + 2) / 2),
        "quantile": pytest.approx((0.9 * 3 + 0.1 * 2) / 2),
        "squared_error": pytest.approx((9 + 4) / 2),
    }


@pytest.mark.parametrize("loss", REGRESSION_LOSSES)
def test_regression_loss_averages_outputs_and_weighted_rows(loss):
    generator = torch.Generator().manual_seed(0)
    numbers, target = torch.randn(2, 3, 2, generator=generator)
    criterion, ones = WeightedRegressionLoss(loss, 0.3), torch.ones(4)
    output_losses = [
        criterion(numbers[[0, 0, 1, 2]][:, [k]], target[[0, 0, 1, 2]][:, [k]], ones) * 4
        for k in range(2)
    ]
    weighted = criterion(numbers, target, torch.tensor([2.0, 1, 1])) * 3
    torch.testing.assert_close(weighted, sum(output_losses) / 2)


@pytest.fixture(params=[CRF, IndependentLabels])
def tagging_loss(request, generator):
    """A tagging loss with three labels and two steps per row on average."""
    decoder = request.param(3)
    for weight in decoder.parameters():
        torch.nn.init.normal_(weight, generator=generator)
    return partial(WeightedTaggingLoss(n_steps=2.0), decoder=decoder)


LABELS = torch.tensor([[0, 2, 1], [1, -1, -1], [-1, -1, -1]])
MASKS = {n: torch.ones(1, n, dtype=torch.bool) for n in (1, 3)}


def test_tagging_loss_is_the_weighted_negative_log_likelihood_per_step(
    tagging_loss, generator
):
    emissions = torch.randn(3, 3, 3, generator=generator)
    weight = torch.tensor([1.0, 0.5, 2.0])
    found = tagging_loss(emissions, LABELS, weight)
    log_likelihoods = [
        tagging_loss.keywords["decoder"](
            emissions[[row], :n], LABELS[[row], :n], MASKS[n]
        )
        for row, n in [(0, 3), (1, 1)]
    ]
    expected = (
        -(log_likelihoods[0] + 0.5 * log_likelihoods[1]) / 3 / 2
    )  # the empty row has zero loss
    torch.testing.assert_close(found, expected[0])


def test_tagging_loss_counts_weight_two_as_two_rows_and_ignores_zero(
    tagging_loss, generator
):
    emissions, rows = torch.randn(3, 3, 3, generator=generator), [0, 0, 1]
    doubled = tagging_loss(emissions[rows], LABELS[rows], torch.ones(3)) * 3
    weight = torch.tensor([2.0, 1.0, 0.0])
    weighted = tagging_loss(emissions, LABELS, weight) * 3
    torch.testing.assert_close(doubled, weighted)


def test_tagging_loss_accepts_labels_wider_than_the_emissions(tagging_loss, generator):
    emissions, ones = torch.randn(2, 1, 3, generator=generator), torch.ones(2)
    found = tagging_loss(emissions, LABELS[1:], ones)
    torch.testing.assert_close(found, tagging_loss(emissions, LABELS[1:, :1], ones))


def test_the_loss_of_tasks_is_the_mean_of_their_cross_entropies(generator):
    logits = torch.randn(20, 5, generator=generator, dtype=torch.float64)
    target = torch.stack([torch.arange(20) % 2, torch.arange(20) % 3], 1)
    weight = torch.rand(20, 2, generator=generator, dtype=torch.float64)
    losses = [
        log_loss(
            target[:, task].numpy(),
            logits[:, columns].softmax(1).numpy(),
            sample_weight=weight[:, task].numpy(),
            normalize=False,
        )
        for task, columns in enumerate([slice(0, 2), slice(2, 5)])
    ]
    found = WeightedTasksCrossEntropy((2, 3))(logits, target, weight)
    assert found.item() == pytest.approx(sum(losses) / 40)


def test_a_missing_label_has_neither_a_loss_nor_a_gradient():
    logits = torch.zeros(1, 5, requires_grad=True)
    loss = WeightedTasksCrossEntropy((2, 3))(
        logits, torch.tensor([[-1, 2]]), torch.ones(1, 2)
    )
    loss.backward()
    assert loss.item() == pytest.approx(np.log(3) / 2)
    assert not logits.grad[:, :2].any()


NAN = torch.nan
# Three rows of three, one and no steps, with two outputs; two numbers are missing.
NUMBERS = torch.tensor(
    [
        [[1.0, -2.0], [NAN, 0.5], [3.0, NAN]],
        [[2.0, 1.0], [NAN, NAN], [NAN, NAN]],
        [[NAN, NAN], [NAN, NAN], [NAN, NAN]],
    ]
)


@pytest.mark.parametrize("loss", REGRESSION_LOSSES)
def test_step_loss_is_that_of_single_numbers_without_missing_ones(loss, generator):
    outputs = torch.randn(3, 3, 2, generator=generator)
    weight, known = torch.tensor([0.5, 2.0, 1.0]), ~NUMBERS.isnan()
    single = WeightedRegressionLoss(loss, 0.3).of_rows(
        outputs[known][:, None], NUMBERS[known][:, None]
    )
    weight_of_numbers = weight[:, None, None].expand_as(NUMBERS)[known]
    found = WeightedStepRegressionLoss(loss, 0.3, 2.5)(outputs, NUMBERS, weight)
    torch.testing.assert_close(found, single @ weight_of_numbers / 3 / 2.5)


@pytest.mark.parametrize("loss", REGRESSION_LOSSES)
def test_missing_numbers_of_steps_have_no_gradient(loss, generator):
    outputs = torch.randn(3, 3, 2, generator=generator, requires_grad=True)
    WeightedStepRegressionLoss(loss, 0.3)(outputs, NUMBERS, torch.ones(3)).backward()
    assert torch.equal(outputs.grad != 0, ~NUMBERS.isnan())


def test_step_loss_accepts_targets_wider_than_the_outputs(generator):
    outputs, ones = torch.randn(2, 2, 2, generator=generator), torch.ones(2)
    loss = WeightedStepRegressionLoss("squared_error")
    expected = loss(outputs, NUMBERS[1:, :2], ones)
    torch.testing.assert_close(loss(outputs, NUMBERS[1:], ones), expected)
