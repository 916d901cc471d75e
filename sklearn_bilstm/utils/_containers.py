"""What X and y are: the containers that are read, and those that are refused."""

from collections.abc import ItemsView, Iterable, KeysView, Mapping, Sequence, Set
from numbers import Real
from typing import Any

import numpy as np
from scipy import sparse

from sklearn_bilstm.utils._missing import is_missing

__all__ = [
    "as_rows",
    "as_target",
    "channel_names",
    "columns_of",
    "describe",
    "plain",
    "ragged_ids",
    "without_gaps",
]

# Libraries are recognised by their attributes, which spares their import.

_NUMBERS = int, float, np.integer, np.floating


def plain(X: Any, *, name: str = "X") -> Any:
    """Return a container in a form that numpy, scipy, pandas, polars or Arrow has.

    Parameters
    ----------
    X : object
        What a user calls X, or y.
    name : str, default="X"
        What a message calls it.

    Returns
    -------
    X : object
        An array, a sparse matrix, a list, a column or a frame, or whatever is none of
        the containers known here, as it is.

    Raises
    ------
    ValueError
        If X is read by keys, has no order, or is not computed yet.
    """
    if sparse.issparse(X) or _is_plain_array(X):
        return X
    _refuse_fields(X, name)
    if isinstance(X, Set) and not isinstance(X, KeysView | ItemsView):
        raise ValueError(
            f"{name} must be in an order: got an object of type {type(X).__name__}, "
            f"which has none. Put its items into a list, such as sorted({name})."
        )
    _refuse_lazy(X, name)
    if hasattr(X, "detach") and hasattr(X, "numpy"):
        return _of_tensor(X, name)
    if hasattr(X, "with_format") and hasattr(X, "__len__"):  # a Dataset
        return X.with_format("arrow")[:]
    if hasattr(X, "to_pylist") and not hasattr(X, "columns"):  # an array of Arrow
        return X.to_pylist()
    if type(X).__name__ == "DataArray":  # of xarray, whose items are no numbers
        return X.to_numpy()
    return X


def _is_plain_array(X: Any) -> bool:
    return type(X) is np.ndarray and X.dtype.names is None


def _refuse_fields(X: Any, name: str) -> None:
    """Refuse what is iterated by its keys, and not by rows."""
    if isinstance(X, np.ndarray):
        keys = X.dtype.names
    elif isinstance(X, tuple):
        keys = getattr(X, "_fields", None)
    elif isinstance(X, Mapping) or (
        callable(getattr(X, "keys", None)) and not hasattr(X, "iloc")
    ):
        keys = tuple(X.keys())
    else:
        return
    if keys is None:
        return
    shown = ", ".join(map(repr, keys[:4])) + ", ..." * (len(keys) > 4)
    raise ValueError(
        f"{name} must be a list, an array, a column or a frame: got an object of type "
        f"{type(X).__name__} with the keys {shown or 'of none'}. "
        f"{_way_out_of_fields(X, keys, name)}"
    )


def _way_out_of_fields(X: Any, keys: tuple, name: str) -> str:
    if hasattr(X, "batch_sizes"):
        return f"Give torch.nn.utils.rnn.unpack_sequence({name})."
    first = keys[0] if keys else "text"
    field = f".{first}" if isinstance(X, tuple) else f"[{first!r}]"
    if name.endswith("]"):  # it is a row
        return f"Select what it is, as by [row{field} for row in X]."
    return f"Select what holds the rows, such as {name}{field}."


def _refuse_lazy(X: Any, name: str) -> None:
    """Refuse what stands for data that is not computed yet."""
    graph = getattr(X, "__dask_graph__", None)
    if graph is not None and graph() is not None:
        method = "compute"
    elif hasattr(X, "collect") and not hasattr(X, "__len__"):
        method = "collect"
    else:
        return
    raise ValueError(
        f"{name} must hold its data: got an object of type {type(X).__name__}, which "
        f"is not computed yet. Give {name}.{method}()."
    )


