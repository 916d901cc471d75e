"""A linear-chain conditional random field (CRF).

All sums are computed in log space, in double precision, and for all rows of a batch at
once.
"""

from typing import Any

import torch
from torch import Tensor, nn

from sklearn_bilstm.nn._layer import Layer

__all__ = ["CRF"]

# Weight of forbidden transitions. Sums of many such weights are finite in float32 and
# bfloat16, so that no gradient is NaN, and their exponential is zero. In double
# precision their sums keep the differences of emissions, which decide among sequences
# with the fewest forbidden transitions if a row is too short for an allowed sequence.
_IMPOSSIBLE = -1e9
# Emission of the labels other than the known label of a step.
_EXCLUDED = -1e30
# In this range, a sum of exponentials and its gradient keep full precision.
_LEAST, _MOST = 1e-250, 1e250


class CRF(Layer):
    """Linear-chain conditional random field.

    The score of a label sequence is the sum of the emissions of its labels and of the
    weights of its transitions, including those from the start and to the end. Its
    probability is the softmax of the score over all label sequences (Lafferty et al.,
    2001; for the log space, Sutton and McCallum, 2012).

    Parameters
    ----------
    n_labels : int
        Number of labels, K.
    allowed : bool tensor of shape (K + 1, K + 1), default=None
        Whether label j (column) can follow label i (row). The last row holds the
        allowed first labels, and the last column the allowed last labels. Sequences
        with a forbidden transition have probability zero. If all sequences of a length
        have one, those with the fewest are possible. None allows all transitions.
    """

    allowed: Tensor

    def __init__(self, n_labels: int, allowed: Tensor | None = None) -> None:
        super().__init__()
        self.input_size = self.output_size = n_labels
        shape = n_labels + 1, n_labels + 1
        if allowed is None:
            allowed = torch.ones(shape, dtype=torch.bool)
        self.register_buffer("allowed", allowed)
        self.weight = nn.Parameter(torch.zeros(shape))

    @property
    def config(self) -> dict[str, Any]:
        """The arguments of the constructor; the state includes `allowed`."""
        return {"n_labels": self.output_size}

    @property
    def architecture(self) -> tuple:
        """Architecture signature; must match for a warm start."""
        return type(self), *self.allowed.flatten().tolist()

    def extra_repr(self) -> str:
        """Return the number of labels and of forbidden transitions."""
        n_impossible = int((~self.allowed).sum())
        return f"{self.output_size} labels, {n_impossible} transitions impossible"

    @torch.no_grad()
    def reset_parameters(self, generator: torch.Generator) -> None:
        """Initialise all transition weights to zero."""
        nn.init.zeros_(self.weight)

    def forward(
        self,
        emissions: Tensor,
        labels: Tensor,
        mask: Tensor,
        step_weight: Tensor | None = None,
    ) -> Tensor:
        """Return the log-likelihood of labels.

        It is the sum of the log-probabilities of each known label, given the known
        labels before it. Each term is multiplied by the weight of its step.

        Parameters
        ----------
        emissions : tensor of shape (B, T, K)
            Unnormalised score of each label at each step. Must be finite, also on
            padding.
        labels : int64 tensor of shape (B, T)
            Labels; arbitrary on padding. Negative values are unknown labels, whose
            sum is taken (Tsuboi et al., 2008).
        mask : bool tensor of shape (B, T)
            True on real steps, which come first in a row.
        step_weight : tensor of shape (B, T), default=None
            Weights of the steps. None means ones.

        Returns
        -------
        log_likelihood : tensor of shape (B,)
            Zero for an empty row.
        """
        weights = self.weights_of_transitions()  # (K + 1, K + 1)
        if step_weight is not None or (mask & (labels < 0)).any():
            terms = _log_conditionals(emissions, labels, mask, weights)  # (B, T)
            terms = terms if step_weight is None else terms * step_weight
            return terms.masked_fill(~mask, 0.0).sum(1).to(emissions.dtype)  # (B,)
        return _score(emissions, labels.clamp(min=0), mask, weights) - _log_partition(
            emissions, mask, weights
        )

    def marginals(self, emissions: Tensor, mask: Tensor) -> Tensor:
        """Return the marginal probability of each label at each step.

        It is computed with the forward-backward algorithm.

        Parameters
        ----------
        emissions : tensor of shape (B, T, K)
        mask : bool tensor of shape (B, T)

        Returns
        -------
        probabilities : tensor of shape (B, T, K)
            Zero on padding.
        """
        weights = self.weights_of_transitions()  # (K + 1, K + 1)
        alpha = torch.stack(_forward_variables(emissions, mask, weights), 1)
        beta = torch.stack(_backward_variables(emissions, mask, weights), 1)
        probabilities = (alpha + beta).softmax(2) * mask[..., None]  # (B, T, K)
        return probabilities.to(emissions.dtype)

    def decode(self, emissions: Tensor, mask: Tensor) -> Tensor:
        """Return the most probable sequence of labels of each row (Viterbi, 1967).

        Parameters
        ----------
        emissions : tensor of shape (B, T, K)
        mask : bool tensor of shape (B, T)

        Returns
        -------
        labels : int64 tensor of shape (B, T)
            Labels; arbitrary on padding.
        """
        weights = self.weights_of_transitions()  # (K + 1, K + 1)
        scores = weights[:-1, :-1].T  # (K, K), from the label in the last dimension
        unchanged = torch.arange(self.input_size, device=emissions.device)  # (K,)
        best = weights[-1, :-1] + emissions[:, 0]  # (B, K)
        backpointers = []
        for step in range(1, emissions.shape[1]):
            real = mask[:, step, None]  # (B, 1)
            extended, label = (best[:, None] + scores).max(2)  # (B, K), (B, K)
            best = torch.where(real, extended + emissions[:, step], best)  # (B, K)
            backpointers.append(torch.where(real, label, unchanged))  # (B, K)
        label = (best + weights[:-1, -1]).argmax(1, keepdim=True)  # (B, 1)
        labels = [label]
        for backpointer in reversed(backpointers):
            label = backpointer.gather(1, label)  # (B, 1)
            labels.append(label)
        return torch.cat(labels[::-1], 1)  # (B, T)

    def weights_of_transitions(self) -> Tensor:
        """Return the weights, of shape (K + 1, K + 1), with those of forbidden ones."""
        return self.weight.masked_fill(~self.allowed, _IMPOSSIBLE)


