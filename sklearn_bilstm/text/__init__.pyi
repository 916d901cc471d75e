from ._analysis import make_analyzer, tokenize
from ._batches import TextBatches, refuse_batches
from ._locating import LocatedDocument, LocatedToken, join_tokens
from ._state import (
    check_counts,
    set_vectorizer_state,
    vectorizer_state,
    with_first_tokens,
)
from ._static_encoder import StaticEncoder
from ._table_vectorizer import TableVectorizer
from ._token_id_files import StoredTokenIds, open_token_ids, write_token_ids
from ._token_offsets import token_offsets
from ._vectorizer import TextVectorizer
from ._word_vectors import WordVectors, load_word_vectors
from ._words import EncodedWords, WordReader

__all__ = [
    "EncodedWords",
    "LocatedDocument",
    "LocatedToken",
    "StaticEncoder",
    "StoredTokenIds",
    "TableVectorizer",
    "TextBatches",
    "TextVectorizer",
    "WordReader",
    "WordVectors",
    "check_counts",
    "join_tokens",
    "load_word_vectors",
    "make_analyzer",
    "open_token_ids",
    "refuse_batches",
    "set_vectorizer_state",
    "token_offsets",
    "tokenize",
    "vectorizer_state",
    "with_first_tokens",
    "write_token_ids",
]