def _of_tensor(X: Any, name: str) -> Any:
    if getattr(X, "is_nested", False):
        return [_of_tensor(row, name) for row in X.unbind()]
    if str(getattr(X, "layout", "torch.strided")) != "torch.strided":
        raise ValueError(
            f"{name} must be dense or a sparse array of scipy: got a sparse tensor. "
            f"Give a scipy.sparse.csr_array of it, or {name}.to_dense()."
        )
    X = X.detach().cpu()
    return (X.float() if "bfloat16" in str(X.dtype) else X).numpy()


def describe(thing: Any) -> str:
    """Return what a message calls an object."""
    text = repr(thing)
    if len(text) > 40 or "\n" in text:
        return f"an object of type {type(thing).__name__}"
    return f"{text} of type {type(thing).__name__}"


def columns_of(X: Any) -> tuple[list[str], list] | None:
    """Return the names of the columns of a frame, and the columns, or None.

    Parameters
    ----------
    X : object
        A frame of pandas, polars or pyarrow, or something else.
    """
    if hasattr(X, "column_names") and hasattr(X, "columns"):  # pyarrow
        return list(X.column_names), list(X.columns)
    if not hasattr(X, "columns"):
        return None
    names = [str(name) for name in X.columns]
    if hasattr(X, "iloc"):
        return names, [X.iloc[:, j] for j in range(len(names))]
    if hasattr(X, "get_columns"):
        return names, X.get_columns()
    raise ValueError(
        "X must be a frame of pandas, polars or pyarrow: got an object of type "
        f"{type(X).__name__}. Convert it, for instance by its method to_pandas."
    )


def as_rows(X: Any, *, input_type: str) -> Any:
    """Return rows of token ids or of numbers in a plain form.

    Missing values of integers are padding at the end of a row of ids, and NaN where X
    holds numbers.

    Parameters
    ----------
    X : object
        What a user calls X.
    input_type : {"auto", "tokens", "numeric"}
        As the parameter of the estimators.

    Returns
    -------
    rows : ndarray, sparse matrix, frame or list
        Items of a list are lists, tuples and arrays, or scalars.

    Raises
    ------
    ValueError
        If X or a row is no container of rows, or a token id is missing.
    """
    X = plain(X)
    if sparse.issparse(X) or isinstance(X, str | bytes | None) or _holds_numbers(X):
        return X
    table = columns_of(X)
    if table is not None:
        return _rows_of_frame(X, *table, input_type)
    X = _listed(X)
    if isinstance(X, np.ndarray):
        return without_gaps(X, input_type)
    if isinstance(X, Real) or set(map(type, X)) <= {int, float}:
        return X
    return [_row(row, number, input_type) for number, row in enumerate(X)]


def _holds_numbers(X: Any) -> bool:
    """Return whether X is a frame of pandas that numpy reads as numbers."""
    dtypes = getattr(X, "dtypes", ()) if hasattr(X, "iloc") and X.ndim == 2 else ()
    are_numbers = [isinstance(d, np.dtype) and d.kind in "biuf" for d in dtypes]
    return bool(are_numbers) and all(are_numbers)


def _listed(X: Any) -> Any:
    """Return what holds rows as an array or a list, and a number as it is."""
    if hasattr(X, "to_list") and not isinstance(X, np.ndarray):  # a column
        return X.to_list()
    if isinstance(X, memoryview) or (hasattr(X, "__array__") and not np.isscalar(X)):
        X = X if isinstance(X, np.ndarray) else _array_of(X, "X")
        return list(X) if X.ndim == 1 and X.dtype.kind == "O" else X
    if isinstance(X, Sequence):
        return list(X)
    if isinstance(X, Real):
        return X
    raise ValueError(
        "X must be a list, an array, a sparse matrix or a frame: got an object of type "
        f"{type(X).__name__}. If it gives rows, put them into a list, as list(X) does."
    )


