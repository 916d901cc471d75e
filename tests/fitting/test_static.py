import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.compose import make_column_transformer
from sklearn.preprocessing import OneHotEncoder

from sklearn_bilstm import TextVectorizer
from tests.helpers import small_classifier

WORDS = ["good", "film", "bad", "plot", "so"]
TEXTS = [" ".join(WORDS[: 1 + i % 5]) for i in range(60)]
FRAME = pd.DataFrame({"text": TEXTS, "age": np.arange(60) + 0.5})
FRAME["count"] = np.arange(60)[::-1] % 7
y = np.arange(60) % 2


def table(*columns, sparse_output=False):
    """Return a transformer to five columns of token ids and the given columns."""
    vectorizer = TextVectorizer(max_length=5, sparse_output=sparse_output)
    columns = make_column_transformer(
        (vectorizer, "text"),
        ("passthrough", list(columns)),
        sparse_threshold=float(sparse_output),
    )
    return columns.fit(FRAME)


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_a_correct_n_static_features_does_not_warn(container):
    X = container(table("count", "age").transform(FRAME))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = small_classifier(n_static_features=2).fit(X, y)
    assert len(model.predict(X)) == 60


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_a_too_large_n_static_features_warns(container):
    X = container(table("count").transform(FRAME))
    with pytest.warns(
        UserWarning, match="'n_static_features' parameter may be too large"
    ):
        small_classifier(n_static_features=2).fit(X, y)


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_a_too_small_n_static_features_warns(container):
    X = container(table("count", "age").transform(FRAME))
    with pytest.warns(
        UserWarning, match="'n_static_features' parameter may be too small"
    ):
        small_classifier(n_static_features=1).fit(X, y)


@pytest.mark.parametrize("n_static_features", [1, 3])
def test_column_names_reveal_a_wrong_n_static_features(n_static_features):
    X = table("count", "age").set_output(transform="pandas").transform(FRAME)
    assert len(small_classifier(n_static_features=2).fit(X, y).predict(X)) == 60
    with pytest.raises(ValueError, match="has 5 columns of token ids.* and 2 others"):
        small_classifier(n_static_features=n_static_features).fit(X, y)


def test_static_features_before_ids_raise():
    X = table("count", "age").set_output(transform="pandas").transform(FRAME)
    with pytest.raises(ValueError, match="columns after the token ids"):
        small_classifier(n_static_features=2).fit(X[X.columns[::-1]], y)


def test_n_static_features_raises_if_all_columns_are_ids():
    X = TextVectorizer(max_length=5).fit_transform(TEXTS)
    with pytest.raises(ValueError, match="must be 0 if X holds only"):
        small_classifier(n_static_features=2).fit(X, y)


def test_left_padded_ids_do_not_warn():
    X = np.fliplr(table("age").transform(FRAME)[:, :5])
    X = np.column_stack([X, FRAME["age"]])
    assert len(small_classifier(n_static_features=1).fit(X, y).predict(X)) == 60


def test_fewer_one_hot_columns_in_a_fold_warn():
    FRAME["kind"] = list("abcd") * 15
    columns = make_column_transformer(
        (TextVectorizer(max_length=5, sparse_output=False), "text"),
        (OneHotEncoder(), ["kind"]),
        sparse_threshold=0,
    )
    fold = FRAME[FRAME["kind"] != "d"]
    X = columns.fit_transform(fold)
    with pytest.warns(
        UserWarning, match="'n_static_features' parameter may be too large"
    ):
        small_classifier(n_static_features=4).fit(X, y[: len(X)])


def test_a_count_column_does_not_warn_if_most_texts_are_truncated():
    random = np.random.RandomState(0)
    ids = random.randint(2, 9, size=(40, 5))
    ids[:2, 4] = 0  # two texts are short
    count = np.where(np.arange(40) % 4 == 2, 3, 0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = small_classifier(n_static_features=1)
        model.fit(np.column_stack([ids, count]), np.arange(40) % 2)


def test_named_id_columns_among_others_require_n_static_features():
    X = pd.DataFrame({"token_0": [4.0, 5.0] * 10, "age": np.arange(20) / 7})
    with pytest.raises(ValueError, match="'n_static_features'.*got 0.*and 1 others"):
        small_classifier().fit(X, np.arange(20) % 2)
