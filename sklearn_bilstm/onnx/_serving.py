"""Inference of exported models without torch."""

from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from numbers import Integral
from typing import Any

import numpy as np

from sklearn_bilstm import text
from sklearn_bilstm.onnx._checks import check_graph, require, written_by_export
from sklearn_bilstm.onnx._description import Description
from sklearn_bilstm.onnx._protobuf import check_contents, metadata_of
from sklearn_bilstm.onnx._reading import ServedRows
from sklearn_bilstm.onnx._table import TableReader
from sklearn_bilstm.onnx._table_checks import check_table
from sklearn_bilstm.onnx._texts import TextReader
from sklearn_bilstm.onnx._vectorizer import check_vectorizer, make_vectorizer
from sklearn_bilstm.sequences import inference_batches
from sklearn_bilstm.utils._available import available_if
from sklearn_bilstm.utils._cpus import cpu_count
from sklearn_bilstm.utils._files import AnyFile, name_of_file, read_bytes
from sklearn_bilstm.utils._memory import return_freed_memory
from sklearn_bilstm.utils._optional import import_optional
from sklearn_bilstm.utils._rows import RowsOfLabels, RowsOfNumbers
from sklearn_bilstm.utils._stacking import stack_columns

__all__ = ["OnnxModel"]


def _has_classes(model: "OnnxModel") -> bool:
    if model.classes_ is None:
        raise AttributeError("predict_proba is not available for a regressor.")
    return True