def _score(emissions: Tensor, labels: Tensor, mask: Tensor, weights: Tensor) -> Tensor:
    """Return the scores of label sequences, of shape (B,), zero for empty rows."""
    unary = emissions.gather(2, labels[..., None])[..., 0]  # (B, T)
    transitions = weights[labels[:, :-1], labels[:, 1:]]  # (B, T - 1)
    last = (mask.sum(1, keepdim=True) - 1).clamp(min=0)  # (B, 1)
    ends = weights[-1, labels[:, 0]] + weights[labels.gather(1, last)[:, 0], -1]  # (B,)
    return (
        (unary * mask).sum(1) + (transitions * mask[:, 1:]).sum(1) + ends * mask[:, 0]
    )  # (B,)


def _log_partition(emissions: Tensor, mask: Tensor, weights: Tensor) -> Tensor:
    """Return the log partition function, of shape (B,)."""
    alpha = _forward_variables(emissions, mask, weights)[-1]  # (B, K)
    log_partition = (alpha + weights[:-1, -1]).logsumexp(1) * mask[:, 0]  # (B,)
    return log_partition.to(emissions.dtype)


def _log_conditionals(
    emissions: Tensor, labels: Tensor, mask: Tensor, weights: Tensor
) -> Tensor:
    """Return log-probabilities of known labels, given those before; zero for others."""
    beta = torch.stack(_backward_variables(emissions, mask, weights), 1)  # (B, T, K)
    first = weights[-1, :-1] + emissions[:, 0].double() + beta[:, 0]  # (B, K)
    log_partition = first.logsumexp(1, keepdim=True)  # (B, 1)
    if (mask & (labels < 0)).any():
        indices = torch.arange(emissions.shape[2], device=labels.device)  # (K,)
        excluded = (labels >= 0)[..., None] & (labels[..., None] != indices)
        allowed = emissions.masked_fill(excluded, _EXCLUDED)  # (B, T, K)
        alpha = _forward_variables(allowed, mask, weights, skips_impossible=True)
        totals = (torch.stack(alpha, 1) + beta).logsumexp(2)  # (B, T)
    else:
        labels = labels.clamp(min=0)
        start = weights[-1, labels[:, :1]]  # (B, 1)
        transitions = weights[labels[:, :-1], labels[:, 1:]]  # (B, T - 1)
        index = labels[..., None]  # (B, T, 1)
        unary = emissions.gather(2, index)[..., 0].double()  # (B, T)
        scores = (unary + torch.cat([start, transitions], 1)).cumsum(1)  # (B, T)
        totals = scores + beta.gather(2, index)[..., 0]  # (B, T), arbitrary on padding
    return totals.diff(dim=1, prepend=log_partition)  # (B, T)


