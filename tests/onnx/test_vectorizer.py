import json

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from sklearn_bilstm import TextVectorizer
from sklearn_bilstm.onnx._vectorizer import (
    check_vectorizer,
    describe_vectorizer,
    make_vectorizer,
)

TEXTS = ["The plot, it wasn't dull!", "Été café 很好 :)", "", None, "the the \ud800 x"]


def remade(vectorizer):
    """Return what is made of the description of a vectorizer, by way of JSON."""
    return make_vectorizer(json.loads(json.dumps(describe_vectorizer(vectorizer))))


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"lowercase": False, "strip_accents": "unicode"},
        {"analyzer": "char", "max_length": 7, "truncation": "middle"},
        {"token_pattern": r"\b\w\w+\b", "stop_words": ["the"], "truncation": "pre"},
        {"stop_words": "english", "max_length": None, "sparse_output": False},
        {"vocabulary": {"plot": 9, "the": 4}, "n_jobs": 2},
    ],
    ids=str,
)
def test_a_described_vectorizer_gives_equal_ids(params):
    vectorizer = TextVectorizer(**params).fit(TEXTS)
    documents = [*TEXTS, "never seen the plot"]
    expected = sparse.csr_array(vectorizer.transform(documents))
    found = remade(vectorizer).transform(documents)
    assert (found != expected).nnz == 0


def test_description_keeps_columns_and_markers():
    frame = pd.DataFrame({"title": ["the plot", "x"], "review": ["dull", None]})
    vectorizer = TextVectorizer().fit(frame)
    found = remade(vectorizer)
    assert (found.transform(frame) != vectorizer.transform(frame)).nnz == 0
    with pytest.raises(ValueError, match="feature names"):
        found.transform(frame[["review", "title"]])
    with pytest.raises(ValueError, match="1 columns of text"):
        found.transform(["the plot"])


@pytest.mark.parametrize(
    "name", ["analyzer", "preprocessor", "strip_accents", "tokenizer"]
)
def test_user_functions_raise_with_a_suggestion(name):
    vectorizer = TextVectorizer(**{name: str.lower}).fit(["a text"])
    with pytest.raises(ValueError, match=rf"'{name}' parameter .*pipeline\[0\]"):
        describe_vectorizer(vectorizer)


def test_english_stop_words_are_stored_as_words():
    description = describe_vectorizer(TextVectorizer(stop_words="english").fit(TEXTS))
    assert set(description["settings"]["stop_words"]) == ENGLISH_STOP_WORDS
    # files of older versions contain their name
    description["settings"]["stop_words"] = "english"
    assert make_vectorizer(description).stop_words == "english"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("analyzer", "char_wb"),
        ("lowercase", 1),
        ("missing", None),
        ("stop_words", "german"),
        ("strip_accents", "all"),
        ("token_pattern", 3),
        ("truncation", ["post"]),
    ],
)
def test_invalid_settings_raise(name, value):
    description = describe_vectorizer(TextVectorizer().fit(TEXTS))
    description["settings"][name] = value
    with pytest.raises(ValueError, match=f"'{name}' parameter of TextVectorizer"):
        check_vectorizer(description)


@pytest.mark.parametrize("length", [0, 2**26 + 1, 2.0])
def test_invalid_maximum_lengths_raise(length):
    description = describe_vectorizer(TextVectorizer().fit(TEXTS))
    with pytest.raises(ValueError, match="a maximum length|max_length"):
        check_vectorizer({**description, "max_length": length})


def test_missing_error_is_kept():
    vectorizer = remade(TextVectorizer(missing="error").fit(["a text"]))
    with pytest.raises(ValueError, match="missing document"):
        vectorizer.transform([None])


def test_tokens_that_are_not_strings_raise():
    vectorizer = TextVectorizer(vocabulary=[3, "a"]).fit(["a text"])
    with pytest.raises(ValueError, match="must be strings.* got 3"):
        describe_vectorizer(vectorizer)


def test_numpy_scalars_in_parameters_are_described():
    parameters = {"lowercase": np.bool_(True), "truncation": np.str_("pre")}
    vectorizer = TextVectorizer(**parameters, max_length=np.int64(1)).fit(["A b"])
    X = remade(vectorizer).transform(["b A"])
    assert X.toarray().tolist() == [[vectorizer.vocabulary_["a"]]]


def test_a_pattern_is_not_applied_before_documents_are_read():
    description = describe_vectorizer(TextVectorizer().fit(["a text"]))
    description["settings"] |= {"token_pattern": r"\w", "stop_words": ["the"]}
    vectorizer = make_vectorizer(description)
    with pytest.warns(UserWarning, match="stop_words may be inconsistent"):
        vectorizer.transform(["the text"])  # "the" has three tokens
