import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from sklearn_bilstm import TextVectorizer, load, save
from sklearn_bilstm.persistence._trial import try_transformer
from sklearn_bilstm.utils._archive import read_archive, write_archive

FRAME = pd.DataFrame({"text": ["good", "not good"] * 5, "kind": ["a", "b"] * 5})


def change_columns(path, name, change):
    """Change an attribute of the ColumnTransformer in a file."""
    content, arrays = read_archive(path, kind="model")
    attributes = content["model"]["@object"][1]
    attributes[name] = change(attributes[name])
    write_archive(path, kind="model", content=content, arrays=arrays)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("_transformer_to_input_indices", lambda value: {}),
        ("transformers_", lambda value: [3]),
    ],
)
def test_attributes_of_a_transformer_that_do_not_match_are_refused(
    name, change, tmp_path
):
    columns = make_column_transformer(
        (TextVectorizer(max_length=3), ["text"]), (OneHotEncoder(), ["kind"])
    )
    save(columns.fit(FRAME), tmp_path / "model.zip")
    change_columns(tmp_path / "model.zip", name, change)
    with pytest.raises(ValueError, match="does not hold a model as save"):
        load(tmp_path / "model.zip").transform(FRAME)


def test_loading_calls_no_function_of_the_user(tmp_path):
    def called(X):
        raise AssertionError

    path, named = tmp_path / "model.zip", {"custom_objects": {"called": called}}
    save(FunctionTransformer(called), path, **named)
    assert load(path, **named).func is called


def test_a_scaler_whose_numbers_are_text_raises():
    scaler = StandardScaler().fit(np.eye(2))
    scaler.mean_ = "text"
    with pytest.raises((AttributeError, TypeError), match="str"):
        try_transformer(scaler)


def test_an_unfitted_transformer_and_a_very_wide_one_are_not_tried():
    scaler = StandardScaler().fit(np.eye(2))
    scaler.n_features_in_ = 10**12
    try_transformer(scaler)
    try_transformer(OneHotEncoder())


def test_an_imputer_with_more_statistics_than_features_raises():
    imputer = SimpleImputer().fit(np.eye(2))
    imputer.statistics_ = np.zeros(3)
    with pytest.raises(ValueError, match="a statistic for each of 2 features"):
        try_transformer(imputer)


def test_an_encoder_of_more_columns_than_categories_raises():
    encoder = OneHotEncoder(sparse_output=False).fit([["a"], ["b"]])
    encoder._n_features_outs = [10**12]
    with pytest.raises(ValueError, match="number of columns must be from 0 to 3"):
        try_transformer(encoder)


def test_types_are_no_functions_of_the_user():
    with pytest.raises(TypeError):
        try_transformer(FunctionTransformer(int).fit(np.eye(2)))
