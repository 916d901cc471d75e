from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.pipeline import make_pipeline

from sklearn_bilstm.text import StaticEncoder
from sklearn_bilstm.text._static_encoder import static_encoder_parts

FRAME = pd.DataFrame(
    {
        "kind": ["a", "b", None, "a"],
        "age": [10.0, np.nan, 30.0, 20.0],
        "sent": pd.to_datetime(
            ["2020-02-29 23:59", None, "1969-12-31 00:30", "2024-01-01 00:00"]
        ),
        "vip": [True, False, True, True],
    }
)
NAMES = [
    *("age", "sent_days", "sent_month", "sent_weekday", "sent_hour", "vip"),
    *("age_missing", "sent_missing", "kind_(missing)", "kind_a", "kind_b"),
]


def features_of(encoder, frame):
    names = encoder.get_feature_names_out()
    return pd.DataFrame(encoder.transform(frame), columns=names)


def test_columns_become_the_features_that_their_names_say():
    encoder = StaticEncoder().fit(FRAME)
    found = features_of(encoder, FRAME)
    assert found.columns.tolist() == NAMES
    assert found["age"].tolist() == [10, 20, 30, 20]  # the mean is 20
    assert found["age_missing"].tolist() == [0, 1, 0, 0]
    assert found["sent_month"].tolist() == [2, pytest.approx(5), 12, 1]
    assert found["sent_weekday"][[0, 2, 3]].tolist() == [5, 2, 0]  # by a calendar
    assert found["sent_hour"][[0, 2, 3]].tolist() == [23, 0, 0]
    assert found["sent_days"][2] == pytest.approx(-1 + 0.5 / 24)
    days = (FRAME["sent"] - pd.Timestamp("1970-01-01")) / pd.Timedelta(1, "D")
    np.testing.assert_allclose(found["sent_days"], days.fillna(days.mean()))
    assert found["sent_missing"].tolist() == [0, 1, 0, 0]
    assert found["vip"].tolist() == [1, 0, 1, 1]
    assert found["kind_a"].tolist() == [1, 0, 0, 1]
    assert found["kind_(missing)"].tolist() == [0, 0, 1, 0]


def test_the_number_of_features_is_fixed_in_fit():
    encoder = StaticEncoder().fit(FRAME[["kind", "vip"]])
    others = pd.DataFrame({"vip": [None, True], "kind": ["unseen", None], "new": 1})
    found = features_of(encoder, others)
    assert found.columns.tolist() == ["vip", "kind_(missing)", "kind_a", "kind_b"]
    assert found.to_numpy().tolist() == [[0.75, 0, 0, 0], [1, 1, 0, 0]]


@pytest.mark.parametrize("number", range(4))
def test_a_row_alone_has_the_same_features(number):
    encoder = StaticEncoder().fit(FRAME)
    expected = encoder.transform(FRAME)[[number]]
    row = FRAME.iloc[[number]].astype(object)  # as from JSON
    np.testing.assert_array_equal(encoder.transform(row), expected)


def test_dates_as_strings_of_json_have_the_same_features():
    encoder = StaticEncoder().fit(FRAME)
    texts = ["2020-02-29T23:59Z", None, "1969-12-31T02:30+02:00", "2024-01-01"]
    found = encoder.transform(FRAME.assign(sent=pd.Series(texts, dtype="str")))
    np.testing.assert_array_equal(found, encoder.transform(FRAME))
    with pytest.raises(ValueError, match="'sent' .* ISO 8601.*: row 0 is 'today'"):
        encoder.transform(FRAME.assign(sent="today"))


def test_parts_name_the_features_whose_missing_values_are_marked():
    encoder = StaticEncoder().fit(FRAME)
    imputer, marked, one_hot = static_encoder_parts(encoder)
    names = encoder.get_feature_names_out()
    assert names[marked].tolist() == ["age", "sent_days"]
    assert len(imputer.statistics_) == len(names) - 2 - len(one_hot.categories_[0])
    encoder.fit(FRAME[["kind"]])
    assert static_encoder_parts(encoder)[:2] == (None, [])
    encoder.fit(FRAME[["vip"]])
    assert static_encoder_parts(encoder)[1:] == ([], None)


def test_rare_categories_share_a_feature():
    frame = pd.DataFrame({"kind": list("aaaabbbbcd")})
    encoder = StaticEncoder(max_categories=3).fit(frame)
    unseen = encoder.transform(pd.DataFrame({"kind": ["x", "c", "d", "a"]}))
    assert unseen.tolist() == [[0, 0, 1], [0, 0, 1], [0, 0, 1], [1, 0, 0]]


