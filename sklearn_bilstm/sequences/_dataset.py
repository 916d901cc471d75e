"""Sequences with their targets, read a whole batch at a time."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from sklearn_bilstm.sequences._collate import pad
from sklearn_bilstm.sequences._ragged import Ragged, RaggedArray

__all__ = ["SequenceDataset"]


@dataclass(eq=False)
class SequenceDataset(Dataset):
    """A torch dataset whose items are batches: it is indexed by arrays of rows.

    Parameters
    ----------
    sequences : RaggedArray
    target : ndarray of shape (n_sequences,) or (n_sequences, K), default=None
        What the loss compares the logits with. None means zeros.
    weight : ndarray of shape (n_sequences,), default=None
        Weight of each sequence in the loss. None means ones.
    evidence : Ragged, default=None
        Further channels of the steps, for a model that reads `evidence`.
    static : ndarray of float, shape (n_sequences, S), default=None
        Numbers beside each sequence, for a model that reads `static`.
    """

    sequences: RaggedArray
    target: np.ndarray = None  # type: ignore[assignment]  # set below
    weight: np.ndarray = None  # type: ignore[assignment]  # set below
    evidence: Ragged | None = None
    static: np.ndarray | None = None

    def __post_init__(self) -> None:
        if self.target is None:
            self.target = np.zeros(len(self), np.int64)
        if self.weight is None:
            self.weight = np.ones(len(self))

    def __len__(self) -> int:
        return len(self.sequences)

    def take(self, rows: np.ndarray) -> "SequenceDataset":
        """Return the dataset of `rows` alone."""
        return replace(
            self,
            sequences=self.sequences.take(rows),
            target=self.target[rows],
            weight=self.weight[rows],
            evidence=None if self.evidence is None else self.evidence.take(rows),
            static=None if self.static is None else self.static[rows],
        )

    def __getitem__(self, rows: np.ndarray) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the input and the target of a batch, each as keyword arguments."""
        steps, mask = pad(self.sequences, rows)
        inputs = {"steps": steps, "mask": mask}
        if self.evidence is not None:
            inputs["evidence"], _ = pad(self.evidence, rows)
        if self.static is not None:
            inputs["static"] = torch.from_numpy(self.static[rows])
        target = {
            "target": torch.from_numpy(self.target[rows]),
            "weight": torch.from_numpy(self.weight[rows].astype(np.float32)),
        }
        return inputs, target
