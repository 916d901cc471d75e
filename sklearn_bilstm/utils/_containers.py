"""Conversion and validation of the containers of X and y."""

from collections.abc import ItemsView, Iterable, KeysView, Mapping, Sequence, Set
from numbers import Real
from typing import Any

import numpy as np

from sklearn_bilstm.utils._missing import is_missing
from sklearn_bilstm.utils._sparse import is_sparse

__all__ = [
    "LIST_METHODS",
    "as_rows",
    "as_target",
    "channel_names",
    "columns_of",
    "describe",
    "lists_of_ids",
    "resolve_masked",
    "to_list",
    "unwrap_container",
]

# Libraries are recognised by attributes, to avoid importing them.

_NUMBERS = int, float, np.integer, np.floating

# Methods that convert a column of Arrow, of pandas or polars, or an array to a list.
LIST_METHODS = "to_pylist", "to_list", "tolist"


def unwrap_container(X: Any, *, name: str = "X") -> Any:
    """Convert a container to one of NumPy, SciPy, pandas, polars or Arrow.

    Parameters
    ----------
    X : object
        X or y as passed by the user.
    name : str, default="X"
        Name in error messages.

    Returns
    -------
    X : object
        An array, a sparse matrix, a list, a column or a frame. Unknown containers are
        returned unchanged.

    Raises
    ------
    ValueError
        If X is a mapping, has no order, or is lazy.
    """
    if is_sparse(X) or _is_plain_array(X):
        return X
    _reject_mapping(X, name)
    if isinstance(X, Set) and not isinstance(X, KeysView | ItemsView):
        raise ValueError(
            f"{name} must be ordered: got an object of type {type(X).__name__}. "
            f"Convert it to a list, for instance with sorted({name})."
        )
    _reject_lazy(X, name)
    if hasattr(X, "detach") and hasattr(X, "numpy"):
        return _from_tensor(X, name)
    if hasattr(X, "with_format") and hasattr(X, "__len__"):  # Hugging Face Dataset
        return X.with_format("arrow")[:]
    if hasattr(X, "to_pylist") and not hasattr(X, "columns"):  # Arrow array
        return X.to_pylist()
    if type(X).__name__ == "DataArray":  # xarray, whose items are arrays
        return X.to_numpy()
    return X


def _is_plain_array(X: Any) -> bool:
    return type(X) is np.ndarray and X.dtype.names is None


def _reject_mapping(X: Any, name: str) -> None:
    """Raise an error for containers that are iterated by key rather than by row."""
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
        f"{type(X).__name__} with keys {shown or '(none)'}. "
        f"{_advice_for_mapping(X, keys, name)}"
    )


def _advice_for_mapping(X: Any, keys: tuple, name: str) -> str:
    if hasattr(X, "batch_sizes"):
        return f"Pass torch.nn.utils.rnn.unpack_sequence({name})."
    first = keys[0] if keys else "text"
    field = f".{first}" if isinstance(X, tuple) else f"[{first!r}]"
    if name.endswith("]"):  # it is a row
        return f"Select a field of each row, such as [row{field} for row in X]."
    return f"Select the field with the rows, such as {name}{field}."


def _reject_lazy(X: Any, name: str) -> None:
    """Raise an error for lazy containers."""
    graph = getattr(X, "__dask_graph__", None)
    if graph is not None and graph() is not None:
        method = "compute"
    elif hasattr(X, "collect") and not hasattr(X, "__len__"):
        method = "collect"
    else:
        return
    raise ValueError(
        f"{name} must not be lazy: got an object of type {type(X).__name__}, which is "
        f"not computed yet. Pass {name}.{method}()."
    )


def _from_tensor(X: Any, name: str) -> Any:
    if getattr(X, "is_nested", False):
        return [_from_tensor(row, name) for row in X.unbind()]
    if str(getattr(X, "layout", "torch.strided")) != "torch.strided":
        raise ValueError(
            f"{name} must be dense or a SciPy sparse array: got a sparse tensor. "
            f"Convert it to a scipy.sparse.csr_array, or pass {name}.to_dense()."
        )
    X = X.detach().cpu()
    return (X.float() if "bfloat16" in str(X.dtype) else X).numpy()


def to_list(column: Any) -> list:
    """Return the values of a column, an array or another iterable in a list."""
    for method in LIST_METHODS:
        if hasattr(column, method):
            return getattr(column, method)()
    return list(column)


