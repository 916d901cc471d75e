"""Character-level convolutional encoder of tokens."""

from typing import Any

import torch
from torch import Tensor, nn

from sklearn_bilstm.nn._dropout import LockedDropout
from sklearn_bilstm.nn._layer import Layer
from sklearn_bilstm.nn._skip_init import skip_init
from sklearn_bilstm.utils._distinct import distinct_rows

__all__ = ["CharacterEncoder"]

# Width of the convolution kernel, in characters.
_WINDOW = 3
# Initial embeddings are uniform within plus or minus this value over the root of their
# dimension (Ma and Hovy, 2016).
_BOUND = 3**0.5


class CharacterEncoder(Layer):
    """Character-level convolutional encoder of tokens.

    It applies a convolution to the character embeddings of a token, followed by max
    pooling (Ma and Hovy, 2016).

    Parameters
    ----------
    n_characters : int
        Number of character ids, including padding, 0, and unknown.
    embedding_dim : int
        Dimension of the character embeddings.
    n_filters : int
        Number of filters, the dimension of the vector of a token.
    unknown_id : int
        Id that replaces ids of `n_characters` or more.
    dropout : float, default=0.0
        Probability of zeroing a component of the token vectors throughout a sequence in
        training.
    """

    def __init__(
        self,
        n_characters: int,
        embedding_dim: int,
        n_filters: int,
        *,
        unknown_id: int,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.unknown_id = unknown_id
        self.dropout = LockedDropout(dropout)
        self.output_size = n_filters
        self.embedding = skip_init(nn.Embedding, n_characters, embedding_dim)
        self.filters = skip_init(
            nn.Conv1d, embedding_dim, n_filters, _WINDOW, padding=_WINDOW // 2
        )

    @property
    def config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            "n_characters": self.input_size,
            "embedding_dim": self.embedding.embedding_dim,
            "n_filters": self.output_size,
            "unknown_id": self.unknown_id,
            "dropout": self.dropout.p,
        }

    @property
    def input_size(self) -> int:
        """Number of ids with an embedding."""
        return self.embedding.num_embeddings

    def extra_repr(self) -> str:
        """Return the number of ids, and the sizes of embeddings and output."""
        ids, width = self.embedding.weight.shape
        return f"{ids:,} characters -> {width} -> {self.output_size}"

    @torch.no_grad()
    def reset_parameters(self, generator: torch.Generator) -> None:
        """Initialise embeddings and filters."""
        bound = _BOUND / self.embedding.embedding_dim**0.5
        nn.init.uniform_(self.embedding.weight, -bound, bound, generator=generator)
        nn.init.xavier_uniform_(self.filters.weight, generator=generator)
        nn.init.zeros_(self.filters.get_parameter("bias"))

    def forward(
        self, characters: Tensor, generator: torch.Generator | None = None
    ) -> Tensor:
        """Map ids of shape (B, T, L) to vectors of shape (B, T, n_filters).

        L is the number of characters of the longest token. Tokens are padded with id 0;
        a token without characters has the zero vector.
        """
        shape = characters.shape[:2]
        # each distinct token once, since most tokens of a batch are repeated
        tokens, indices = distinct_rows(characters.flatten(0, 1))
        vectors = self._vectors(tokens)[indices].view(*shape, -1)  # (B, T, n_filters)
        return self.dropout(vectors, generator)

    def _vectors(self, ids: Tensor) -> Tensor:
        n_known = self.embedding.num_embeddings
        ids = ids.masked_fill(ids >= n_known, self.unknown_id)  # (U, L)
        padding = (ids == 0)[:, None]  # (U, 1, L)
        vectors = self.embedding(ids).transpose(1, 2)  # (U, embedding_dim, L)
        vectors = vectors.masked_fill(padding, 0.0)  # (U, embedding_dim, L)
        outputs = self.filters(vectors).masked_fill(padding, -torch.inf)
        return outputs.amax(2).masked_fill(padding.all(2), 0.0)  # (U, n_filters)
