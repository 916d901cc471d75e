"""Sequences with their targets, read a whole batch at a time."""

from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from sklearn_bilstm.sequences._collate import pad
from sklearn_bilstm.sequences._ragged import Ragged, RaggedArray

__all__ = ["SequenceDataset"]


class SequenceDataset(Dataset):
    """A torch dataset whose items are batches: it is indexed by arrays of rows.

    Parameters
    ----------
    sequences : RaggedArray
    target : ndarray of shape (n_sequences,), default=None
        What the loss compares the logits with.
    weight : ndarray of shape (n_sequences,), default=None
        Weight of each sequence in the loss. None means ones.
    evidence : Ragged, default=None
        Further channels of the steps, for a model that reads `evidence`.
    """

    def __init__(
        self,
        sequences: RaggedArray,
        target: np.ndarray | None = None,
        weight: np.ndarray | None = None,
        evidence: Ragged | None = None,
    ) -> None:
        n_sequences = len(sequences)
        self.sequences = sequences
        self.target = np.zeros(n_sequences, np.int64) if target is None else target
        self.weight = np.ones(n_sequences) if weight is None else weight
        self.evidence = evidence

    def __len__(self) -> int:
        return len(self.sequences)

    def take(self, rows: np.ndarray) -> "SequenceDataset":
        """Return the dataset of `rows` alone."""
        return SequenceDataset(
            self.sequences.take(rows),
            self.target[rows],
            self.weight[rows],
            None if self.evidence is None else self.evidence.take(rows),
        )

    def __getitem__(self, rows: np.ndarray) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the input and the target of a batch, each as keyword arguments."""
        steps, mask = pad(self.sequences, rows)
        inputs = {"steps": steps, "mask": mask}
        if self.evidence is not None:
            inputs["evidence"], _ = pad(self.evidence, rows)
        target = {
            "target": torch.from_numpy(self.target[rows]),
            "weight": torch.from_numpy(self.weight[rows].astype(np.float32)),
        }
        return inputs, target
