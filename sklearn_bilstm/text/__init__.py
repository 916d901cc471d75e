"""Text processing: tokenisation, vocabularies, token ids and word vectors."""

from sklearn_bilstm.text._analysis import make_analyzer, tokenize
from sklearn_bilstm.text._batches import TextBatches, refuse_batches
from sklearn_bilstm.text._locating import LocatedDocument, LocatedToken, join_tokens
from sklearn_bilstm.text._state import (
    check_counts,
    set_vectorizer_state,
    vectorizer_state,
)
from sklearn_bilstm.text._token_id_files import open_token_ids, write_token_ids
from sklearn_bilstm.text._vectorizer import TextVectorizer
from sklearn_bilstm.text._word_vectors import WordVectors, load_word_vectors
from sklearn_bilstm.text._words import EncodedWords, WordReader
from sklearn_bilstm.utils._stored_ids import StoredTokenIds

__all__ = [
    "EncodedWords",
    "LocatedDocument",
    "LocatedToken",
    "StoredTokenIds",
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
    "tokenize",
    "vectorizer_state",
    "write_token_ids",
]