def channel_names(X: Any) -> list[str] | None:
    """Return the column names of a list of frames, one for each series, or None.

    Parameters
    ----------
    X : object
        What a user calls X.

    Raises
    ------
    ValueError
        If the frames have different columns.
    """
    if not isinstance(X, list | tuple) or not X or not hasattr(X[0], "columns"):
        return None
    frames = [(row, columns_of(row)) for row in X if hasattr(row, "columns")]
    names = [table[0] for _, table in frames if table is not None]
    for row, found in enumerate(names):
        if found != names[0]:
            raise ValueError(
                "All series of X must have the same columns in the same order: row 0 "
                f"has {names[0]} and row {row} has {found}."
            )
    return names[0]


def as_target(y: Any, *, name: str = "y") -> Any:
    """Return targets or weights in a plain form, in which None stands for a masked one.

    Parameters
    ----------
    y : object
        What a user calls y.
    name : str, default="y"
        What a message calls it.

    Raises
    ------
    ValueError
        If y is no container of targets.
    """
    y = plain(y, name=name)
    if isinstance(y, np.ma.MaskedArray):
        labels, gaps = np.ma.getdata(y), np.ma.getmaskarray(y)
        if gaps.any():
            labels = labels.astype(object)
            labels[gaps] = None
        return labels
    if isinstance(y, Sequence):
        return y if isinstance(y, list | tuple | str | bytes) else list(y)
    if getattr(getattr(y, "dtype", None), "char", "") == "T":  # StringDType of numpy
        return y.astype(object)
    if isinstance(y, Iterable) and not hasattr(y, "shape"):
        raise ValueError(
            f"{name} must be a list, an array or a column: got an object of type "
            f"{type(y).__name__}. Put what it gives into a list, as list({name}) does."
        )
    return y


def _array_of(thing: Any, name: str) -> np.ndarray:
    try:
        return np.asarray(thing)
    except Exception as error:  # whatever another library raises
        raise ValueError(
            f"{name} must be something that numpy makes an array of: got an object of "
            f"type {type(thing).__name__}, and numpy says: {error}"
        ) from error


def _stacked_columns(columns: list[np.ndarray], name: str) -> np.ndarray:
    try:
        return np.ma.column_stack(columns)
    except TypeError as error:
        dtypes = sorted({str(column.dtype) for column in columns})
        raise ValueError(
            f"{name} must hold columns of numbers: got a frame with the types {dtypes}."
        ) from error


def _row(row: Any, number: int, input_type: str) -> Any:
    """Return a row as a list, a tuple or an array, and a scalar as it is."""
    if type(row) in (list, tuple, str, bytes, int, float):
        return row
    name = f"X[{number}]"
    row = plain(row, name=name)
    has_type = False
    if hasattr(row, "to_numpy"):  # a column, or the frame of a series
        table = columns_of(row)
        has_type = table is None
        columns = [row] if table is None else table[1]
        values = [_column(column) for column in columns]
        row = values[0] if table is None else _stacked_columns(values, name)
    if isinstance(row, np.ndarray):
        return without_gaps(row, input_type, number, has_type)
    if hasattr(row, "__array__"):
        return _array_of(row, name)
    if isinstance(row, Sequence) or row is None or np.isscalar(row) or is_missing(row):
        return list(row) if isinstance(row, Sequence) else row
    raise ValueError(
        f"X must hold rows of token ids or of numbers: row {number} is an object of "
        f"type {type(row).__name__}. Make a list or an array of it."
    )


# -- frames


