"""Separation of rows with and without a label."""

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils import check_consistent_length

from sklearn_bilstm.sequences import SequenceDataset, Sequences, parts_of_rows
from sklearn_bilstm.utils._containers import as_target
from sklearn_bilstm.utils._ids import UNKNOWN_ID
from sklearn_bilstm.utils._unlabelled import find_unlabelled, labels_of

__all__ = [
    "LabelledRows",
    "labelled_rows_are_counted",
    "separate_unlabelled",
    "warn_of_unknown_tokens",
]

# Difference of the shares of unknown tokens above which there is a warning. With one
# vocabulary of both, it is at most 0.01, also if a limit such as `max_features` or
# given word vectors make tokens unknown: these are as frequent in both. With the
# vocabulary of a few hundred labelled texts, it is 0.1 to 0.5.
_LARGEST_DIFFERENCE = 0.1
_N_STEPS_READ = 2**22


class LabelledRows(NamedTuple):
    """The rows of X with a label, and those without.

    Parameters
    ----------
    rows : SequenceDataset
        Rows with a label.
    y, sample_weight : object
        Their labels and weights, not yet validated.
    unlabelled : SequenceDataset or None
        Rows without a label. None if there are none.
    """

    rows: SequenceDataset
    y: Any
    sample_weight: Any
    unlabelled: SequenceDataset | None = None


def separate_unlabelled(
    rows: SequenceDataset, y: Any, sample_weight: Any, input_type: str
) -> LabelledRows:
    """Separate the rows of X whose label in y is missing.

    Parameters
    ----------
    rows : SequenceDataset
        Rows of X.
    y, sample_weight : object
        Arguments of `fit`.
    input_type : {"tokens", "numeric"}
        Type of X.

    Raises
    ------
    ValueError
        If no row has a label, or if rows without a label have no use.
    """
    y = as_target(y)
    is_unlabelled = find_unlabelled(y)
    if not is_unlabelled.any():
        return LabelledRows(rows, y, sample_weight)
    check_consistent_length(rows.sequences, is_unlabelled)
    _check_use(is_unlabelled, input_type)
    labelled, unlabelled = np.flatnonzero(~is_unlabelled), np.flatnonzero(is_unlabelled)
    sample_weight = as_target(sample_weight, name="sample_weight")
    is_listed = isinstance(sample_weight, list | tuple)  # perhaps of token weights
    if sample_weight is not None and (is_listed or np.ndim(sample_weight)):
        check_consistent_length(rows.sequences, sample_weight)
        sample_weight = labels_of(sample_weight, labelled)
    return LabelledRows(
        rows.take(labelled),
        labels_of(y, labelled),
        sample_weight,
        rows.take(unlabelled),
    )


@contextmanager
def labelled_rows_are_counted(unlabelled: SequenceDataset | None) -> Iterator[None]:
    """Add to an error with a row number that it only counts rows with a label.

    Parameters
    ----------
    unlabelled : SequenceDataset or None
        Rows without a label, which are not counted. None if there are none.
    """
    try:
        yield
    except ValueError as error:
        if unlabelled is None or not re.search(r"\brow \d", str(error)):
            raise
        raise ValueError(f"{error} Rows without a label are not counted.") from error


def warn_of_unknown_tokens(labelled: Sequences, unlabelled: Sequences) -> None:
    """Warn if far more tokens are unknown in rows without a label than in the others.

    Parameters
    ----------
    labelled, unlabelled : RaggedArray or RaggedRows
        Token ids of rows with and without a label.
    """
    expected, share = _share_of_unknown(labelled), _share_of_unknown(unlabelled)
    if share - expected <= _LARGEST_DIFFERENCE:
        return
    warnings.warn(
        f"{share:.0%} of the tokens in rows without a label are unknown, compared with "
        f"{expected:.0%} in rows with a label, so their vectors are not trained. "
        "Fit the vectorizer on both: TextVectorizer().fit([*texts, "
        "*unlabelled_texts]). Or pass both to a pipeline: model.fit([*texts, "
        "*unlabelled_texts], [*y, *[None] * len(unlabelled_texts)]).",
        UserWarning,
        stacklevel=2,
    )


def _share_of_unknown(sequences: Sequences) -> float:
    """Return the share of tokens with the id of unknown tokens, 0 without tokens."""
    n_unknown = n_tokens = 0
    for part in parts_of_rows(sequences, _N_STEPS_READ):
        n_unknown += int(np.count_nonzero(part.values == UNKNOWN_ID))
        n_tokens += int(np.count_nonzero(part.values))
    return n_unknown / max(n_tokens, 1)


def _check_use(is_unlabelled: np.ndarray, input_type: str) -> None:
    if is_unlabelled.all():
        raise ValueError(
            "y must hold a label for at least one row: all "
            f"{len(is_unlabelled)} are missing, such as None or NaN."
        )
    if input_type == "tokens":
        return
    raise ValueError(
        f"y has a missing label: row {is_unlabelled.argmax()}. Rows without a label "
        "require token input: for numbers, remove them from X and y."
    )
