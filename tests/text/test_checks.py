from enum import Enum

import numpy as np
import pytest

from sklearn_bilstm import TextVectorizer
from sklearn_bilstm.text._checks import check_tokens

TEXTS = ["good film", "bad film"]


class Token:
    """A token object as NLP libraries return it."""

    def __init__(self, text):
        self.text = text


class TokenOfDocument(Token):
    """A token with identity-based equality and hash."""

    def __eq__(self, other):
        return self is other

    def __hash__(self):
        return id(self)


class Word(Enum):
    GOOD = "good"
    BAD = "bad"
    FILM = "film"


@pytest.mark.parametrize("kind", [Token, TokenOfDocument, tuple, len])
@pytest.mark.parametrize("method", ["fit", "fit_transform", "partial_fit"])
def test_a_tokenizer_that_returns_no_strings_raises(kind, method):
    vectorizer = TextVectorizer(tokenizer=lambda text: [*map(kind, text.split())])
    with pytest.raises(ValueError, match=r"'tokenizer'.*list of strings.*\.text for"):
        getattr(vectorizer, method)(TEXTS)


@pytest.mark.parametrize("kind", [Token, TokenOfDocument])
@pytest.mark.parametrize("X", [TEXTS, [None, *TEXTS], np.array([TEXTS], dtype=object)])
def test_an_analyzer_that_returns_identity_hashed_tokens_raises(kind, X):
    vectorizer = TextVectorizer(analyzer=lambda text: [*map(kind, text.split())])
    with pytest.raises(
        ValueError, match=f"'analyzer'.*objects of type {kind.__name__}"
    ):
        vectorizer.fit(X)


@pytest.mark.parametrize("kind", [str, len, tuple, str.encode, Word, frozenset])
def test_an_analyzer_may_return_any_hashable_values(kind):
    vectorizer = TextVectorizer(analyzer=lambda text: [*map(kind, text.split())])
    X = vectorizer.fit(TEXTS).transform([TEXTS[0], "film"])
    assert X[1, 0] == X[0, 1] >= 2


@pytest.mark.parametrize("name", ["analyzer", "tokenizer"])
def test_unhashable_tokens_raise(name):
    vectorizer = TextVectorizer(**{name: lambda text: [[word] for word in text]})
    with pytest.raises(
        ValueError, match=f"{name!r} parameter.*unhashable type: 'list'"
    ):
        vectorizer.fit(TEXTS)


def test_errors_raised_by_a_tokenizer_propagate():
    with pytest.raises(TypeError, match="has no len"):
        TextVectorizer(tokenizer=lambda text: len(0)).fit(TEXTS)


def test_tuples_of_strings_are_not_analysed_again():
    check_tokens(
        [("good", 1), ("film", ("a", 2))],
        ["good film"],
        lambda document: pytest.fail("analysed again"),
        analyzer=str.split,
        tokenizer=None,
    )
