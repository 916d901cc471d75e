import numpy as np
import pandas as pd
import pytest

from sklearn_bilstm import TextVectorizer
from sklearn_bilstm.text import (
    set_vectorizer_state,
    vectorizer_state,
    with_first_tokens,
)

TEXTS = ["a good film", "a bad plot"]
TABLE = pd.DataFrame({"title": TEXTS, "body": TEXTS[::-1]})


@pytest.mark.parametrize("X", [TEXTS, TABLE], ids=["texts", "table"])
def test_vectorizer_state_round_trips(X):
    fitted, restored = TextVectorizer().fit(X), TextVectorizer()
    set_vectorizer_state(restored, vectorizer_state(fitted))
    expected, found = fitted.transform(X), restored.transform(X)
    assert np.array_equal(found.toarray(), expected.toarray())
    assert np.array_equal(found.fingerprint, expected.fingerprint)
    more = X[::-1]
    again = fitted.partial_fit(more).vocabulary_
    assert restored.partial_fit(more).vocabulary_ == again


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("vocabulary", ["good"]),
        ("vocabulary", {"good": -1}),
        ("max_length", 0),
        ("max_length", "3"),
        ("counts", {}),
    ],
)
def test_an_invalid_state_raises(name, value):
    state = vectorizer_state(TextVectorizer().fit(TEXTS))
    with pytest.raises((TypeError, ValueError)):
        set_vectorizer_state(TextVectorizer(), {**state, name: value})


@pytest.mark.parametrize("X", [TEXTS, TABLE], ids=["texts", "table"])
@pytest.mark.parametrize("n_ids", [3, 5, 99])
def test_removed_tokens_are_unknown(X, n_ids):
    vectorizer = TextVectorizer().fit(X)
    smaller = with_first_tokens(vectorizer, n_ids)
    expected = vectorizer.transform(X).toarray()
    found = smaller.transform(X)
    assert np.array_equal(found.toarray(), np.where(expected < n_ids, expected, 1))
    known = vectorizer.transform(X).fingerprint
    assert np.array_equal(found.fingerprint, known[: n_ids - 2])
    assert np.array_equal(vectorizer.transform(X).toarray(), expected)


def test_a_vectorizer_without_some_tokens_learns_new_ones():
    vectorizer = TextVectorizer().fit(TEXTS)
    smaller = with_first_tokens(vectorizer, 4).partial_fit(["bad bad ending"])
    known = [token for token, i in vectorizer.vocabulary_.items() if i < 4]
    assert [*smaller.vocabulary_][:2] == known
    assert {"bad", "ending"} <= smaller.vocabulary_.keys()
    assert sorted(smaller.vocabulary_.values()) == [
        *range(2, len(smaller.vocabulary_) + 2)
    ]
