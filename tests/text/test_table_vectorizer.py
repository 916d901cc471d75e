import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.feature_selection import SelectKBest
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_validate
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder

from sklearn_bilstm import TableVectorizer, TextVectorizer, explain, load, save
from sklearn_bilstm.text import StaticEncoder
from sklearn_bilstm.utils._ids import BOUNDARY
from tests.helpers import small_classifier

N_ROWS = 60
random = np.random.RandomState(0)
FRAME = pd.DataFrame(
    {
        "age": random.randint(18, 80, N_ROWS).astype(float),
        "title": [f"title {i}" for i in range(N_ROWS)],
        "kind": random.choice(["a", "b", "c"], N_ROWS),
        "text": [" ".join([f"w{i}", "good", "bad"][: i % 4]) for i in range(N_ROWS)],
        "day": pd.date_range("2024-01-01", periods=N_ROWS),
    }
)
FRAME.loc[::7, "age"] = np.nan
FRAME.loc[3, ["text", "kind"]] = None
y = np.arange(N_ROWS) % 2
TEXTS = ["title", "text"]


def small_vectorizer(**params):
    return TableVectorizer(
        text_vectorizer=TextVectorizer(max_length=6), text_columns=TEXTS, **params
    )


def small_model(**params):
    return make_pipeline(small_vectorizer(), small_classifier(**params))


def test_the_result_is_ids_a_boundary_and_features():
    X = small_vectorizer().fit_transform(FRAME).toarray()
    others = FRAME[["age", "kind", "day"]]
    ids = TextVectorizer(max_length=6).fit_transform(FRAME[TEXTS]).toarray()
    np.testing.assert_array_equal(X[:, :6], ids)
    assert (X[:, 6] == BOUNDARY).all()
    np.testing.assert_array_equal(X[:, 7:], StaticEncoder().fit_transform(others))


def test_fit_and_transform_equal_fit_transform():
    vectorizer = small_vectorizer()
    expected = vectorizer.fit_transform(FRAME)
    found = small_vectorizer().fit(FRAME).transform(FRAME)
    np.testing.assert_array_equal(found.toarray(), expected.toarray())


def test_a_pipeline_equals_a_column_transformer_with_the_right_number():
    others = ["age", "kind", "day"]
    columns = make_column_transformer(
        (TextVectorizer(max_length=6), TEXTS),
        (StaticEncoder(), others),
        sparse_threshold=1,
    )
    n_static = len(StaticEncoder().fit(FRAME[others]).get_feature_names_out())
    counted = make_pipeline(columns, small_classifier(n_static_features=n_static))
    model = small_model().fit(FRAME, y)
    assert model[-1].auto_params_["n_static_features"] == n_static
    expected = counted.fit(FRAME, y).predict_proba(FRAME)
    np.testing.assert_array_equal(model.predict_proba(FRAME), expected)


def test_columns_of_text_are_found():
    vectorizer = TableVectorizer().fit(FRAME)
    assert vectorizer.text_columns_ == ["title", "text"]
    assert vectorizer.static_columns_ == ["age", "kind", "day"]
    categorical = FRAME.astype({"title": "category"})
    assert TableVectorizer().fit(categorical).text_columns_ == ["text"]
    many = pd.DataFrame({"text": ["x", "y", "z"] * 30, "kind": ["a", "b"] * 45})
    assert TableVectorizer(max_categories=2).fit(many).text_columns_ == ["text"]
    with pytest.raises(ValueError, match="at least one column of text.*'text_columns'"):
        TableVectorizer().fit(many)


def test_a_table_has_the_same_features_after_a_csv_file(tmp_path):
    FRAME.to_csv(tmp_path / "table.csv", index=False)
    from_csv = pd.read_csv(tmp_path / "table.csv")
    assert isinstance(from_csv["day"][0], str)
    found = TableVectorizer().fit(from_csv)
    assert found.static_columns_ == ["age", "kind", "day"]
    expected = TableVectorizer().fit(FRAME)
    names = expected.get_feature_names_out().tolist()
    assert found.get_feature_names_out().tolist() == names
    for frame in (from_csv, FRAME):
        X = found.transform(frame).toarray()
        np.testing.assert_array_equal(X, expected.transform(FRAME).toarray())


