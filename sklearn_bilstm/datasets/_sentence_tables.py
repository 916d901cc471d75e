"""Sentences from tables: a row for each token, or a row for each sentence."""

from collections.abc import Mapping, Sequence
from numbers import Integral, Number
from os import PathLike
from typing import Any

import numpy as np
from sklearn.utils import Bunch

from sklearn_bilstm.utils._missing import is_missing, is_missing_label
from sklearn_bilstm.utils._sklearn import StrOptions, validate_params

__all__ = ["sentences_from_dataset", "sentences_from_frame"]

_MISSING = StrOptions({"raise", "ignore"})


@validate_params(
    {
        "sentence": [str, list],
        "token": [str],
        "label": [str, None],
        "missing": [_MISSING],
        "return_X_y": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def sentences_from_frame(
    frame: Any,
    *,
    sentence: str | list[str] = "Sentence #",
    token: str = "Word",
    label: str | None = "Tag",
    missing: str = "raise",
    return_X_y: bool = False,
) -> Bunch | tuple[list, list | None]:
    """Return the sentences of a frame with a row for each token.

    The default names are those of a widespread CSV file of named entities, whose
    encoding is "latin-1". Read such files with `pandas.read_csv(path,
    keep_default_na=False, encoding="latin-1")`: otherwise, tokens such as "null" or
    "NA" are read as missing values.

    Parameters
    ----------
    frame : DataFrame
        Frame of pandas or polars, with the tokens of a sentence in consecutive rows.
    sentence : str or list of str, default="Sentence #"
        Column with the id of the sentence. Missing values and blank strings are filled
        with the previous id. Several columns, such as those of the document and of the
        sentence, identify sentences together.
    token : str, default="Word"
        Column of the tokens.
    label : str or None, default="Tag"
        Column of the labels. None if there are none.
    missing : {"raise", "ignore"}, default="raise"
        Whether missing labels raise an error. "ignore" returns None instead of the
        label of a token, and instead of the labels of a sentence without any label.
        Labels that are None, NaN, NA, -100 or a blank string are missing.
    return_X_y : bool, default=False
        Whether to return `(data, target)` instead of a Bunch.

    Returns
    -------
    sentences : :class:`~sklearn.utils.Bunch`
        data : list of list of str
            Tokens of each sentence.
        target : list of list or None
            Labels of each sentence. None if `label` is None.
        sentence : list
            Id of each sentence, a tuple if there are several columns.

    Raises
    ------
    ValueError
        If a column does not exist, the first row has no sentence, the rows of a
        sentence are not consecutive, a token is not a string, or a label is missing.
        The message names the row, counted from 0.

    See Also
    --------
    load_conll : Load files with a token and its label per line.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_bilstm.datasets import sentences_from_frame
    >>> frame = pd.DataFrame(
    ...     {
    ...         "Sentence #": ["Sentence: 1", None, "Sentence: 2"],
    ...         "Word": ["Anna", "left", "Stop"],
    ...         "Tag": ["B-PER", "O", "O"],
    ...     }
    ... )
    >>> sentences_from_frame(frame, return_X_y=True)
    ([['Anna', 'left'], ['Stop']], [['B-PER', 'O'], ['O']])
    """
    names = [sentence] if isinstance(sentence, str) else sentence
    ids = _filled_ids([_column(frame, name) for name in names], names)
    tokens = _column(frame, token)
    labels = None if label is None else _column(frame, label)
    if not tokens:
        raise ValueError("frame must contain at least one row: got none.")
    _check_tokens(tokens, ids, token)
    starts = _starts(ids)
    stops = [*starts[1:], len(ids)]
    rows = [slice(*pair) for pair in zip(starts, stops, strict=True)]
    data = [tokens[row] for row in rows]
    target = None
    if labels is not None:
        label_rows = [labels[row] for row in rows]
        _check_labels(label_rows, data, starts, label, missing)
        target = [_known_labels(label_row) for label_row in label_rows]
    if return_X_y:
        return data, target
    sentences = [ids[start] if len(names) > 1 else ids[start][0] for start in starts]
    return Bunch(data=data, target=target, sentence=sentences)


def _column(frame: Any, name: str) -> list:
    """Return a column as a list of Python objects."""
    if isinstance(frame, str | PathLike):
        raise ValueError(
            f"frame must be a DataFrame: got the path {str(frame)!r}. Read a CSV file "
            "with pandas.read_csv(path, keep_default_na=False)."
        )
    columns = list(getattr(frame, "columns", []))
    if name not in columns:
        raise ValueError(
            f"frame must be a DataFrame with the column {name!r}: got "
            f"{f'the columns {columns}' if columns else type(frame).__name__}. Set the "
            "parameters 'sentence', 'token' and 'label'."
        )
    return np.asarray(frame[name], dtype=object).tolist()


def _filled_ids(columns: list[list], names: list[str]) -> list[tuple]:
    """Return the ids of the sentence of each row, filled forward."""
    filled = []
    for name, column in zip(names, columns, strict=True):
        last: Any = None
        values = []
        for row, value in enumerate(column):
            if not (is_missing(value) or _is_blank(value)):
                last = value
            elif row == 0:
                raise ValueError(
                    f"The column {name!r} must contain a sentence in the first row, "
                    f"with which the gaps behind it are filled: row 0 has {value!r}."
                )
            values.append(last)
        filled.append(values)
    return list(zip(*filled, strict=True))


def _starts(ids: list[tuple]) -> list[int]:
    """Return the first row of each sentence, whose rows must be consecutive."""
    starts = [row for row in range(len(ids)) if row == 0 or ids[row] != ids[row - 1]]
    seen: dict[tuple, int] = {}
    for start in starts:
        if ids[start] in seen:
            shown = ids[start] if len(ids[start]) > 1 else ids[start][0]
            raise ValueError(
                "The rows of a sentence must be consecutive: sentence "
                f"{shown!r} begins in row {seen[ids[start]]}, and again in row "
                f"{start}. Sort the frame, or pass several columns that identify a "
                "sentence together."
            )
        seen[ids[start]] = start
    return starts


def _check_tokens(tokens: list, ids: list[tuple], column: str) -> None:
    for row, token in enumerate(tokens):
        if not isinstance(token, str) or not token:
            advice = ""
            if is_missing(token):
                advice = " Read a CSV file with keep_default_na=False, since pandas "
                advice += "reads tokens such as 'null' or 'NA' as missing values."
            elif isinstance(token, Number):
                advice = " Convert numbers with astype(str), or read a CSV file with "
                advice += f"dtype={{{column!r}: str}}."
            raise ValueError(
                f"The column {column!r} must contain tokens, which are non-empty "
                f"strings: row {row}, of sentence {ids[row][-1]!r}, contains "
                f"{token!r}.{advice}"
            )


def _check_labels(
    target: list[list],
    data: list[list],
    starts: list[int],
    column: str | None,
    missing: str,
) -> None:
    """Raise an error for labels that are missing, or neither strings nor ints."""
    for start, labels, tokens in zip(starts, target, data, strict=True):
        for index, (name, token) in enumerate(zip(labels, tokens, strict=True)):
            if _is_missing_label(name):
                if missing == "ignore":
                    continue
            elif isinstance(name, str | Integral):
                continue
            is_unlabelled = all(map(_is_missing_label, labels))
            detail = (
                f"sentence of {token!r} has no label" if is_unlabelled else f"{token!r}"
            )
            raise ValueError(
                f"The column {column!r} must contain a label for each token, a "
                f"string that is not blank or an int: row {start + index}, {detail}, "
                f"contains {name!r}. Set missing='ignore' for tokens without a label, "
                "or label=None if there are no labels."
            )


def _known_labels(labels: list) -> list | None:
    """Return labels with None for the missing ones, or None if there are no others."""
    values = [None if _is_missing_label(label) else label for label in labels]
    return None if all(label is None for label in values) else values


def _is_missing_label(label: Any) -> bool:
    return is_missing_label(label) or _is_blank(label)


def _is_blank(value: Any) -> bool:
    return isinstance(value, str) and not value.strip()


@validate_params(
    {
        "token": [str],
        "label": [str, None],
        "return_X_y": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def sentences_from_dataset(
    dataset: Any,
    *,
    token: str = "tokens",
    label: str | None = "ner_tags",
    return_X_y: bool = False,
) -> Bunch | tuple[list, list | None]:
    """Return the sentences of a dataset with a row for each sentence.

    It is meant for datasets of Hugging Face, whose labels are the indices of the names
    of a `ClassLabel`.

    Parameters
    ----------
    dataset : datasets.Dataset, or mapping of column names to columns
        A split of a dataset, such as `load_dataset(...)["train"]`.
    token : str, default="tokens"
        Column with the tokens of each sentence.
    label : str or None, default="ner_tags"
        Column with the labels of each sentence. Indices of a `ClassLabel` are replaced
        by its names, and -100 by None. None if there are no labels.
    return_X_y : bool, default=False
        Whether to return `(data, target)` instead of a Bunch.

    Returns
    -------
    sentences : :class:`~sklearn.utils.Bunch`
        data : list of list of str
            Tokens of each sentence.
        target : list of list or None
            Labels of each sentence. None if `label` is None.

    Raises
    ------
    ValueError
        If the dataset has several splits, a column does not exist, or a sentence has
        another number of labels than of tokens, a token that is not a string, or a
        label without a name. The message names the row and the token.

    Examples
    --------
    >>> from sklearn_bilstm.datasets import sentences_from_dataset
    >>> rows = {"tokens": [["Anna", "left"]], "ner_tags": [["B-PER", "O"]]}
    >>> sentences_from_dataset(rows, return_X_y=True)
    ([['Anna', 'left']], [['B-PER', 'O']])
    """
    data = [list(row) for row in _dataset_column(dataset, token)]
    for row, tokens in enumerate(data):
        for index, word in enumerate(tokens):
            if not isinstance(word, str):
                raise ValueError(
                    f"The column {token!r} must contain lists of strings: token "
                    f"{index} of row {row} is {word!r}."
                )
    target = None if label is None else _named_labels(dataset, label, data)
    return (data, target) if return_X_y else Bunch(data=data, target=target)


def _dataset_column(dataset: Any, name: str) -> Sequence:
    columns = list(getattr(dataset, "column_names", dataset))
    if isinstance(getattr(dataset, "column_names", None), Mapping):
        raise ValueError(
            "dataset must be a single split: got several, such as "
            f"dataset[{columns[0]!r}]."
        )
    if name not in columns:
        raise ValueError(
            f"dataset must have the column {name!r}: got {columns}. Set the parameters "
            "'token' and 'label'."
        )
    return dataset[name]


def _named_labels(dataset: Any, column: str, data: list[list]) -> list[list]:
    """Return the labels of each sentence, with the names of a ClassLabel."""
    feature = getattr(dataset, "features", {}).get(column)
    names = getattr(getattr(feature, "feature", None), "names", None)
    target = [list(row) for row in _dataset_column(dataset, column)]
    if len(target) != len(data):
        raise ValueError(
            f"The column {column!r} must have a row for each sentence: got "
            f"{len(target)} rows for {len(data)} sentences."
        )
    for row, (labels, tokens) in enumerate(zip(target, data, strict=True)):
        if len(labels) != len(tokens):
            raise ValueError(
                f"The column {column!r} must contain a label for each token: row {row} "
                f"has {len(labels)} labels for {len(tokens)} tokens."
            )
        for index, code in enumerate(labels):
            if is_missing_label(code):
                labels[index] = None
            elif names is not None and isinstance(code, Integral):
                if not 0 <= int(code) < len(names):
                    raise ValueError(
                        f"The column {column!r} must contain indices of "
                        f"{len(names)} names: row {row} has {code} for "
                        f"{tokens[index]!r}."
                    )
                labels[index] = names[int(code)]
    return target
