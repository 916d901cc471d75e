import io
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import polars as pl
import pytest

from sklearn_bilstm.datasets import sentences_from_dataset, sentences_from_frame
from tests.helpers import small_tagger

# As in the CSV files that name the sentence in its first row only.
CSV = """Sentence #,Word,POS,Tag
Sentence: 1,Anna,NNP,B-PER
,left,VBD,O
Sentence: 2,null,NN,O
,.,.,O
"""
ROWS = [["Anna", "left"], ["null", "."]], [["B-PER", "O"], ["O", "O"]]


def frame_of(sentence, word, tag):
    return pd.DataFrame({"Sentence #": sentence, "Word": word, "Tag": tag})


def test_gaps_in_the_sentence_column_are_filled():
    frame = pd.read_csv(io.StringIO(CSV), keep_default_na=False)
    found = sentences_from_frame(frame)
    assert (found.data, found.target) == ROWS
    assert found.sentence == ["Sentence: 1", "Sentence: 2"]
    assert sentences_from_frame(frame, label="POS").target[0] == ["NNP", "VBD"]
    X, y = sentences_from_frame(frame, label=None, return_X_y=True)
    assert (X, y) == (ROWS[0], None)


def test_frames_of_polars_are_read_too():
    frame = pl.read_csv(io.StringIO(CSV))
    assert sentences_from_frame(frame, return_X_y=True) == ROWS


def test_a_filled_frame_has_the_same_sentences():
    frame = pd.read_csv(io.StringIO(CSV), keep_default_na=False)
    filled = frame.replace("", None).ffill()
    assert sentences_from_frame(filled, return_X_y=True) == ROWS


def test_several_columns_identify_a_sentence_together():
    frame = pd.DataFrame({"d": [1, 1, 2], "s": [1, 2, 1], "w": list("abc")})
    found = sentences_from_frame(frame, sentence=["d", "s"], token="w", label=None)
    assert found.data == [["a"], ["b"], ["c"]]
    assert found.sentence == [(1, 1), (1, 2), (2, 1)]


def test_missing_labels_can_be_ignored():
    frame = frame_of([1, 1, 2], ["a", "b", "c"], ["X", None, None])
    found = sentences_from_frame(frame, missing="ignore")
    assert found.target == [["X", None], None]
    tagger = small_tagger(scheme=None).fit(found.data, found.target)
    assert tagger.classes_.tolist() == ["X"]


def test_empty_cells_of_labels_are_missing():
    text = CSV.replace("VBD,O", "VBD,").replace("NN,O", "NN, ").replace(".,.,O", ".,.,")
    frame = pd.read_csv(io.StringIO(text), keep_default_na=False)
    found = sentences_from_frame(frame, missing="ignore")
    assert found.target == [["B-PER", None], None]
    with pytest.raises(ValueError, match="row 1, 'left', contains ''. Set missing="):
        sentences_from_frame(frame)


def test_sentences_of_blanks_are_filled():
    frame = frame_of(["1", " ", "2", "\t"], list("abcd"), list("OOOO"))
    found = sentences_from_frame(frame)
    assert found.data == [["a", "b"], ["c", "d"]]
    assert found.sentence == ["1", "2"]


def test_a_path_instead_of_a_frame_raises():
    for path in ("names.csv", Path("names.csv")):
        with pytest.raises(ValueError, match=r"got the path 'names.csv'.*read_csv\("):
            sentences_from_frame(path)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (frame_of([None, 1], ["a", "b"], ["O", "O"]), "first row.*row 0 has"),
        (frame_of(["  ", 1], ["a", "b"], ["O", "O"]), "first row.*row 0 has '  '"),
        (frame_of([1, 2, 1], list("abc"), list("OOO")), "begins in row 0, and.*row 2"),
        (
            frame_of([1, 1], ["a", None], ["O", "O"]),
            "row 1, of sentence 1.*keep_default",
        ),
        (
            frame_of([1, 1], ["a", 7], ["O", "O"]),
            r"non-empty strings: row 1.*contains 7. Convert.*astype\(str\)",
        ),
        (frame_of([1, 1], ["a", "b"], ["O", None]), "row 1, 'b', contains nan"),
        (frame_of([1, 2], ["a", "b"], ["O", None]), "sentence of 'b' has no label"),
        (frame_of([1, 1], ["a", "b"], ["O", 1.5]), "row 1, 'b', contains 1.5"),
        (frame_of([1, 1], ["a", "b"], ["O", " "]), "row 1, 'b', contains ' '"),
        (frame_of([], [], []), "at least one row"),
        (pd.DataFrame({"word": ["a"]}), "column 'Sentence #': got the columns"),
        (["a"], "column 'Sentence #': got list"),
    ],
)
def test_errors_name_the_row(frame, message):
    with pytest.raises(ValueError, match=message):
        sentences_from_frame(frame)