def describe(value: Any) -> str:
    """Return a description of an object for an error message."""
    text = repr(value)
    if len(text) > 40 or "\n" in text:
        return f"an object of type {type(value).__name__}"
    return f"{text} of type {type(value).__name__}"


def columns_of(X: Any) -> tuple[list[str], list] | None:
    """Return the column names and the columns of a frame; None for other objects.

    Parameters
    ----------
    X : object
        A pandas, polars or pyarrow frame, or any other object.
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
        "X must be a pandas, polars or pyarrow frame: got an object of type "
        f"{type(X).__name__}. Convert it, for instance with its to_pandas method."
    )


def as_rows(X: Any, *, input_type: str) -> Any:
    """Convert a container of rows of token ids or numbers.

    Missing integers are padding at the end of a row of token ids, and NaN in numeric
    input.

    Parameters
    ----------
    X : object
        X as passed by the user.
    input_type : {"auto", "tokens", "numeric"}
        Parameter of the estimators.

    Returns
    -------
    rows : ndarray, sparse matrix, frame or list
        Items of a list are lists, tuples, arrays or scalars.

    Raises
    ------
    ValueError
        If X or a row is not a supported container, or a token id is missing.
    """
    X = unwrap_container(X)
    if is_sparse(X) or isinstance(X, str | bytes | None) or _holds_numbers(X):
        return X
    table = columns_of(X)
    if table is not None:
        return _rows_of_frame(X, *table, input_type)
    X = _array_or_list(X)
    if isinstance(X, np.ndarray):
        return resolve_masked(X, input_type)
    if isinstance(X, Real) or set(map(type, X)) <= {int, float}:
        return X
    return [_row(row, number, input_type) for number, row in enumerate(X)]


def _holds_numbers(X: Any) -> bool:
    """Return whether X is a pandas frame that NumPy converts to numbers."""
    dtypes = getattr(X, "dtypes", ()) if hasattr(X, "iloc") and X.ndim == 2 else ()
    are_numbers = [isinstance(d, np.dtype) and d.kind in "biuf" for d in dtypes]
    return bool(are_numbers) and all(are_numbers)


def _array_or_list(X: Any) -> Any:
    """Convert a container of rows to an array or a list; numbers are unchanged."""
    if hasattr(X, "to_list") and not isinstance(X, np.ndarray):  # a column
        return X.to_list()
    if isinstance(X, memoryview) or (hasattr(X, "__array__") and not np.isscalar(X)):
        X = X if isinstance(X, np.ndarray) else _as_array(X, "X")
        return list(X) if X.ndim == 1 and X.dtype.kind == "O" else X
    if isinstance(X, Sequence):
        return list(X)
    if isinstance(X, Real):
        return X
    raise ValueError(
        "X must be a list, an array, a sparse matrix or a frame: got an object of type "
        f"{type(X).__name__}. If it iterates over rows, pass list(X)."
    )


def channel_names(X: Any) -> list[str] | None:
    """Return the column names of a list of frames, one per series; otherwise None.

    Parameters
    ----------
    X : object
        X as passed by the user.

    Raises
    ------
    ValueError
        If the frames have different columns.
    """
    if not isinstance(X, list | tuple) or not X or not hasattr(X[0], "columns"):
        return None
    frames = [(row, columns_of(row)) for row in X if hasattr(row, "columns")]
    names = [table[0] for _, table in frames if table is not None]
    for row, names_of_row in enumerate(names):
        if names_of_row != names[0]:
            raise ValueError(
                "All series of X must have the same columns in the same order: row 0 "
                f"has {names[0]} and row {row} has {names_of_row}."
            )
    return names[0]


def as_target(y: Any, *, name: str = "y") -> Any:
    """Convert a container of targets or weights; masked entries become None.

    Parameters
    ----------
    y : object
        y as passed by the user.
    name : str, default="y"
        Name in error messages.

    Raises
    ------
    ValueError
        If y is not a supported container.
    """
    y = unwrap_container(y, name=name)
    if isinstance(y, np.ma.MaskedArray):
        labels, gaps = np.ma.getdata(y), np.ma.getmaskarray(y)
        if gaps.any():
            labels = labels.astype(object)
            labels[gaps] = None
        return labels
    if isinstance(y, Sequence):
        return y if isinstance(y, list | tuple | str | bytes) else list(y)
    if getattr(getattr(y, "dtype", None), "char", "") == "T":  # NumPy's StringDType
        return y.astype(object)
    if isinstance(y, Iterable) and not hasattr(y, "shape"):
        raise ValueError(
            f"{name} must be a list, an array or a column: got an object of type "
            f"{type(y).__name__}. Pass list({name})."
        )
    return y


def _as_array(value: Any, name: str) -> np.ndarray:
    try:
        return np.asarray(value)
    except Exception as error:  # other libraries can raise any exception
        raise ValueError(
            f"{name} must be convertible to a NumPy array: got an object of type "
            f"{type(value).__name__} ({error})."
        ) from error


def _stacked_columns(columns: list[np.ndarray], name: str) -> np.ndarray:
    try:
        return np.ma.column_stack(columns)
    except TypeError as error:
        dtypes = sorted({str(column.dtype) for column in columns})
        raise ValueError(
            f"{name} must have numeric columns: got a frame with dtypes {dtypes}."
        ) from error


def _row(row: Any, number: int, input_type: str) -> Any:
    """Convert a row to a list, a tuple or an array; scalars are unchanged."""
    if type(row) in (list, tuple, str, bytes, int, float):
        return row
    name = f"X[{number}]"
    row = unwrap_container(row, name=name)
    has_type = False
    if hasattr(row, "to_numpy"):  # a column, or the frame of a series
        table = columns_of(row)
        has_type = table is None
        columns = [row] if table is None else table[1]
        values = [_column(column) for column in columns]
        row = values[0] if table is None else _stacked_columns(values, name)
    if isinstance(row, np.ndarray):
        return resolve_masked(row, input_type, number, has_type)
    if hasattr(row, "__array__"):
        return _as_array(row, name)
    if isinstance(row, Sequence) or row is None or np.isscalar(row) or is_missing(row):
        return list(row) if isinstance(row, Sequence) else row
    raise ValueError(
        f"X must contain rows of token ids or numbers: row {number} is an object of "
        f"type {type(row).__name__}. Convert it to a list or an array."
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
        return resolve_masked(values, input_type, has_type=True)
    cells = _nested(columns, names)
    if cells is None:
        if hasattr(X, "to_pandas") and not hasattr(X, "get_columns"):  # pyarrow
            return np.column_stack([column.to_numpy() for column in columns])
        has_objects = "O" in kinds and hasattr(X, "iloc")
        return resolve_masked(np.asarray(X), input_type) if has_objects else X
    if len(columns) == 1:
        return as_rows(cells[0], input_type=input_type)
    return _channels(cells, names)


def _kind(column: Any) -> str:
    """Return NumPy's letter for the kind of dtype of a column."""
    dtype: Any = getattr(column, "dtype", None)
    if hasattr(dtype, "kind"):
        return dtype.kind
    if hasattr(dtype, "is_integer"):  # polars
        return "i" if dtype.is_integer() else "O"
    is_integer = str(getattr(column, "type", "")).startswith(("int", "uint"))
    return "i" if is_integer else "O"


