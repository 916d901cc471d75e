import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.compose import make_column_transformer
from sklearn.preprocessing import OneHotEncoder

from sklearn_bilstm import TextVectorizer
from sklearn_bilstm.utils._ids import BOUNDARY
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


def test_ids_of_half_precision_are_read():
    ids = np.array([[2, 3, 0], [4, 0, 0], [3, 2, 5], [2, 0, 0]] * 5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        half, whole = (
            small_classifier(input_type="tokens").fit(ids.astype(dtype), y[:20])
            for dtype in (np.float16, np.int64)
        )
        found = half.predict_proba(ids.astype(np.float16))
    np.testing.assert_array_equal(found, whole.predict_proba(ids))


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
    with pytest.raises(ValueError, match="must be 0 or 'auto' if X holds only"):
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


def test_named_id_columns_contradict_an_n_static_features_of_zero():
    X = pd.DataFrame({"token_0": [4.0, 5.0] * 10, "age": np.arange(20) / 7})
    with pytest.raises(ValueError, match="'n_static_features'.*got 0.*and 1 others"):
        small_classifier(n_static_features=0).fit(X, np.arange(20) % 2)


def test_auto_counts_the_columns_after_those_named_as_ids():
    X = table("count", "age").set_output(transform="pandas").transform(FRAME)
    model, counted = small_classifier().fit(X, y), small_classifier(n_static_features=2)
    assert model.auto_params_["n_static_features"] == 2
    expected = counted.fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(model.predict_proba(X), expected)


def with_boundary(container, column=5):
    """Return ids and two numbers, with a boundary before the given column."""
    X = table("count", "age").transform(FRAME).astype(float)
    return container(np.insert(X, column, BOUNDARY, axis=1))


CONTAINERS = [np.asarray, np.float32, sparse.csr_array, sparse.csr_matrix]


@pytest.mark.parametrize("container", CONTAINERS)
def test_auto_counts_the_columns_after_a_boundary(container):
    X, plain = with_boundary(container), table("count", "age").transform(FRAME)
    model = small_classifier().fit(X, y)
    assert model.auto_params_["n_static_features"] == 2
    expected = small_classifier(n_static_features=2).fit(plain, y).predict_proba(plain)
    np.testing.assert_allclose(model.predict_proba(X), expected, rtol=1e-5)
    np.testing.assert_allclose(model.predict_proba(X[:1]), expected[:1], rtol=1e-5)


@pytest.mark.parametrize("n_static_features", [0, 1, 3])
def test_a_boundary_contradicts_a_wrong_n_static_features(n_static_features):
    X = with_boundary(sparse.csr_array)
    assert small_classifier(n_static_features=2).fit(X, y).predict(X).shape == (60,)
    with pytest.raises(ValueError, match="X has 5 columns of token ids and 2 others"):
        small_classifier(n_static_features=n_static_features).fit(X, y)


def test_a_boundary_of_some_rows_raises():
    X = sparse.vstack([with_boundary(sparse.csr_array, 4), with_boundary(np.asarray)])
    with pytest.raises(ValueError, match="Negative values in data"):
        small_classifier().fit(X, np.tile(y, 2))


def test_numbers_have_no_boundary():
    X = with_boundary(np.asarray)
    model = small_classifier(input_type="numeric").fit(X, y)
    assert model.auto_params_["n_static_features"] == 0


def test_static_features_without_a_boundary_or_names_are_not_counted():
    X = np.random.RandomState(0).rand(20, 4)
    assert small_classifier().fit(X, np.arange(20) % 2).input_type_ == "numeric"


@pytest.mark.parametrize("sparse_output", [False, True])
@pytest.mark.parametrize("n_vectorizers", [2, 3])
def test_ids_of_several_vectorizers_raise(n_vectorizers, sparse_output):
    params = {"max_length": 5, "sparse_output": sparse_output}
    texts = [f"text{i}" for i in range(n_vectorizers)]
    frame = pd.DataFrame({name: np.roll(TEXTS, i) for i, name in enumerate(texts)})
    columns = make_column_transformer(
        *[(TextVectorizer(**params), name) for name in texts],
        sparse_threshold=float(sparse_output),
    )
    X = columns.fit_transform(frame)
    for n_static_features in ["auto", 0]:
        model = small_classifier(n_static_features=n_static_features)
        with pytest.raises(ValueError, match="a single TextVectorizer.*from column 5"):
            model.fit(X, y)
    if not sparse_output:
        X = columns.set_output(transform="pandas").transform(frame)
        with pytest.raises(
            ValueError, match="a single TextVectorizer.*different names"
        ):
            small_classifier().fit(X, y)


def test_numbers_after_padding_raise_without_n_static_features():
    X = table("count", sparse_output=True).transform(FRAME)
    kinds = np.eye(3, dtype=int)[np.arange(60) % 3]
    with pytest.raises(ValueError, match="numbers, use TableVectorizer"):
        small_classifier().fit(sparse.hstack([X, sparse.csr_array(kinds)]), y)
    with pytest.warns(UserWarning, match="may be too small"):
        small_classifier().fit(X, y)


@pytest.mark.parametrize("pattern", ["masked", "left", "both", "a fixed column"])
@pytest.mark.parametrize("seed", range(5))
def test_gaps_of_other_kinds_are_padding(pattern, seed):
    random = np.random.RandomState(seed)
    lengths = random.randint(4, 9, size=40)
    ids = random.randint(2, 9, size=(40, 8))
    ids[np.arange(8) >= lengths[:, None]] = 0
    if pattern == "masked":
        ids[random.rand(40, 8) < 0.3] = 0
    elif pattern == "a fixed column":
        ids[:, 2] = 0
    elif pattern == "left":
        ids = np.fliplr(ids)
    else:
        ids = np.column_stack([ids * 0, ids])
    model = small_classifier(input_type="tokens", max_epochs=1).fit(
        ids, np.arange(40) % 2
    )
    assert len(model.predict(ids)) == 40
