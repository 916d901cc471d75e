"""Decoders that map emissions to labels.

A decoder is called with emissions, of shape (B, T, K), labels, the mask and weights of
steps, and returns the log-likelihood of the labels. It has the methods `decode` and
`marginals`.
"""

from typing import Any

from torch import Tensor

from sklearn_bilstm.nn._layer import Layer

__all__ = ["IndependentLabels"]


class IndependentLabels(Layer):
    """Independent prediction of each label, by the softmax of its emissions.

    Parameters
    ----------
    n_labels : int
        Number of labels, K.
    """

    def __init__(self, n_labels: int) -> None:
        super().__init__()
        self.input_size = self.output_size = n_labels

    @property
    def config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {"n_labels": self.output_size}

    @property
    def architecture(self) -> tuple:
        """Architecture signature; must match for a warm start."""
        return (type(self),)

    def extra_repr(self) -> str:
        """Return the number of labels."""
        return f"{self.output_size} labels"

    def forward(
        self,
        emissions: Tensor,
        labels: Tensor,
        mask: Tensor,
        step_weight: Tensor | None = None,
    ) -> Tensor:
        """Return the log-likelihood of labels, as :meth:`CRF.forward`."""
        log_probabilities = emissions.log_softmax(2)  # (B, T, K)
        is_known = mask & (labels >= 0)  # (B, T)
        index = labels.clamp(min=0)[..., None]  # (B, T, 1)
        log_likelihoods = log_probabilities.gather(2, index)[..., 0]  # (B, T)
        if step_weight is not None:
            log_likelihoods = log_likelihoods * step_weight
        return (log_likelihoods * is_known).sum(1)  # (B,)

    def marginals(self, emissions: Tensor, mask: Tensor) -> Tensor:
        """Return the probability of each label at each step, zero on padding."""
        return emissions.softmax(2) * mask[..., None]  # (B, T, K)

    def decode(self, emissions: Tensor, mask: Tensor) -> Tensor:
        """Return the most probable label of each step, of shape (B, T)."""
        return emissions.argmax(2)  # (B, T)