def test_invalid_parameters_raise():
    with pytest.raises(ValueError, match="'missing' parameter"):
        sentences_from_frame(frame_of([1], ["a"], ["O"]), missing="drop")


# -- a row for each sentence


class Table(dict):
    """Columns with the attributes of a dataset of Hugging Face."""

    def __init__(self, names, **columns):
        super().__init__(columns)
        self.column_names = list(columns)
        label = SimpleNamespace(feature=SimpleNamespace(names=names))
        self.features = {"ner_tags": label}


def test_indices_of_a_class_label_become_names():
    table = Table(["O", "B-PER"], tokens=[["Anna", "left"], []], ner_tags=[[1, 0], []])
    found = sentences_from_dataset(table)
    assert found.data == [["Anna", "left"], []]
    assert found.target == [["B-PER", "O"], []]


def test_ignored_labels_become_none():
    table = Table(["O", "B-PER"], tokens=[["An", "na"]], ner_tags=[[1, -100]])
    assert sentences_from_dataset(table).target == [["B-PER", None]]


def test_labels_without_names_are_kept():
    table = {"words": [["a", "b"]], "pos": [["X", "Y"]]}
    found = sentences_from_dataset(table, token="words", label="pos", return_X_y=True)
    assert found == ([["a", "b"]], [["X", "Y"]])
    assert sentences_from_dataset(table, token="words", label=None).target is None


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"tokens": [["a", "b"]], "ner_tags": [[0]]}, "row 0 has 1 labels for 2"),
        ({"tokens": [["a"], ["b"]], "ner_tags": [[0], [5]]}, "row 1 has 5 for 'b'"),
        ({"tokens": [["a", 3]], "ner_tags": [[0, 0]]}, "token 1 of row 0 is 3"),
        ({"tokens": [["a"]], "ner_tags": []}, "0 rows for 1 sentences"),
        ({"tokens": [["a"]], "tags": [[0]]}, "the column 'ner_tags': got"),
    ],
)
def test_errors_name_row_and_token(columns, message):
    with pytest.raises(ValueError, match=message):
        sentences_from_dataset(Table(["O"], **columns))


def test_several_splits_raise():
    splits = {"train": {}, "test": {}}
    dataset = SimpleNamespace(column_names={"train": ["tokens"], "test": ["tokens"]})
    with pytest.raises(ValueError, match=r"several, such as dataset\['train'\]"):
        sentences_from_dataset(dataset)
    with pytest.raises(ValueError, match=r"the column 'tokens': got \['train'"):
        sentences_from_dataset(splits)


def test_datasets_of_hugging_face_are_read():
    datasets = pytest.importorskip("datasets")
    features = datasets.Features(
        {
            "tokens": datasets.Sequence(datasets.Value("string")),
            "ner_tags": datasets.Sequence(datasets.ClassLabel(names=["O", "B-PER"])),
        }
    )
    rows = {"tokens": [["Anna", "left"], ["Ben"]], "ner_tags": [[1, 0], [1]]}
    dataset = datasets.Dataset.from_dict(rows, features=features)
    found = sentences_from_dataset(dataset, return_X_y=True)
    assert found == ([["Anna", "left"], ["Ben"]], [["B-PER", "O"], ["B-PER"]])
    with pytest.raises(ValueError, match=r"dataset\['train'\]"):
        sentences_from_dataset(datasets.DatasetDict({"train": dataset}))