@pytest.mark.parametrize("form", ["{}.5", "{:05}", "{}/01/2024", "{} %"])
def test_strings_without_letters_are_read_as_text_with_a_warning(form):
    frame = FRAME.assign(code=[form.format(i) for i in range(N_ROWS)])
    with pytest.warns(UserWarning, match="'code' of X is read as text, .* 'text_col"):
        assert TableVectorizer().fit(frame).text_columns_ == [*TEXTS, "code"]
    named = TableVectorizer(text_columns=[*TEXTS, "code"]).fit(frame)  # no warning
    assert named.text_columns_ == [*TEXTS, "code"]
    few = frame.assign(code=[form.format(i % 3) for i in range(N_ROWS)])
    assert TableVectorizer().fit(few).text_columns_ == TEXTS  # categories


@pytest.mark.parametrize("other", ["", "1e-05", "nan", "unknown"])
def test_a_few_strings_with_letters_do_not_hide_the_warning_of_numbers(other):
    frame = FRAME.assign(code=[other, *(f"{i}.5" for i in range(1, N_ROWS))])
    with pytest.warns(UserWarning, match=r"no letters, such as '1\.5'\."):
        TableVectorizer().fit(frame)


def test_strings_with_letters_or_without_digits_are_read_as_text_without_a_warning():
    frame = FRAME.assign(
        flat=[f"{i} B" for i in range(N_ROWS)],
        mood=["\N{GRINNING FACE}" * (i + 1) for i in range(N_ROWS)],
    )
    assert TableVectorizer().fit(frame).text_columns_ == [*TEXTS, "flat", "mood"]


def test_a_table_of_texts_only_has_no_boundary():
    vectorizer = TableVectorizer().fit(FRAME[TEXTS])
    expected = TextVectorizer().fit(FRAME[TEXTS])
    found = vectorizer.transform(FRAME[TEXTS])
    assert (found != expected.transform(FRAME[TEXTS])).nnz == 0
    names = vectorizer.get_feature_names_out()
    assert names.tolist() == expected.get_feature_names_out().tolist()
    model = make_pipeline(vectorizer, small_classifier()).fit(FRAME[TEXTS], y)
    assert model[-1].auto_params_["n_static_features"] == 0


def test_every_fold_has_its_own_number_of_features():
    folds = [np.flatnonzero(FRAME["kind"] != kind) for kind in "abc"]
    splits = [(fold, np.setdiff1d(np.arange(N_ROWS), fold)) for fold in folds]
    splits += [(np.arange(1, 7), np.arange(7, 60))]  # no missing age
    found = cross_validate(
        small_model(), FRAME, y, cv=splits, return_estimator=True, error_score="raise"
    )
    for model, (fold, _) in zip(found["estimator"], splits, strict=True):
        expected = len(set(FRAME["kind"].iloc[fold])) + 1 + 4
        expected += FRAME["age"].iloc[fold].isna().any()
        assert model[-1].auto_params_["n_static_features"] == expected
        assert model.predict_proba(FRAME).shape == (N_ROWS, 2)
    assert len(cross_val_predict(small_model(), FRAME, y, cv=3)) == N_ROWS


def test_it_can_be_searched():
    one_hot = OneHotEncoder(handle_unknown="ignore")
    grid = {
        "tablevectorizer__max_categories": [2, 30],
        "tablevectorizer__text_vectorizer__max_length": [3, 6],
        "tablevectorizer__static_transformer": [None, one_hot],
    }
    search = GridSearchCV(small_model(max_epochs=1), grid, cv=2, error_score="raise")
    frame = FRAME[["kind", *TEXTS]].fillna("")
    assert np.isfinite(search.fit(frame, y).cv_results_["mean_test_score"]).all()


