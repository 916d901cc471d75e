"""Dataset of sequences and targets, indexed by batches."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from sklearn_bilstm.sequences._collate import pad
from sklearn_bilstm.sequences._ragged import Ragged, RaggedArray, Sequences
from sklearn_bilstm.sequences._token_features import TokenTexts

__all__ = ["SequenceDataset"]


@dataclass(eq=False)
class SequenceDataset(Dataset):
    """Torch dataset that is indexed by arrays of rows, and returns batches.

    Parameters
    ----------
    sequences : RaggedArray or RaggedRows
    target : ndarray of shape (n_sequences,) or (n_sequences, K), or RaggedArray, \
            default=None
        Target of the loss. A RaggedArray has targets for each step, and padding gets
        -1, or NaN if they are floats. None means zeros.
    weight : ndarray of shape (n_sequences,) or (n_sequences, n_tasks), default=None
        Sample weights, zero for a missing label of a task. None means ones.
    log_odds : Ragged, default=None
        Class log-odds features of the steps, for a model with `log_odds`.
    static : ndarray of float, shape (n_sequences, S), default=None
        Static features of each sequence, for a model with `static`.
    characters : Ragged, default=None
        Characters of the steps, for a model with `characters`.
    step_weight : RaggedArray, default=None
        Weights of the targets of steps. None means ones.
    emissions : Ragged, default=None
        Emissions of another model at the steps, for a model with `emissions`.
    texts : TokenTexts, default=None
        Texts of the tokens, which are no input of a network.
    """

    sequences: Sequences
    target: np.ndarray | RaggedArray = None  # type: ignore[assignment]  # set below
    weight: np.ndarray = None  # type: ignore[assignment]  # set below
    log_odds: Ragged | None = None
    static: np.ndarray | None = None
    characters: Ragged | None = None
    step_weight: RaggedArray | None = None
    emissions: Ragged | None = None
    texts: TokenTexts | None = None

    def __post_init__(self) -> None:
        if self.target is None:
            self.target = np.zeros(len(self), np.int64)
        if self.weight is None:
            self.weight = np.ones(len(self))

    def __len__(self) -> int:
        return len(self.sequences)

    def take(self, rows: np.ndarray) -> "SequenceDataset":
        """Return the subset of the given rows."""
        return replace(
            self,
            sequences=self.sequences.take(rows),
            target=_taken(self.target, rows),
            weight=self.weight[rows],
            log_odds=None if self.log_odds is None else self.log_odds.take(rows),
            static=None if self.static is None else self.static[rows],
            characters=None if self.characters is None else self.characters.take(rows),
            step_weight=None
            if self.step_weight is None
            else self.step_weight.take(rows),
            emissions=None if self.emissions is None else self.emissions.take(rows),
            texts=None if self.texts is None else self.texts.take(rows),
        )

    def __getitem__(self, rows: np.ndarray) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the input and the target of a batch, each as keyword arguments."""
        steps, mask = pad(self.sequences, rows)
        inputs = {"steps": steps, "mask": mask}
        if self.log_odds is not None:
            inputs["log_odds"], _ = pad(self.log_odds, rows)
        if self.static is not None:
            inputs["static"] = torch.from_numpy(self.static[rows])
        if self.characters is not None:
            inputs["characters"], _ = pad(self.characters, rows)
        if self.emissions is not None:
            inputs["emissions"], _ = pad(self.emissions, rows)
        target = {
            "target": _target_of(self.target, rows),
            "weight": torch.from_numpy(self.weight[rows].astype(np.float32)),
        }
        if self.step_weight is not None:
            target["step_weight"], _ = pad(self.step_weight, rows)
        return inputs, target


def _taken(target: np.ndarray | RaggedArray, rows: np.ndarray) -> Any:
    return target.take(rows) if isinstance(target, RaggedArray) else target[rows]


def _target_of(target: np.ndarray | RaggedArray, rows: np.ndarray) -> Tensor:
    if isinstance(target, RaggedArray):
        padded, mask = pad(target, rows)
        padded[~mask] = torch.nan if padded.is_floating_point() else -1
        return padded
    return torch.from_numpy(target[rows])