def _column(column: Any) -> np.ndarray:
    """Convert a column to an array, which is masked if integers are missing."""
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


def _nested(columns: list, names: list[str]) -> list[list] | None:
    """Return the cells of a nested frame, None if no cell is a sequence.

    Raises
    ------
    ValueError
        If only some cells are sequences, and no cell is a string.
    """
    cells = [to_list(column) for column in columns]
    if not any(map(_starts_nested, cells)):
        return None
    scalars = [
        (names[j], row, cell)
        for j, column in enumerate(cells)
        for row, cell in enumerate(column)
        if not _is_nested(cell)
    ]
    if any(isinstance(cell, str | bytes) for _, _, cell in scalars):
        return None  # an error about text follows
    if scalars:
        name, row, cell = scalars[0]
        raise ValueError(
            "X must hold a sequence in each cell of a frame with sequences: column "
            f"{name!r} has {describe(cell)} in row {row}. Select the columns with "
            "sequences, and remove rows without one."
        )
    return cells


def _starts_nested(cells: list) -> bool:
    return _is_nested(next((cell for cell in cells if not is_missing(cell)), None))


def _is_nested(cell: Any) -> bool:
    if isinstance(cell, str | bytes):
        return False
    return isinstance(cell, Sequence) or getattr(cell, "ndim", 0) == 1


