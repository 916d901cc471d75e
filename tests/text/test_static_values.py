from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pytest

from sklearn_bilstm.text._column_values import categories_of
from sklearn_bilstm.text._static_values import (
    PARTS_OF_DATES,
    numeric_features,
    read_as,
    read_in_fit,
)


def features_of(column, wanted):
    return numeric_features(read_as(column, "col", wanted), "col", wanted)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2024-01-31", datetime(2024, 1, 31)),
        ("2024-01-31 12:30", datetime(2024, 1, 31, 12, 30)),
        ("2024-01-31T12:30:00.250", datetime(2024, 1, 31, 12, 30, 0, 250_000)),
        ("2024-01-31T12:30:00Z", datetime(2024, 1, 31, 12, 30)),
        ("2024-01-31T12:30:00+02:00", datetime(2024, 1, 31, 10, 30)),
        ("0001-01-01", datetime(1, 1, 1)),
    ],
)
def test_strings_in_a_column_of_dates_are_read_in_iso_format(text, time):
    found = features_of([text, None], "date")
    np.testing.assert_array_equal(found, features_of([time, None], "date"))
    days = (time - datetime(1970, 1, 1)).total_seconds() / 86_400
    expected = [days, time.month, time.weekday(), time.hour]
    assert found[0].tolist() == pytest.approx(expected, rel=1e-12)
    assert np.isnan(found[1]).all()


@pytest.mark.parametrize(
    ("strings", "expected"),
    [
        (["2024-01-31", None], "date"),
        (["2024-01-31 12:30", "2024-01-31T12:30:00Z"], "date"),
        (["2024-01-31", "2024-02-30"], "text"),  # not in the calendar
        (["2024-01-31", "today"], "text"),
        (["2024-01-31", "", None], "date"),
        (["", " ", None], "text"),
        (["31.01.2024"], "text"),
        (["20240131"], "text"),  # could be codes
        (["12:30"], "text"),
    ],
    ids=str,
)
def test_strings_to_fit_to_are_dates_if_all_are_in_iso_format(strings, expected):
    kind, values = read_in_fit(np.array(strings, object), "col")
    assert kind == expected
    if kind == "date":
        times = [datetime.fromisoformat(s) if s else None for s in strings]
        _, of_times = read_in_fit(np.array(times, object), "col")
        np.testing.assert_array_equal(values, of_times)
    else:
        assert values.tolist() == strings


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("9999-12-31T23:00:00-05:00", [2_932_897 + 4 / 24, 1, 5, 4]),  # a Saturday
        ("0001-01-01T01:00:00+02:00", [-719_163 + 23 / 24, 12, 6, 23]),  # a Sunday
    ],
)
def test_times_can_be_in_another_year_in_utc(text, expected):
    for value in (text, datetime.fromisoformat(text)):
        found = features_of([value, None], "date")
        assert found[0].tolist() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_iso_strings_have_the_features_of_their_times(seed):
    seconds = np.random.RandomState(seed).randint(-(2**32), 2**33, 50, dtype=np.int64)
    times = [datetime.fromtimestamp(int(second), UTC) for second in seconds]
    expected = features_of(pd.Series(times), "date")
    found = features_of([time.isoformat() for time in times], "date")
    np.testing.assert_array_equal(found, expected)
    assert expected.shape == (50, len(PARTS_OF_DATES))


def test_blank_strings_in_a_column_of_dates_are_missing():
    found = features_of(["2024-01-31", "", " \n", None], "date")
    assert np.isnan(found).all(1).tolist() == [False, True, True, True]


@pytest.mark.parametrize(
    "text", ["yesterday", "31.01.2024", "2024-13-01", "20240131", "2024-W05-3"]
)
def test_other_strings_in_a_column_of_dates_are_named_with_their_row(text):
    with pytest.raises(ValueError, match=f"'col' .* ISO 8601.*: row 1 is '{text}'"):
        features_of(["2024-01-31", text], "date")


@pytest.mark.parametrize(
    ("column", "wanted", "message"),
    [
        ([1.5], "date", "must hold dates, as in fit: got numbers"),
        (["a"], "number", "must hold numbers, as in fit: got strings"),
        ([date(2024, 1, 31)], "number", "must hold numbers, as in fit: got dates"),
        ([1, np.inf], "number", "contains infinity in row 1"),
        ([1, -(10**400)], "number", "contains -?infinity in row 1"),
        ([1, "a"], "number", "must hold strings, numbers"),
    ],
)
def test_values_of_another_kind_raise(column, wanted, message):
    with pytest.raises(ValueError, match=f"'col' of X {message}"):
        features_of(column, wanted)


@pytest.mark.parametrize("wanted", ["number", "date"])
def test_a_column_without_values_has_missing_features(wanted):
    width = {"number": 1, "date": 4}[wanted]
    assert np.isnan(features_of([None, None], wanted)).tolist() == [[True] * width] * 2


@pytest.mark.parametrize("values", [[True, False, None], [3, 10**20, None], ["a", "b"]])
def test_categories_are_the_same_from_json_as_from_a_categorical_dtype(values):
    of_dtype = pd.Series(values, dtype=object).astype("category")
    found, expected = (
        categories_of(read_as(column, "col", "category")[1]).tolist()
        for column in (values, of_dtype)
    )
    assert (
        found == expected == [str(v) if v is not None else "(missing)" for v in values]
    )
