"""Sequences of unequal length: one flat array in memory, padded a batch at a time.

The convention for token ids, which `TextVectorizer` writes and the estimators read:
row i of a matrix holds the ids of document i in reading order, 0 is padding and never
stored in a sparse matrix, 1 is an unknown token, and tokens begin at 2.
"""

from sklearn_bilstm.sequences._batching import LengthBuckets
from sklearn_bilstm.sequences._collate import cut, pad
from sklearn_bilstm.sequences._dataset import SequenceDataset
from sklearn_bilstm.sequences._matrix import MAX_ID, ragged_from_ids
from sklearn_bilstm.sequences._ngrams import NgramColumns, spread
from sklearn_bilstm.sequences._ragged import RaggedArray
from sklearn_bilstm.sequences._series import ragged_from_numbers, ragged_from_series

__all__ = [
    "MAX_ID",
    "LengthBuckets",
    "NgramColumns",
    "RaggedArray",
    "SequenceDataset",
    "cut",
    "pad",
    "ragged_from_ids",
    "ragged_from_numbers",
    "ragged_from_series",
    "spread",
]