def test_categories_of_numbers_are_one_category_as_int_and_float():
    frame = pd.DataFrame({"grade": pd.Categorical([1, 2, 1])})
    encoder = StaticEncoder().fit(frame)
    expected = encoder.transform(frame)
    for values in ([1, 2, 1], [1.0, 2.0, 1.0], ["1", "2", "1"]):
        found = encoder.transform(pd.DataFrame({"grade": values}))
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("later", [None, 5, "five", date(2020, 5, 5), True, [5]])
def test_later_values_of_a_column_without_values_are_ignored(later):
    encoder = StaticEncoder().fit(pd.DataFrame({"age": [None, None]}))
    assert encoder.column_kinds_ == {"age": "missing"}
    assert encoder.get_feature_names_out().tolist() == ["age", "age_missing"]
    found = encoder.transform(pd.DataFrame({"age": pd.Series([later], dtype=object)}))
    assert found.tolist() == [[0, 1]]


def test_folds_can_lack_the_values_of_a_column():
    frame = pd.DataFrame(
        {"age": range(20), "note": pd.Series([None] * 16 + ["x"] * 4, dtype=object)}
    )
    model = make_pipeline(StaticEncoder(), LinearRegression())
    predicted = cross_val_predict(model, frame, np.arange(20), cv=KFold(5))
    np.testing.assert_allclose(predicted, np.arange(20), atol=1e-8)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"age": "old"}, "'age' of X must hold numbers, as in fit: got strings"),
        ({"sent": 3}, "'sent' of X must hold dates, as in fit: got numbers"),
        ({"age": np.inf}, "'age' of X contains infinity in row 0"),
        ({"age": [[1], 2, 3, 4]}, "'age' of X must hold strings, numbers"),
    ],
)
def test_values_of_another_kind_than_in_fit_raise(changed, message):
    encoder = StaticEncoder().fit(FRAME)
    with pytest.raises(ValueError, match=message):
        encoder.transform(FRAME.assign(**changed))


@pytest.mark.parametrize(
    "values",
    [
        [True, False],
        pd.array([True, False], "boolean"),
        np.array([True, False], object),
        ["True", "False"],
    ],
)
def test_categories_of_booleans_have_features_in_any_type(values):
    frame = pd.DataFrame({"vip": pd.Categorical([True, False])})
    encoder = StaticEncoder().fit(frame)
    found = features_of(encoder, pd.DataFrame({"vip": values}))
    assert found.columns.tolist() == ["vip_False", "vip_True"]
    assert found.to_numpy().tolist() == [[0, 1], [1, 0]]


@pytest.mark.parametrize(
    "convert",
    [
        lambda numbers: np.array(numbers),
        lambda numbers: pd.array(numbers, "Int64"),
        lambda numbers: [str(number) for number in numbers],
        lambda numbers: [Decimal(number) for number in numbers],
    ],
)
def test_categories_of_large_numbers_are_exact(convert):
    numbers = [2**53 + 1, 2**53]  # equal as floats
    encoder = StaticEncoder().fit(pd.DataFrame({"id": pd.Categorical(numbers)}))
    found = encoder.transform(pd.DataFrame({"id": convert(numbers)}))
    assert found.tolist() == [[0, 1], [1, 0]]


@pytest.mark.parametrize(
    "values", [[pd.Timestamp(2020, 5, 5)], [date(2020, 5, 5)], [timedelta(3)]]
)
def test_dates_and_durations_in_a_column_of_categories_raise(values):
    encoder = StaticEncoder().fit(FRAME[["kind"]])
    with pytest.raises(ValueError, match="'kind' of X must hold .*: row 1 is "):
        encoder.transform(pd.DataFrame({"kind": [None, *values]}))


@pytest.mark.parametrize("dtype", ["datetime64[ns]", "timedelta64[ns]", "Int64"])
def test_missing_values_of_any_type_are_the_missing_category(dtype):
    encoder = StaticEncoder().fit(FRAME[["kind"]])
    found = features_of(encoder, pd.DataFrame({"kind": pd.Series([None], dtype=dtype)}))
    assert found["kind_(missing)"].tolist() == [1]


def test_a_missing_column_raises():
    with pytest.raises(ValueError, match="fitted on: 'vip' is missing"):
        StaticEncoder().fit(FRAME).transform(FRAME.drop(columns="vip"))


@pytest.mark.parametrize("max_categories", [0, 1.5, "all"])
def test_an_invalid_max_categories_raises(max_categories):
    with pytest.raises(ValueError, match="'max_categories'"):
        StaticEncoder(max_categories=max_categories).fit(FRAME)


def test_it_works_in_a_column_transformer_and_as_pandas_output():
    columns = make_column_transformer(
        ("passthrough", ["age"]), remainder=clone(StaticEncoder())
    ).set_output(transform="pandas")
    found = columns.fit_transform(FRAME)
    assert found.columns[-1] == "remainder__kind_b"
    assert found.shape == (4, 10)