class OnnxModel:
    """Inference with a model exported by :func:`~sklearn_bilstm.export_onnx`.

    It runs in onnxruntime, and requires neither torch nor scikit-learn. It refuses
    graphs with parts that `export_onnx` does not write, such as references to other
    files, or loops that do not end with the steps of the input.

    Parameters
    ----------
    path : path-like or file
        File to read. One that is open in binary mode is read from its position to its
        end.
    n_threads : int or None, default=None
        Number of batches that run in parallel, each in one thread. If None, the number
        of cores.
    batch_size : int, default=32
        Maximum number of rows per batch. Rows of similar length share a batch.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,), list of ndarray or None
        Labels of the classifier or tagger, for several tasks those of each. None for a
        regressor.

    vectorizer_ : TextVectorizer or None
        Converts texts to token ids as `predict` does. It is created on first access,
        which requires scikit-learn. None if the estimator was exported without it.

    columns_ : list of str or int, or None
        Columns that a table must have, by name or, if the model was fitted to an array,
        by index. None if the model does not read tables.

    session_ : onnxruntime.InferenceSession
        Session that runs the graph.

    Raises
    ------
    ImportError
        If onnxruntime is not installed. The extra `onnx` installs it.
    ValueError
        If the file is not an exported model or has a later version, or if a parameter
        is invalid. `predict` raises it if the graph fails.

    See Also
    --------
    sklearn_bilstm.export_onnx : Export a model.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklearn_bilstm import BiLSTMClassifier, export_onnx
    >>> from sklearn_bilstm.datasets import make_cumulative_sums
    >>> from sklearn_bilstm.onnx import OnnxModel
    >>> X, y = make_cumulative_sums(80, random_state=0)
    >>> path = Path(tempfile.mkdtemp()) / "sums.onnx"
    >>> export_onnx(BiLSTMClassifier(max_epochs=1).fit(X, y), path)
    >>> model = OnnxModel(path)
    >>> model.classes_
    array([0, 1])
    >>> model.predict_proba(X).shape
    (80, 2)
    """

    def __init__(
        self,
        path: AnyFile,
        *,
        n_threads: int | None = None,
        batch_size: int = 32,
    ) -> None:
        if n_threads is not None:
            _check_positive("n_threads", n_threads, " or None")
        _check_positive("batch_size", batch_size)
        self.n_threads = cpu_count() if n_threads is None else n_threads
        self.batch_size = batch_size
        self._source, self._model = name_of_file(path), read_bytes(path)
        with written_by_export(self._source):
            properties = metadata_of(self._model)
        # before the operators are checked, since those of later versions may differ
        self._description = Description.from_properties(properties, self._source)
        with written_by_export(self._source):
            check_contents(self._model)
        self.session_ = _session(self._model, self._source)
        with written_by_export(self._source):
            check_graph(self.session_, self._description)
            outputs = self.session_.get_outputs()
            self._sizes = {output.name: output.shape[1:] for output in outputs}
            self.classes_ = self._description.labels(len(self._model))
            self._texts = self._text_reader()
            self._table = self._table_reader()
            self.columns_ = None if self._table is None else self._table.columns

    def __repr__(self) -> str:
        """Return the path of the model, and its input and output."""
        input_type = self._description.input_type
        if self._table is not None:
            input_type = "table"
        elif self._texts is not None:
            input_type = "text"
        per_step = " per step" if self._description.of_steps else ""
        output_type = "numbers"
        if self.classes_ is not None:
            has_tasks = isinstance(self.classes_, list)
            output_type = f"{len(self.classes_)} {'tasks' if has_tasks else 'classes'}"
        return f"<OnnxModel {self._source!r}: {input_type} to {output_type}{per_step}>"

    def __getstate__(self) -> dict[str, Any]:
        """Return the state without the session, which cannot be copied."""
        return {k: v for k, v in vars(self).items() if k != "session_"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Create a new session for a copy."""
        vars(self).update(state)
        self.session_ = _session(self._model, self._source)

    def inputs(self, X: Any) -> dict[str, np.ndarray]:
        """Return the inputs of the graph, to run it elsewhere.

        Parameters
        ----------
        X : iterable or table of str, or array-like or sparse matrix of shape \
                (n_rows, n_steps)
            As in `predict`.

        Returns
        -------
        inputs : dict
            Arrays by input name, with all rows as a single batch.
        """
        rows = self._read(X)
        return rows.inputs(np.arange(len(rows.sequences)))

    def predict(self, X: Any) -> np.ndarray | list:
        """Predict the label or the outputs of each row, or of each of its steps.

        Parameters
        ----------
        X : iterable or table of str, or array-like or sparse matrix of shape \
                (n_rows, n_steps)
            Input in the format that the exported model was fitted to: texts, lists of
            tokens for a tagger, token ids or numbers. For a pipeline with a
            TableVectorizer or ColumnTransformer, a frame of pandas, polars or pyarrow,
            a dict of columns, or a list with a dict for each row. None and NaN are
            missing values. A TableVectorizer reads strings in its columns of dates in
            the format ISO 8601, and durations as numbers of days.

        Returns
        -------
        y : ndarray of shape (n_rows,) or (n_rows, n_outputs), or list
            Predictions of the exported model. For a tagger, a list with a list of
            labels per row; for a regressor with numbers for each step, a list with an
            array of shape (n_steps_of_row,) or (n_steps_of_row, n_outputs) per row.
        """
        if self._description.of_steps:
            return self._predict_steps(X)
        if self.classes_ is None:
            y = self._run(X, "y")
            return y[:, 0] if self._description.one_a_row else y
        label = self._run(X, "label")
        if isinstance(self.classes_, list):
            pairs = zip(self.classes_, label.T, strict=True)
            with written_by_export(self._source):
                return stack_columns([classes[codes] for classes, codes in pairs])
        if not self._description.one_a_row:
            return label
        with written_by_export(self._source):
            return self.classes_[label]

    @available_if(_has_classes)
    def predict_proba(self, X: Any) -> np.ndarray | list[np.ndarray]:
        """Predict the probability of each class.

        Parameters
        ----------
        X : iterable or table of str, or array-like or sparse matrix of shape \
                (n_rows, n_steps)
            As in `predict`.

        Returns
        -------
        probabilities : ndarray of float64, shape (n_rows, n_classes), or list
            Columns in the order of `classes_`. A list of arrays for several tasks. For
            a tagger, a list with an array of shape (n_steps_of_row, n_classes) per row.
        """
        if self._description.of_steps:
            return self._run_steps(X, "probabilities")
        probabilities = self._run(X, "probabilities")
        if isinstance(self.classes_, list):
            ends = np.cumsum([len(classes) for classes in self.classes_])
            return np.split(probabilities, ends[:-1], axis=1)
        return probabilities

    @cached_property
    def vectorizer_(self) -> "text.TextVectorizer | None":
        """Vectorizer of the exported pipeline, if it has one."""
        described = self._description.vectorizer
        return None if described is None else make_vectorizer(described)

    def _text_reader(self) -> TextReader | None:
        """Return a reader of texts, if the file has a vectorizer."""
        described = self._description.vectorizer
        if described is None:
            return None
        check_vectorizer(described)
        length, n_columns = described["max_length"], self._description.n_columns
        lengths = [length]
        if self._description.table is not None:
            length += self._description.n_static
            lengths = [length, length + 1]  # with the boundary of a TableVectorizer
        require(
            self._description.input_type == "tokens" and n_columns in lengths,
            f"a vectorizer with {n_columns} columns of tokens",
            length,
        )
        return TextReader(**described)

    def _table_reader(self) -> TableReader | None:
        """Return a reader of tables, if the file describes their columns."""
        table, texts = self._description.table, self._texts
        if table is None or texts is None:
            return None
        check_table(table, self._description.n_static)
        n_columns = texts.n_columns
        is_alike = len(table["text"]) == n_columns
        require(is_alike, f"{n_columns} columns of text", table["text"])
        return TableReader(texts, **table)

    def _read(self, X: Any) -> ServedRows:
        if self._table is not None:
            sequences, static = self._table.read(X)
            return ServedRows(sequences, static if self._description.n_static else None)
        if self._texts is None:
            return ServedRows.of(X, self._description)
        if self._description.n_static:  # the last ids, or padding
            vectorizer: Any = self.vectorizer_
            return ServedRows.of(vectorizer.transform(X), self._description)
        return ServedRows(self._texts.read(X), None)

    def _predict_steps(self, X: Any) -> list:
        """Return the labels or the outputs of the steps of each row."""
        if self.classes_ is None:
            y = self._run_steps(X, "y")
            is_flat = self._description.one_a_row
            return RowsOfNumbers(row[:, 0] if is_flat else row for row in y)
        labels = self._run_steps(X, "label")
        with written_by_export(self._source):
            return RowsOfLabels(self.classes_[codes].tolist() for codes in labels)

    def _run(self, X: Any, output: str) -> np.ndarray:
        """Return an output of the graph for all rows, in their order."""
        batches, outputs = self._run_batches(self._read(X), output)
        values_of_batches = np.concatenate(outputs)
        values = np.empty_like(values_of_batches)
        values[np.concatenate(batches)] = values_of_batches
        return values

    def _run_steps(self, X: Any, output: str) -> list[np.ndarray]:
        """Return an output of the graph for the real steps of all rows."""
        rows = self._read(X)
        lengths = rows.sequences.lengths
        row_outputs: list[np.ndarray] = [np.empty(0)] * len(lengths)
        for batch, batch_outputs in zip(*self._run_batches(rows, output), strict=True):
            for row, steps in zip(batch, batch_outputs, strict=True):
                row_outputs[row] = steps[: lengths[row]]
        return row_outputs

    def _run_batches(
        self, rows: ServedRows, output: str
    ) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Return the batches of rows, and an output of the graph for each."""
        batches = inference_batches(rows.sequences.lengths, self.batch_size)

        def run(batch: np.ndarray) -> np.ndarray:
            inputs = rows.inputs(batch)
            try:
                values = self.session_.run([output], inputs)[0]
            except Exception as error:  # onnxruntime's errors have no common base class
                raise ValueError(
                    f"onnxruntime cannot run the graph of {self._source}: {error}"
                ) from error
            steps = next(iter(inputs.values()))
            self._check_shape(output, np.shape(values), steps.shape)
            return values

        n_threads = min(self.n_threads, len(batches))
        if n_threads == 1:  # starting a thread is slow compared with a short text
            return batches, [*map(run, batches)]
        with ThreadPoolExecutor(n_threads) as pool:
            return batches, [*pool.map(run, batches)]

    def _check_shape(
        self, output: str, shape: tuple[int, ...], input_shape: tuple[int, ...]
    ) -> None:
        """Check a shape, since onnxruntime only warns of one that is not declared."""
        n_rows, n_steps, *_ = input_shape
        expected: tuple[int, ...] = n_rows, *self._sizes[output]
        if self._description.of_steps:
            expected = n_rows, n_steps, *self._sizes[output][1:]
        if shape != expected:
            raise ValueError(
                f"The graph of {self._source} must return an {output!r} of shape "
                f"{expected} for {n_rows} rows of input: it returned {shape}."
            )


def _check_positive(name: str, value: Any, alternative: str = "") -> None:
    if not isinstance(value, Integral) or value < 1:
        raise ValueError(
            f"The {name!r} parameter of OnnxModel must be an int in the range [1, inf)"
            f"{alternative}. Got {value!r} instead."
        )


def _session(model: bytes, source: str) -> Any:
    """Create an onnxruntime session that runs each batch in one thread."""
    onnxruntime = import_optional("onnxruntime", purpose="OnnxModel", extra="onnx")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    # not the format of onnxruntime, which it would detect by a mark
    options.add_session_config_entry("session.load_model_format", "ONNX")
    try:
        session = onnxruntime.InferenceSession(
            model, options, providers=["CPUExecutionProvider"], enable_fallback=0
        )
    except Exception as error:  # onnxruntime's errors have no common base class
        raise ValueError(
            f"{source} must be a model written by sklearn_bilstm.export_onnx: "
            f"onnxruntime cannot load it: {error}"
        ) from error
    return_freed_memory()  # results of operators of constants can exceed the rest
    return session
