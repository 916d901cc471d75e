from ._batching import LengthBuckets, batches_to_read
from ._collate import cut, pad
from ._dataset import SequenceDataset
from ._matrix import MAX_ID, ragged_from_ids
from ._ngrams import BUCKET_BITS, SPREAD_FACTOR, SPREAD_SHIFT, NgramColumns, spread
from ._padding import padded
from ._ragged import RaggedArray
from ._series import ragged_from_numbers, ragged_from_series
from ._spelling import Spelling

__all__ = [
    "BUCKET_BITS",
    "MAX_ID",
    "SPREAD_FACTOR",
    "SPREAD_SHIFT",
    "LengthBuckets",
    "NgramColumns",
    "RaggedArray",
    "SequenceDataset",
    "Spelling",
    "batches_to_read",
    "cut",
    "pad",
    "padded",
    "ragged_from_ids",
    "ragged_from_numbers",
    "ragged_from_series",
    "spread",
]