def _rows_of_frame(X: Any, names: list[str], columns: list, input_type: str) -> Any:
    kinds = {_kind(column) for column in columns}
    if any(hasattr(column, "sparse") for column in columns):  # pandas
        return np.column_stack([np.asarray(column) for column in columns])
    dtypes = [getattr(column, "dtype", None) for column in columns]
    if "O" not in kinds and all(isinstance(dtype, np.dtype) for dtype in dtypes):
        return X
    if kinds <= set("iu"):
        values = np.ma.column_stack([_column(column) for column in columns])
        return without_gaps(values, input_type, has_type=True)
    cells = _nested(columns)
    if cells is None:
        if hasattr(X, "to_pandas") and not hasattr(X, "get_columns"):  # pyarrow
            return np.column_stack([column.to_numpy() for column in columns])
        has_objects = "O" in kinds and hasattr(X, "iloc")
        return without_gaps(np.asarray(X), input_type) if has_objects else X
    if len(columns) == 1:
        return as_rows(cells[0], input_type=input_type)
    return _channels(cells, names)


def _kind(column: Any) -> str:
    """Return the letter that numpy has for the type of a column."""
    dtype: Any = getattr(column, "dtype", None)
    if hasattr(dtype, "kind"):
        return dtype.kind
    if hasattr(dtype, "is_integer"):  # polars
        return "i" if dtype.is_integer() else "O"
    is_integer = str(getattr(column, "type", "")).startswith(("int", "uint"))
    return "i" if is_integer else "O"


def _column(column: Any) -> np.ndarray:
    """Return a column, with a mask where integers are missing."""
    if isinstance(getattr(column, "dtype", None), np.dtype):
        return column.to_numpy()
    if _kind(column) not in "iu":
        return np.asarray(column.to_numpy())
    if hasattr(column, "isna"):  # pandas
        values = column.to_numpy(dtype=np.int64, na_value=0)
        return np.ma.masked_array(values, column.isna().to_numpy())
    return np.ma.masked_array(
        np.asarray(column.fill_null(0)), np.asarray(column.is_null())
    )


def _nested(columns: list) -> list[list] | None:
    """Return the cells of columns if all hold rows of their own, or None."""
    cells = []
    for column in columns:
        if _kind(column) != "O":
            return None
        is_arrow = hasattr(column, "to_pylist")
        found = column.to_pylist() if is_arrow else column.to_list()
        if not found or not all(map(_is_nested, found)):
            return None
        cells.append(found)
    return cells or None


def _is_nested(cell: Any) -> bool:
    if isinstance(cell, str | bytes):
        return False
    return isinstance(cell, Sequence) or getattr(cell, "ndim", 0) == 1


def _channels(cells: list[list], names: list[str]) -> list[np.ndarray]:
    """Return series of several channels, one in each column of a nested frame."""
    if not all(hasattr(cell, "to_numpy") for column in cells for cell in column):
        raise ValueError(
            f"X must hold rows in a single column: got a frame whose columns {names} "
            f"all hold lists. Select one, such as X[{names[0]!r}]; series of several "
            "channels come as a list of arrays of shape (n_timesteps, n_channels)."
        )
    rows = []
    for number, row in enumerate(zip(*cells, strict=True)):
        lengths = {len(channel) for channel in row}
        if len(lengths) > 1:
            raise ValueError(
                "X must hold channels of one length in a row: those of row "
                f"{number} have {sorted(lengths)} steps."
            )
        rows.append(np.column_stack([channel.to_numpy() for channel in row]))
    return rows


# -- missing values


def without_gaps(
    values: np.ndarray, input_type: str, row: int | None = None, has_type: bool = False
) -> np.ndarray:
    """Return an array without a mask, and integers among objects as integers.

    Parameters
    ----------
    values : ndarray or MaskedArray
    input_type : {"auto", "tokens", "numeric"}
        As the parameter of the estimators.
    row : int or None, default=None
        Which row of X it is. None means that it is all of them.
    has_type : bool, default=False
        Whether missing integers are still integers under "auto". Those that a mask of
        numpy hides are gaps in numbers.

    Raises
    ------
    ValueError
        If a token id is missing before the last one of its row.
    """
    if values.dtype.kind == "O":
        values, has_type = _of_objects(values), True
    if not isinstance(values, np.ma.MaskedArray):
        return values
    kind = values.dtype.kind
    may_be_ids = kind in "iu" and values.ndim == (2 if row is None else 1)
    if may_be_ids and (input_type == "tokens" or (has_type and input_type == "auto")):
        return _padded_ids(values, row)
    gaps = np.ma.getmaskarray(values)
    if kind not in "biuf":
        objects = np.ma.getdata(values).astype(object)
        objects[gaps] = None
        return objects
    floats = np.array(values.data, dtype=values.dtype if kind == "f" else np.float64)
    floats[gaps] = np.nan
    return floats


