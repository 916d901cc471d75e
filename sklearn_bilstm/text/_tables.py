"""Tables that are read in parts."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import count
from typing import Any, NamedTuple

from sklearn_bilstm.utils._containers import columns_of, describe, to_list

__all__ = ["TablePart", "batches_of", "is_table", "parts_of"]


class TablePart(NamedTuple):
    """Some rows of a table.

    Parameters
    ----------
    table : frame or mapping of columns
    location : str
        Where the rows are, for error messages.
    first : int, default=0
        Index of the first row there.
    """

    table: Any
    location: str
    first: int = 0

    def values(self, name: str) -> list:
        """Return the values of a column.

        Raises
        ------
        ValueError
            If there is no such column.
        """
        names: list
        if isinstance(self.table, Mapping):
            names, columns = list(self.table), list(self.table.values())
        else:
            names, columns = columns_of(self.table)  # type: ignore[misc]  # is checked
        _check_names([name], names, self.location)
        return to_list(columns[names.index(name)])


def is_table(source: Any) -> bool:
    """Return whether a source is a table, rather than an iterable of batches."""
    return any(is_of_kind(source) for is_of_kind, _ in _READERS)


def batches_of(source: Any) -> Iterable[Any]:
    """Return the batches of an iterable, or of a function that returns one.

    Raises
    ------
    ValueError
        If it is neither.
    """
    if isinstance(source, str | bytes) or not (
        callable(source) or isinstance(source, Iterable)
    ):
        raise ValueError(
            "source must be an iterable of batches of texts, or a function that "
            f"returns one: got {describe(source)}. For a folder of files, pass "
            "pyarrow.dataset.dataset(folder)."
        )
    return source() if callable(source) else source


def parts_of(source: Any, columns: list[str], batch_size: int) -> Iterator[TablePart]:
    """Yield parts of a table, or of batches that are tables.

    Parameters
    ----------
    source : object
        As for :class:`TextBatches`.
    columns : list of str
        Names of the columns to read.
    batch_size : int
        Maximum number of rows of a part.

    Raises
    ------
    ValueError
        If there is no such column, or it cannot be read.
    """
    for is_of_kind, read in _READERS:
        if is_of_kind(source):
            return read(source, columns, batch_size)
    return _of_batches(source)


def _of_batches(source: Any) -> Iterator[TablePart]:
    for number, batch in enumerate(batches_of(source)):
        if columns_of(batch) is None and not isinstance(batch, Mapping):
            raise ValueError(
                "Each batch of source must be a frame or a dict of columns, since "
                f"columns are named: batch {number} is an object of type "
                f"{type(batch).__name__}."
            )
        yield TablePart(batch, f"batch {number}")


def _check_names(wanted: list[str], names: list, location: str) -> None:
    for name in wanted:
        if name not in names:
            raise ValueError(
                f"There is no column {name!r} in {location}: its columns are {names}."
            )


# -- tables of other libraries, which are recognised by attributes to avoid imports


def _of_arrow_dataset(
    source: Any, columns: list[str], batch_size: int
) -> Iterator[TablePart]:
    for number, fragment in enumerate(source.get_fragments()):
        path = getattr(fragment, "path", None)
        location = f"the file {path!r}" if path else f"part {number} of the data set"
        # a column can also be the name of a folder, such as label=good
        folders = str(fragment.partition_expression)
        stored = [name for name in columns if f"({name} == " not in folders]
        first = 0
        try:
            _check_columns(stored, source.schema, fragment, location)
            for batch in fragment.to_batches(
                schema=source.schema,
                columns=columns,
                batch_size=batch_size,
                batch_readahead=1,
            ):
                yield TablePart(batch, location, first)
                first += batch.num_rows
        except (OSError, NotImplementedError, TypeError) as error:
            raise ValueError(
                f"The columns {columns} of {location} cannot be read: {error}"
            ) from error


def _check_columns(names: list[str], schema: Any, fragment: Any, location: str) -> None:
    """Raise an error for a column that is missing in a file, or of another type.

    The types in a CSV file are only guesses.
    """
    file_schema = fragment.physical_schema
    _check_names(names, file_schema.names, location)
    for name in names:
        types = [str(part.field(name).type) for part in (schema, file_schema)]
        is_text = ["string" in type_name for type_name in types]
        is_guess = "Csv" in type(fragment.format).__name__
        # a file without any value in the column has the type null
        if is_text[0] != is_text[1] and not is_guess and types[1] != "null":
            raise ValueError(
                f"Column {name!r} of {location} must be of the type {types[0]}, as in "
                f"the schema of the data set: it is of the type {types[1]}."
            )


def _of_lazy_frame(
    source: Any, columns: list[str], batch_size: int
) -> Iterator[TablePart]:
    location = "the LazyFrame"
    _check_names(columns, source.collect_schema().names(), location)
    first = 0
    for batch in _batches_of_lazy_frame(source.select(columns), batch_size):
        yield TablePart(batch, location, first)
        first += len(batch)


def _batches_of_lazy_frame(source: Any, batch_size: int) -> Iterator[Any]:
    if hasattr(source, "collect_batches"):
        yield from source.collect_batches(chunk_size=batch_size)
        return
    for start in count(0, batch_size):  # older versions of polars
        batch = source.slice(start, batch_size).collect()
        yield batch
        if len(batch) < batch_size:
            return


def _of_hugging_face(
    source: Any, columns: list[str], batch_size: int
) -> Iterator[TablePart]:
    location = "the data set"
    _check_names(columns, list(source.column_names), location)
    first = 0
    for batch in source.select_columns(columns).iter(batch_size=batch_size):
        yield TablePart(dict(batch), location, first)
        first += len(batch[columns[0]])


def _of_frame(source: Any, columns: list[str], batch_size: int) -> Iterator[TablePart]:
    rows: Any = source.iloc if hasattr(source, "iloc") else source
    for first in range(0, len(source), batch_size):
        yield TablePart(rows[first : first + batch_size], "the frame", first)


def _is_arrow_dataset(source: Any) -> bool:
    return hasattr(source, "get_fragments")


def _is_lazy_frame(source: Any) -> bool:
    return hasattr(source, "collect") and hasattr(source, "collect_schema")


def _is_hugging_face(source: Any) -> bool:
    return hasattr(source, "select_columns") and hasattr(source, "iter")


def _is_frame(source: Any) -> bool:
    return hasattr(source, "columns") and hasattr(source, "shape")


_READERS: list[tuple[Callable[[Any], bool], Callable[..., Iterator[TablePart]]]] = [
    (_is_arrow_dataset, _of_arrow_dataset),
    (_is_lazy_frame, _of_lazy_frame),
    (_is_hugging_face, _of_hugging_face),
    (_is_frame, _of_frame),
]
