import numpy as np
import pandas as pd
import pytest

from sklearn_bilstm import TextVectorizer
from sklearn_bilstm.text import set_vectorizer_state, vectorizer_state

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