def test_a_static_transformer_gets_the_other_columns_and_y():
    noise, twin = random.rand(2, N_ROWS)
    frame = FRAME[["kind", *TEXTS]].assign(noise=noise, twin=y + twin / 9)
    columns = make_column_transformer((SelectKBest(k=1), ["noise", "twin"]))
    vectorizer = small_vectorizer(static_transformer=columns)
    found = vectorizer.fit_transform(frame, y).toarray()[:, 7:]
    np.testing.assert_array_equal(found, frame[["twin"]])
    assert vectorizer.get_feature_names_out()[-1] == "selectkbest__twin"


def test_a_frozen_static_transformer_is_not_fitted_again():
    frame = FRAME[["age", *TEXTS]]
    fitted = StaticEncoder().fit(pd.DataFrame({"age": [None, 7.0]}))
    vectorizer = small_vectorizer(static_transformer=FrozenEstimator(fitted))
    found = vectorizer.fit_transform(frame).toarray()[:, 7:]
    np.testing.assert_array_equal(found[:, 0], frame["age"].fillna(7.0))


CONVERTERS = [pl.from_pandas, lambda frame: pl.from_pandas(frame).to_arrow()]


@pytest.mark.parametrize("convert", CONVERTERS)
def test_frames_of_other_libraries_give_the_same_result(convert):
    expected = small_vectorizer().fit_transform(FRAME)
    vectorizer = small_vectorizer().fit(convert(FRAME))
    assert (vectorizer.transform(convert(FRAME)) != expected).nnz == 0
    assert (vectorizer.transform(FRAME) != expected).nnz == 0


def test_columns_are_found_by_name():
    vectorizer = small_vectorizer()
    expected = vectorizer.fit_transform(FRAME)
    others = FRAME[FRAME.columns[::-1]].assign(new="x")
    assert (vectorizer.transform(others) != expected).nnz == 0
    for name in ("text", "age"):
        with pytest.raises(ValueError, match=f"'{name}' is missing"):
            vectorizer.transform(FRAME.drop(columns=name))


def test_unseen_categories_and_missing_values_are_predicted():
    model = small_model().fit(FRAME, y)
    row = {"age": None, "title": None, "kind": "new", "text": None, "day": None}
    assert model.predict_proba(pd.DataFrame([row])).shape == (1, 2)


def test_feature_names_name_all_columns():
    vectorizer = small_vectorizer()
    X = vectorizer.fit_transform(FRAME)
    names = vectorizer.get_feature_names_out()
    assert len(names) == X.shape[1]
    assert names[5:9].tolist() == ["token_5", "boundary", "age", "day_days"]


def test_slices_and_stacks_keep_the_boundary():
    X = small_vectorizer().fit_transform(FRAME)
    expected = small_classifier().fit(X, y)
    for changed in (sparse.vstack([X[:30], X[30:]]), X.toarray(), X.astype(np.float32)):
        model = small_classifier().fit(changed, y)
        np.testing.assert_allclose(
            model.predict_proba(changed), expected.predict_proba(X), rtol=1e-5
        )


def test_ids_of_another_vocabulary_raise():
    model = small_model().fit(FRAME, y)
    other = small_vectorizer().fit_transform(FRAME.assign(text="other words"))
    with pytest.raises(ValueError, match="another one|columns"):
        model[-1].predict(other)


def test_it_can_be_saved(tmp_path):
    model = small_model().fit(FRAME, y)
    save(model, tmp_path / "model.zip")
    found = load(tmp_path / "model.zip")
    np.testing.assert_array_equal(
        found.predict_proba(FRAME), model.predict_proba(FRAME)
    )
    assert (
        found[0].get_feature_names_out().tolist()
        == model[0].get_feature_names_out().tolist()
    )
    save(clone(model), tmp_path / "unfitted.zip")
    refitted = load(tmp_path / "unfitted.zip").fit(FRAME, y)
    np.testing.assert_array_equal(
        refitted.predict_proba(FRAME), model.predict_proba(FRAME)
    )


