from ._batching import BucketBatchSampler, inference_batches, split_rows
from ._collate import cut, pad
from ._dataset import SequenceDataset
from ._hashing import SPREAD_FACTOR, SPREAD_SHIFT, spread
from ._layouts import channels_last, split_panel
from ._matrix import MAX_ID, ragged_from_ids
from ._ngrams import BUCKET_BITS, LONGEST_NGRAM, HashedNgramVocabulary
from ._occurrences import token_occurrences
from ._padding import padded
from ._ragged import (
    Ragged,
    RaggedArray,
    RaggedRows,
    Sequences,
    largest_id,
    parts_of_rows,
)
from ._series import ragged_from_numbers, ragged_from_series
from ._token_characters import TokenCharacters
from ._token_features import N_TOKEN_FEATURES, TokenTexts, token_features

__all__ = [
    "BUCKET_BITS",
    "LONGEST_NGRAM",
    "MAX_ID",
    "N_TOKEN_FEATURES",
    "SPREAD_FACTOR",
    "SPREAD_SHIFT",
    "BucketBatchSampler",
    "HashedNgramVocabulary",
    "Ragged",
    "RaggedArray",
    "RaggedRows",
    "SequenceDataset",
    "Sequences",
    "TokenCharacters",
    "TokenTexts",
    "channels_last",
    "cut",
    "inference_batches",
    "largest_id",
    "pad",
    "padded",
    "parts_of_rows",
    "ragged_from_ids",
    "ragged_from_numbers",
    "ragged_from_series",
    "split_panel",
    "split_rows",
    "spread",
    "token_features",
    "token_occurrences",
]
