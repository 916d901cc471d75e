"""Text processing: tokenisation, vocabularies, token ids and word vectors."""

from sklearn_bilstm.text._analysis import make_analyzer, tokenize
from sklearn_bilstm.text._locating import LocatedDocument, LocatedToken, join_tokens
from sklearn_bilstm.text._state import (
    check_counts,
    set_vectorizer_state,
    vectorizer_state,
)
from sklearn_bilstm.text._vectorizer import TextVectorizer
from sklearn_bilstm.text._word_vectors import WordVectors, load_word_vectors
from sklearn_bilstm.text._words import EncodedWords, WordReader

__all__ = [
    "EncodedWords",
    "LocatedDocument",
    "LocatedToken",
    "TextVectorizer",
    "WordReader",
    "WordVectors",
    "check_counts",
    "join_tokens",
    "load_word_vectors",
    "make_analyzer",
    "set_vectorizer_state",
    "tokenize",
    "vectorizer_state",
]