def _forward_variables(
    emissions: Tensor,
    mask: Tensor,
    weights: Tensor,
    *,
    skips_impossible: bool = False,
) -> list[Tensor]:
    """Return the logarithms of the forward variables: sums over all prefixes.

    If `skips_impossible`, sums of impossible prefixes are arbitrary, but below half of
    `_IMPOSSIBLE`.

    Returns
    -------
    alpha : list of double tensors of shape (B, K)
        For each step, the sum over the label sequences that end with each label there,
        including its emission; on padding, that of the last real step.
    """
    product = _LogProduct(weights[:-1, :-1], skips_impossible)
    emissions = emissions.double()
    alpha = [weights[-1, :-1] + emissions[:, 0]]  # (B, K)
    for step in range(1, emissions.shape[1]):
        extended = product(alpha[-1]) + emissions[:, step]  # (B, K)
        alpha.append(torch.where(mask[:, step, None], extended, alpha[-1]))  # (B, K)
    return alpha


def _backward_variables(
    emissions: Tensor, mask: Tensor, weights: Tensor
) -> list[Tensor]:
    """Return the logarithms of the backward variables: sums over all suffixes.

    Returns
    -------
    beta : list of double tensors of shape (B, K)
        For each step, the sum over the label sequences that follow each label there,
        without its emission.
    """
    product = _LogProduct(weights[:-1, :-1].T)
    emissions = emissions.double()
    beta = [weights[:-1, -1].double().expand(len(emissions), -1)]  # (B, K)
    for step in range(emissions.shape[1] - 1, 0, -1):
        extended = product(beta[-1] + emissions[:, step])  # (B, K)
        beta.append(torch.where(mask[:, step, None], extended, beta[-1]))  # (B, K)
    return beta[::-1]


class _LogProduct:
    """Matrix product in log space.

    Exponentials are multiplied directly, which is many times as fast as a log-sum-exp.
    If they leave the range of double precision, a log-sum-exp is used instead.

    Parameters
    ----------
    logs : tensor of shape (K, K)
        Logarithm of the matrix.
    skips_impossible : bool, default=False
        Whether the logarithms of impossible sums can be replaced by `_IMPOSSIBLE`.
        Otherwise a log-sum-exp is used if there are some.
    """

    def __init__(self, logs: Tensor, skips_impossible: bool = False) -> None:
        self.logs = logs.double()
        self.matrix = self.logs.exp()
        self.skips_impossible = skips_impossible
        self.is_possible = (self.logs.detach() > _IMPOSSIBLE / 2).double()

    def __call__(self, logs: Tensor) -> Tensor:
        """Return the logarithm of the product with `exp(logs)`, of shape (B, K)."""
        largest = logs.detach().amax(1, keepdim=True)  # (B, 1)
        product = (logs - largest).exp() @ self.matrix  # (B, K)
        is_precise = (product > _LEAST) & (product < _MOST)  # (B, K)
        if is_precise.all():
            return product.log() + largest  # (B, K)
        if self.skips_impossible:
            possible = (logs.detach() > _IMPOSSIBLE / 2).double()  # (B, K)
            empty = possible @ self.is_possible == 0  # (B, K)
            if (is_precise | empty).all():
                logs = product.masked_fill(empty, 1.0).log() + largest
                return logs.masked_fill(empty, _IMPOSSIBLE)  # (B, K)
        return (logs[:, :, None] + self.logs).logsumexp(1)  # (B, K)
