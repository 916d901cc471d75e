"""Input layers that map the steps of a sequence to vectors.

An input layer has an `output_size` and is called with the steps, the mask, a generator,
and class log-odds features or None. The estimator chooses the layer.
"""

from typing import Any

import torch
from torch import Tensor, nn

from sklearn_bilstm.nn._dropout import LockedDropout, WordDropout
from sklearn_bilstm.nn._layer import Layer
from sklearn_bilstm.nn._skip_init import skip_init

__all__ = ["NumericInput", "TokenInput"]

# Standard deviation of the components of initial embeddings.
_STD = 0.1


class TokenInput(Layer):
    """Embedding of token ids.

    Parameters
    ----------
    n_tokens : int
        Number of token ids, including the padding id 0.
    embedding_dim : int
        Dimension of the token vectors.
    n_channels : int, default=0
        Number of class log-odds features, which are appended to the vector.
    unknown_id : int
        Id that replaces ids of `n_tokens` or more.
    word_dropout : float, default=0.0
        Probability of replacing a token with the unknown token in training.
    dropout : float, default=0.0
        Probability of zeroing a component of the vectors throughout a sequence in
        training.
    frozen : bool, default=False
        Whether to keep the vectors fixed in training.
    """

    # scales class log-odds to the magnitude of the vectors
    log_odds_scale = 0.3

    def __init__(
        self,
        n_tokens: int,
        embedding_dim: int,
        n_channels: int = 0,
        *,
        unknown_id: int,
        word_dropout: float = 0.0,
        dropout: float = 0.0,
        frozen: bool = False,
    ) -> None:
        super().__init__()
        self.unknown_id = unknown_id
        self.n_channels = n_channels
        self.output_size = embedding_dim + n_channels
        # sparse gradient, since a batch contains few of the tokens
        self.embedding = skip_init(
            nn.Embedding, n_tokens, embedding_dim, padding_idx=0, sparse=True
        )
        self.embedding.weight.requires_grad_(not frozen)
        self.word_dropout = WordDropout(word_dropout, unknown_id)
        self.dropout = LockedDropout(dropout)

    @property
    def config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            "n_tokens": self.input_size,
            "embedding_dim": self.n_shared,
            "n_channels": self.n_channels,
            "unknown_id": self.unknown_id,
            "word_dropout": self.word_dropout.p,
            "dropout": self.dropout.p,
            "frozen": not self.embedding.weight.requires_grad,
        }

    @property
    def input_size(self) -> int:
        """Number of ids with an embedding."""
        return self.embedding.num_embeddings

    def extra_repr(self) -> str:
        """Return the number of ids and the sizes of their vectors and features."""
        log_odds = f" + {self.n_channels} log-odds" if self.n_channels else ""
        frozen = "" if self.embedding.weight.requires_grad else ", frozen"
        return f"{self.input_size:,} tokens -> {self.n_shared}{log_odds}{frozen}"

    @torch.no_grad()
    def reset_parameters(self, generator: torch.Generator) -> None:
        """Initialise the vectors; padding is the zero vector."""
        self._draw(self.embedding.weight, generator)
        self.embedding.weight[0] = 0.0

    @torch.no_grad()
    def grow(self, n_tokens: int, generator: torch.Generator) -> None:
        """Add randomly initialised vectors until there are `n_tokens`."""
        old = self.embedding.weight
        if n_tokens <= len(old):
            return
        new = old.new_empty(n_tokens - len(old), old.shape[1])
        self._draw(new, generator)
        weight = torch.cat([old, new.to(old)])
        self.embedding.weight = nn.Parameter(weight, requires_grad=old.requires_grad)
        self.embedding.num_embeddings = n_tokens

    @torch.no_grad()
    def shrink(self, n_tokens: int) -> None:
        """Remove the vectors of ids of `n_tokens` or more, which become unknown."""
        old = self.embedding.weight
        weight = old[:n_tokens].clone()
        self.embedding.weight = nn.Parameter(weight, requires_grad=old.requires_grad)
        self.embedding.num_embeddings = len(weight)

    @torch.no_grad()
    def set_initial_vectors(self, vectors: Tensor) -> None:
        """Set initial vectors of shape (n, E), rescaled to the size of random ones.

        Tokens with a zero vector, or without one, keep theirs.
        """
        has_vector = vectors.any(1, keepdim=True)  # (n, 1)
        n_numbers = has_vector.sum() * vectors.shape[1]
        size = (vectors.square().sum() / n_numbers.clamp(min=1)).sqrt()
        scaled = vectors * (_STD / size.clamp(min=1e-12))
        weight = self.embedding.weight[: len(vectors)]
        weight.copy_(torch.where(has_vector, scaled, weight))

    def vectors_read(self, ids: Tensor) -> Tensor:
        """Return the sorted ids of the vectors that a batch reads in training."""
        known_ids = ids[ids < self.input_size]
        unknown = known_ids.new_tensor([self.unknown_id])  # word dropout reads it too
        return torch.cat([known_ids, unknown]).unique()  # (n,)

    @property
    def n_shared(self) -> int:
        """Number of components of a step that are independent of the target."""
        return self.output_size - self.n_channels

    @torch.no_grad()
    def copy_weights_from(self, other: "TokenInput") -> None:
        """Copy the vectors of another layer with the same number of tokens or fewer."""
        self.embedding.weight[: other.input_size].copy_(other.embedding.weight)

    def channels(self, log_odds: Tensor | None) -> Tensor | None:
        """Return the scaled class log-odds, (B, T, n_channels), if they are used.

        Raises
        ------
        ValueError
            If the number of channels differs, or the features are missing.
        """
        n_given = 0 if log_odds is None else log_odds.shape[2]
        if n_given != self.n_channels:
            raise ValueError(
                f"log_odds must have {self.n_channels} channels for each token, as "
                f"expected by this network: got {n_given}."
            )
        return None if log_odds is None else self.log_odds_scale * log_odds

    @staticmethod
    def _draw(vectors: Tensor, generator: torch.Generator) -> None:
        nn.init.normal_(vectors, std=_STD, generator=generator)

    def forward(
        self,
        ids: Tensor,
        mask: Tensor,
        generator: torch.Generator | None = None,
        log_odds: Tensor | None = None,
    ) -> Tensor:
        """Map ids of shape (B, T) to vectors, (B, T, E), time-major in memory."""
        ids = ids.masked_fill(ids >= self.input_size, self.unknown_id)  # (B, T)
        ids = self.word_dropout(ids, mask, generator)  # (B, T)
        vectors = self.embedding(ids.T).transpose(0, 1)  # (B, T, E - n_channels)
        vectors = self.dropout(vectors, generator)  # (B, T, E - n_channels)
        channels = self.channels(log_odds)
        if channels is None:
            return vectors  # (B, T, E)
        parts = vectors, channels
        by_step = torch.cat([part.transpose(0, 1) for part in parts], 2)  # (T, B, E)
        return by_step.transpose(0, 1)  # (B, T, E)


class NumericInput(Layer):
    """Identity input layer for numeric sequences.

    Parameters
    ----------
    n_channels : int
        Number of channels, C.
    """

    def __init__(self, n_channels: int) -> None:
        super().__init__()
        self.input_size = self.output_size = self.n_shared = n_channels

    @property
    def config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {"n_channels": self.input_size}

    def extra_repr(self) -> str:
        """Return the number of channels."""
        return f"numbers -> {self.output_size}"

    def forward(
        self,
        values: Tensor,
        mask: Tensor,
        generator: torch.Generator | None = None,
        log_odds: Tensor | None = None,
    ) -> Tensor:
        """Return the values, of shape (B, T, C)."""
        return values  # (B, T, C)