def _channels(cells: list[list], names: list[str]) -> list[np.ndarray]:
    """Return multichannel series of a nested frame with one column per channel."""
    if not all(hasattr(cell, "to_numpy") for column in cells for cell in column):
        raise ValueError(
            "X must contain rows in a single column: got a frame whose columns "
            f"{names} all contain lists. Select one, such as X[{names[0]!r}]. For "
            "series with several channels, pass a list of arrays of shape "
            "(n_timesteps, n_channels)."
        )
    rows = []
    for number, row in enumerate(zip(*cells, strict=True)):
        lengths = {len(channel) for channel in row}
        if len(lengths) > 1:
            raise ValueError(
                "All channels of a row of X must have the same length: those of row "
                f"{number} have {sorted(lengths)} steps."
            )
        rows.append(np.column_stack([channel.to_numpy() for channel in row]))
    return rows


# -- missing values


def resolve_masked(
    values: np.ndarray, input_type: str, row: int | None = None, has_type: bool = False
) -> np.ndarray:
    """Return an array without a mask; objects that are integers become integers.

    Parameters
    ----------
    values : ndarray or MaskedArray
    input_type : {"auto", "tokens", "numeric"}
        Parameter of the estimators.
    row : int or None, default=None
        Index of the row of X. None means all rows.
    has_type : bool, default=False
        Whether "auto" treats integers with missing values as token ids. Masked integers
        of NumPy are numeric instead.

    Raises
    ------
    ValueError
        If a token id is missing before the last one of its row.
    """
    if values.dtype.kind == "O":
        values, has_type = _unboxed(values), True
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


def _unboxed(values: np.ndarray) -> np.ndarray:
    """Convert objects that are all numbers or missing; return others unchanged."""
    cells = np.ma.getdata(values)
    is_gap = [is_missing(cell) and not isinstance(cell, float) for cell in cells.flat]
    gaps = np.ma.getmaskarray(values) | np.reshape(is_gap, cells.shape).astype(bool)
    kinds = {type(cell) for cell in cells[~gaps]}
    if bool in kinds or not kinds or not all(issubclass(k, _NUMBERS) for k in kinds):
        return values
    are_integers = all(issubclass(kind, int | np.integer) for kind in kinds)
    dtype = np.int64 if are_integers else np.float64
    try:
        numbers = np.where(gaps, 0, cells).astype(dtype)
    except OverflowError:
        return values
    return np.ma.masked_array(numbers, gaps) if gaps.any() else numbers


def _padded_ids(values: np.ma.MaskedArray, row: int | None) -> np.ndarray:
    """Replace missing ids at the end of a row by padding."""
    gaps = np.ma.getmaskarray(values)
    ids = values.filled(0)
    has_id_later = np.logical_or.accumulate(((ids != 0) & ~gaps)[..., ::-1], axis=-1)
    indices = np.argwhere(gaps & has_id_later[..., ::-1])
    if len(indices):
        first = int(indices[0][0]) if row is None else row
        raise ValueError(
            f"X must contain token ids without gaps: row {first} has a missing value "
            "before its last id. Missing ids at the end of a row are padding, and 1 "
            "is the id of the unknown token. For numbers, use input_type='numeric'."
        )
    if row is None:
        return ids
    return ids[: int((~gaps).nonzero()[0][-1]) + 1 if not gaps.all() else 0]


# -- rows of unequal length


def lists_of_ids(
    X: Any, *, input_type: str, of_one_length: bool = False
) -> list[np.ndarray] | None:
    """Convert lists of token ids of unequal length to arrays.

    Parameters
    ----------
    X : list or object
        Result of :func:`as_rows`.
    input_type : {"auto", "tokens", "numeric"}
    of_one_length : bool, default=False
        Whether to convert lists of equal length too, which can be rows of a matrix.

    Returns
    -------
    rows : list of ndarray of shape (n_timesteps,), or None
        None if X does not consist of such lists.

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
    rows = [resolve_masked(row, "auto", number) for number, row in enumerate(arrays)]
    kinds = {row.dtype.kind for row in rows if len(row)}
    if not kinds <= set("iu" if input_type == "auto" else "iuf"):
        return None
    return rows