@pytest.mark.parametrize("method", ["occlusion", "integrated_gradients"])
def test_predictions_are_explained_by_tokens_and_named_features(method):
    if method == "integrated_gradients":
        pytest.importorskip("captum")
    model = small_model().fit(FRAME, y)
    (found,) = explain(model, FRAME.iloc[[7]], method=method)
    expected = "<title> title 7 <text> w7 good bad"
    assert " ".join(found.tokens) == expected
    assert list(found.static_names) == model[0].get_feature_names_out()[7:].tolist()


def test_more_texts_extend_the_vocabulary_but_not_the_columns():
    first, second = FRAME[:30], FRAME[30:].assign(kind="new")
    vectorizer = small_vectorizer().partial_fit(first)
    model = small_classifier().partial_fit(vectorizer.transform(first), y[:30], [0, 1])
    n_tokens = len(vectorizer.text_vectorizer_.vocabulary_)
    vectorizer.partial_fit(second)
    assert len(vectorizer.text_vectorizer_.vocabulary_) > n_tokens
    X = vectorizer.transform(second)
    assert X.shape[1] == vectorizer.transform(first).shape[1]
    assert model.partial_fit(X, y[30:]).predict(X).shape == (30,)


def test_unlabelled_rows_are_transformed_in_a_pipeline():
    with config_context(enable_metadata_routing=True):
        classifier = small_classifier(embedding="svd")
        classifier.set_fit_request(X_unlabelled=True, X_val=True, y_val=True)
        steps = [("table", small_vectorizer()), ("bilstm", classifier)]
        model = Pipeline(steps, transform_input=["X_unlabelled", "X_val"])
        others = {"X_unlabelled": FRAME[:9], "X_val": FRAME[40:], "y_val": y[40:]}
        model.fit(FRAME[:40], y[:40], **others)
        assert len(model.predict(FRAME)) == N_ROWS


def test_dense_output_can_be_a_frame():
    vectorizer = small_vectorizer()
    with pytest.raises(ValueError, match="sparse_output=False of its text_vectorizer"):
        clone(vectorizer).set_output(transform="pandas").fit_transform(FRAME)
    expected = vectorizer.fit_transform(FRAME).toarray()
    vectorizer.set_params(text_vectorizer__sparse_output=False)
    np.testing.assert_array_equal(vectorizer.fit_transform(FRAME), expected)
    X = vectorizer.set_output(transform="pandas").fit_transform(FRAME)
    assert X.columns.tolist() == vectorizer.get_feature_names_out().tolist()
    model = small_classifier().fit(X, y)
    assert model.auto_params_["n_static_features"] == X.shape[1] - 7
    assert len(model.predict(X)) == N_ROWS


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (
            {"text_columns": ["texts"]},
            "'text_columns' parameter must be 'auto', or name",
        ),
        ({"text_columns": []}, "'text_columns' parameter must be 'auto', or name"),
        ({"text_columns": 3}, "'text_columns' parameter of TableVectorizer must be"),
        ({"text_columns": ["age", "text"]}, "must hold strings: .*'age'"),
        ({"max_categories": 0}, "'max_categories' parameter of TableVectorizer"),
        ({"text_vectorizer": "words"}, "'text_vectorizer' parameter"),
        ({"static_transformer": "numbers"}, "'static_transformer' parameter"),
        (
            {"static_transformer": FunctionTransformer(len)},
            "must return a row of numbers for each",
        ),
        (
            {"static_transformer": FunctionTransformer()},
            "must return numbers: got values of",
        ),
    ],
)
def test_invalid_parameters_raise(params, message):
    with pytest.raises(ValueError, match=message):
        TableVectorizer(**params).fit(FRAME)
