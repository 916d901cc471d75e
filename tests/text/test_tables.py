from itertools import chain

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import csv, dataset, parquet

from sklearn_bilstm.text._tables import is_table, parts_of

TEXTS, LABELS = [f"text {i}" for i in range(25)], [i % 3 for i in range(25)]


@pytest.fixture
def folder(tmp_path):
    """A folder with two Parquet files."""
    for name, rows in [("a", slice(0, 20)), ("b", slice(20, 25))]:
        table = pa.table(
            {"text": TEXTS[rows], "label": LABELS[rows], "id": TEXTS[rows]}
        )
        parquet.write_table(table, tmp_path / f"{name}.parquet")
    return tmp_path


def columns_of(source, batch_size=10):
    parts = [*parts_of(source, ["text", "label"], batch_size)]
    assert max(len(part.values("text")) for part in parts) <= batch_size
    return [[*chain(*(p.values(name) for p in parts))] for name in ("text", "label")]


@pytest.mark.parametrize(
    "read",
    [
        dataset.dataset,
        lambda folder: pl.scan_parquet(folder / "*.parquet"),
        lambda folder: pl.read_parquet(folder / "*.parquet"),
        pd.read_parquet,
        parquet.read_table,
    ],
    ids=["dataset", "LazyFrame", "polars", "pandas", "pyarrow"],
)
def test_all_tables_are_read_in_parts(folder, read):
    assert is_table(read(folder))
    assert columns_of(read(folder)) == [TEXTS, LABELS]


@pytest.mark.parametrize("batch", [dict, pd.DataFrame, pa.table])
def test_batches_can_be_tables_or_dicts(batch):
    batches = [
        batch({"text": TEXTS[start : start + 5], "label": LABELS[start : start + 5]})
        for start in range(0, 25, 5)
    ]
    assert columns_of(batches) == [TEXTS, LABELS]


def test_a_column_can_be_the_name_of_folders(tmp_path):
    for label in ("bad", "good"):
        (tmp_path / f"label={label}").mkdir()
        path = tmp_path / f"label={label}" / "part.parquet"
        parquet.write_table(pa.table({"text": [f"so {label}"]}), path)
    source = dataset.dataset(tmp_path, partitioning="hive")
    assert columns_of(source) == [["so bad", "so good"], ["bad", "good"]]


def test_numbers_in_a_later_csv_file_are_texts_as_in_the_first(tmp_path):
    for name, text in [("a.csv", "ab"), ("b.csv", "12")]:
        csv.write_csv(pa.table({"text": [text], "label": [0]}), tmp_path / name)
    source = dataset.dataset(tmp_path, format="csv")
    assert columns_of(source)[0] == ["ab", "12"]


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (
            pa.array([1, 2]),
            r"Column 'text' of the file '.*c\.parquet' must be of .*int",
        ),
        (None, r"There is no column 'text' in the file '.*c\.parquet'.*'label'"),
    ],
)
def test_errors_name_the_file_and_the_column(folder, column, message):
    table = {"label": [0, 1]} if column is None else {"text": column, "label": [0, 1]}
    parquet.write_table(pa.table(table), folder / "c.parquet")
    with pytest.raises(ValueError, match=message):
        columns_of(dataset.dataset(folder))


def test_a_file_without_any_label_has_missing_ones(folder):
    table = pa.table({"text": ["new"], "label": pa.nulls(1)})
    parquet.write_table(table, folder / "c.parquet")
    assert columns_of(dataset.dataset(folder))[1][-1] is None


def test_a_damaged_file_is_named(folder):
    source = dataset.dataset(folder)
    (folder / "b.parquet").write_bytes(b"PAR1" + bytes(100))
    with pytest.raises((ValueError, OSError), match=r"b\.parquet"):
        columns_of(source)


def test_an_unknown_column_of_a_lazy_frame_is_an_error():
    with pytest.raises(ValueError, match="no column 'label' in the LazyFrame"):
        columns_of(pl.LazyFrame({"text": TEXTS}))


def test_batches_without_columns_are_an_error():
    with pytest.raises(ValueError, match="batch 1 is an object of type list"):
        columns_of([{"text": ["a"], "label": [1]}, ["b"]])
    with pytest.raises(ValueError, match="or a function that returns one: got 3"):
        columns_of(3)


def test_hugging_face_datasets_are_read_in_parts():
    datasets = pytest.importorskip("datasets")
    source = datasets.Dataset.from_dict({"text": TEXTS, "label": LABELS})
    assert columns_of(source) == [TEXTS, LABELS]
    assert np.array_equal(columns_of(source)[1], LABELS)