def _of_objects(values: np.ndarray) -> np.ndarray:
    """Return integers, and floats with gaps, as numbers, and all else as it is."""
    cells = np.ma.getdata(values)
    is_gap = [is_missing(cell) and not isinstance(cell, float) for cell in cells.flat]
    gaps = np.ma.getmaskarray(values) | np.reshape(is_gap, cells.shape).astype(bool)
    kinds = {type(cell) for cell in cells[~gaps]}
    if bool in kinds or not kinds or not all(issubclass(k, _NUMBERS) for k in kinds):
        return values
    whole = all(issubclass(kind, int | np.integer) for kind in kinds)
    try:
        known = np.where(gaps, 0, cells).astype(np.int64 if whole else np.float64)
    except OverflowError:
        return values
    return np.ma.masked_array(known, gaps) if gaps.any() else known


def _padded_ids(values: np.ma.MaskedArray, row: int | None) -> np.ndarray:
    """Return ids with padding where they are missing at the end of a row."""
    gaps = np.ma.getmaskarray(values)
    ids = values.filled(0)
    has_id_later = np.logical_or.accumulate(((ids != 0) & ~gaps)[..., ::-1], axis=-1)
    places = np.argwhere(gaps & has_id_later[..., ::-1])
    if len(places):
        found = int(places[0][0]) if row is None else row
        raise ValueError(
            f"X must hold token ids without a gap: row {found} has a missing one "
            "before its last. Missing ids at the end of a row are padding, and 1 is "
            "the id of an unknown token; input_type='numeric' is for numbers."
        )
    if row is None:
        return ids
    return ids[: int((~gaps).nonzero()[0][-1]) + 1 if not gaps.all() else 0]


# -- rows of unequal length


def ragged_ids(
    X: Any, *, input_type: str, of_one_length: bool = False
) -> sparse.csr_array | None:
    """Return lists of token ids of unequal length as a matrix.

    Parameters
    ----------
    X : list or object
        What :func:`as_rows` returns.
    input_type : {"auto", "tokens", "numeric"}
    of_one_length : bool, default=False
        Whether to read lists of one length, too, which could be rows of a matrix.

    Returns
    -------
    ids : csr_array of shape (n_samples, longest), or None
        None if X is something else.

    Raises
    ------
    ValueError
        If an id does not fit into 64 bits.
    """
    if input_type == "numeric" or not isinstance(X, list):
        return None
    if not all(isinstance(row, list | tuple | np.ndarray) for row in X):
        return None
    lengths = [len(row) for row in X]
    if len(set(lengths)) < 2 and not (of_one_length and any(lengths)):
        return None
    try:
        arrays = [np.asarray(row) for row in X]
    except ValueError:  # nested lists of unequal length
        return None
    if any(row.ndim != 1 for row in arrays):
        return None
    rows = [without_gaps(row, "auto", number) for number, row in enumerate(arrays)]
    kinds = {row.dtype.kind for row in rows if len(row)}
    if not kinds <= set("iu" if input_type == "auto" else "iuf"):
        return None
    return _matrix_of(rows)


def _matrix_of(rows: list[np.ndarray]) -> sparse.csr_array:
    lengths = [len(row) for row in rows]
    ends = np.cumsum([0, *lengths])
    values = np.concatenate([row for row in rows if len(row)])
    columns = np.arange(len(values)) - np.repeat(ends[:-1], lengths)
    return sparse.csr_array((values, columns, ends), (len(rows), max(1, *lengths)))
