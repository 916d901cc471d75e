import json

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from sklearn_bilstm import TextVectorizer
from sklearn_bilstm.onnx._vectorizer import describe_vectorizer, make_vectorizer

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
