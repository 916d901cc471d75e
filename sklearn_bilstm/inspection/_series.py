"""Explanations of predictions for numeric series."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils import gen_batches

from sklearn_bilstm.inspection._curves import curve
from sklearn_bilstm.inspection._explanation import Explanation, Explanations
from sklearn_bilstm.inspection._html import colour_of, note
from sklearn_bilstm.inspection._model import Output, TextModel, WrapperPredictions
from sklearn_bilstm.inspection._occlusion import static_variants
from sklearn_bilstm.inspection._truth import true_targets
from sklearn_bilstm.inspection._wording import describe_scores
from sklearn_bilstm.sequences import RaggedArray, SequenceDataset
from sklearn_bilstm.text import LocatedDocument
from sklearn_bilstm.utils._optional import import_optional

__all__ = ["SeriesExplanation", "explain_series"]

# Maximum number of intervals of a series.
_N_INTERVALS = 20
# Number of intervals that are printed.
_N_PRINTED = 10
# Maximum numbers of variants, and of their values, that are in memory together.
_N_AT_ONCE, _MOST_VALUES = 256, 2**24


@dataclass(frozen=True, eq=False, repr=False)
class SeriesExplanation:
    """Explanation of a prediction for a series by one score per interval.

    `print` lists the intervals with the largest scores, and a notebook shows the series
    with coloured intervals.

    Parameters
    ----------
    prediction : Explanation
        The explained output and the scores of static features.
    values : ndarray of shape (n_timesteps, n_channels)
        The series.
    bounds : ndarray of int, shape (n_intervals + 1,)
        Interval i has the steps from `bounds[i]` to `bounds[i + 1] - 1`.
    scores : ndarray of shape (n_intervals, n_channels)
        Score of each interval of each channel.
    channel_names : list of str
        Names of the channels.
    """

    prediction: Explanation
    values: np.ndarray
    bounds: np.ndarray
    scores: np.ndarray
    channel_names: list[str]

    @property
    def note(self) -> str:
        """The unit of the scores and the meaning of the baseline."""
        return describe_scores(
            self.prediction.method,
            is_class=self.prediction.probability is not None,
            has_static=len(self.prediction.static_scores) > 0,
            part="interval",
        )

    def to_frame(self) -> Any:
        """Return a pandas DataFrame with one row per interval and channel.

        Returns
        -------
        frame : pandas.DataFrame
            Columns `kind` ("interval"), `channel`, `start` and `end` (the first step,
            and the one after the last) and `score`. Further rows contain the scores of
            static features and the baseline, as in :meth:`Explanation.to_frame`.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        pandas = import_optional("pandas", purpose="SeriesExplanation.to_frame")
        n_intervals, n_channels = self.scores.shape
        intervals = {
            "kind": "interval",
            "channel": np.tile(self.channel_names, n_intervals),
            "start": pandas.array(np.repeat(self.bounds[:-1], n_channels), "Int64"),
            "end": pandas.array(np.repeat(self.bounds[1:], n_channels), "Int64"),
            "score": self.scores.ravel(),
        }
        prediction_frame = self.prediction.to_frame().drop(columns="token_index")
        frames = [pandas.DataFrame(intervals), prediction_frame]
        return pandas.concat(frames, ignore_index=True)

    def __repr__(self) -> str:
        n_intervals, n_channels = self.scores.shape
        return (
            f"<SeriesExplanation of {n_intervals} intervals of {n_channels} channels, "
            f"{self.prediction.summary}>"
        )

    def __str__(self) -> str:
        sizes = np.abs(self.scores).ravel()
        largest = np.sort(np.argsort(-sizes, kind="stable")[:_N_PRINTED])
        n_left_out = len(sizes) - len(largest)
        lines = [
            f"{self._described(*np.unravel_index(index, self.scores.shape))}"
            for index in largest
        ]
        if n_left_out:
            lines.append(f"... {n_left_out} intervals ...")
        heading, _, *other_lines = str(self.prediction).splitlines()
        return "\n".join([heading, *lines, *other_lines])

    def _repr_html_(self) -> str:
        return self._html + self._html_note

    @property
    def _html(self) -> str:
        shown = self.prediction
        largest = np.abs([*self.scores.ravel(), *shown.static_scores]).max(initial=0.0)
        curves = "".join(
            curve(
                name,
                self.values[:, channel],
                self.bounds,
                [
                    (colour_of(score, largest), self._described(interval, channel))
                    for interval, score in enumerate(self.scores[:, channel])
                ],
            )
            for channel, name in enumerate(self.channel_names)
        )
        return shown.box_of(curves, largest)

    @property
    def _html_note(self) -> str:
        return note(self.note)

    def _described(self, interval: Any, channel: Any) -> str:
        """Return the steps, the channel and the score of an interval."""
        start, last = self.bounds[interval], self.bounds[interval + 1] - 1
        steps = f"step {start}" if start == last else f"steps {start} to {last}"
        name = f" of {self.channel_names[channel]}" * (len(self.channel_names) > 1)
        return f"{steps}{name}: {self.scores[interval, channel]:+.2g}"


def explain_series(
    model: TextModel,
    X: Any,
    target: Any,
    y_true: Any = None,
    predictions: WrapperPredictions | None = None,
) -> Explanations:
    """Score intervals by the decrease of the output when they are occluded.

    A series is divided into intervals of nearly equal length. The values of an interval
    of a channel are replaced by the mean of the channel in the training data.

    Parameters
    ----------
    model : TextModel
        A model whose estimator reads numbers.
    X : object
        Series in the format that the model accepts.
    target : label, array-like of shape (n_series,), tuple or None
        As for `explain`.
    y_true : object, default=None
        As for `explain`.
    predictions : WrapperPredictions or None, default=None
        Predictions for X if those of the estimator differ.

    Returns
    -------
    explanations : Explanations of SeriesExplanation

    References
    ----------
    Zeiler and Fergus (2014). Visualizing and understanding convolutional networks.
    ECCV.
    """
    model, task, target = model.of_task(target)
    unscaled, rows = model.transformed(X)
    output = Output.of(model.estimator, target, rows, predictions)
    truths = true_targets(y_true, model.estimator, output.columns, task)
    items = zip(truths, output.targets, output.others, strict=True)
    return Explanations(
        [
            _explain_row(
                model,
                unscaled,
                rows,
                output,
                row,
                task=task,
                truth=truth,
                target=target,
                other=other,
            )
            for row, (truth, target, other) in enumerate(items)
        ],
        of="row",
    )


def _explain_row(
    model: TextModel,
    unscaled: SequenceDataset,
    rows: SequenceDataset,
    output: Output,
    row: int,
    **kwargs: Any,
) -> SeriesExplanation:
    start, end = rows.sequences.offsets[row : row + 2]
    values = rows.sequences.values[start:end]
    n_intervals = min(len(values), _N_INTERVALS)
    bounds = np.linspace(0, len(values), n_intervals + 1).round().astype(int)
    static = None if rows.static is None else rows.static[row]
    value, baseline, *without = _outputs(output, row, values, bounds, static)
    shape = n_intervals, values.shape[1]
    scores, static_scores = np.split(
        value - np.array(without), [n_intervals * shape[1]]
    )
    prediction = Explanation(
        document=LocatedDocument([""], [], []),
        scores=np.zeros(0),
        method="occlusion",
        output=value,
        baseline=baseline,
        probability=output.probability(row, value),
        static_scores=static_scores,
        static_names=model.static_names,
        static_values=() if unscaled.static is None else unscaled.static[row],
        multilabel=getattr(model.estimator, "multilabel_", False),
        **kwargs,
    )
    names = model.estimator.model_.reader.channel_names
    return SeriesExplanation(
        prediction,
        unscaled.sequences.values[start:end],
        bounds,
        scores.reshape(shape),
        names or [f"channel {index}" for index in range(shape[1])],
    )


def _outputs(
    output: Output,
    row: int,
    values: np.ndarray,
    bounds: np.ndarray,
    static: np.ndarray | None,
) -> list[float]:
    """Return the outputs of the variants of a row.

    The variants are the whole row, all values at their mean, each interval of each
    channel at its mean, and each static feature at its mean.
    """
    n_regions, n_static = (len(bounds) - 1) * values.shape[1], 0
    statics = None
    if static is not None:
        statics, n_static = static_variants(static, 2 + n_regions)
    n_at_once = max(1, min(_N_AT_ONCE, _MOST_VALUES // max(1, values.size)))
    outputs: list[float] = []
    for batch in gen_batches(2 + n_regions + n_static, n_at_once):
        occluded = _occluded(values, bounds, np.arange(batch.start, batch.stop))
        offsets = np.arange(len(occluded) + 1) * len(values)
        variants = SequenceDataset(
            RaggedArray(occluded.reshape(-1, values.shape[1]), offsets),
            static=None if statics is None else statics[batch],
        )
        logits = output.estimator.model_.logits(variants)
        columns = np.full(len(logits), output.columns[row])
        outputs += output.explained_values(logits, columns)
    return outputs


def _occluded(
    values: np.ndarray, bounds: np.ndarray, numbers: np.ndarray
) -> np.ndarray:
    """Return variants of standardised values, whose mean is zero.

    Parameters
    ----------
    values : ndarray of shape (n_timesteps, n_channels)
    bounds : ndarray of int, shape (n_intervals + 1,)
    numbers : ndarray of int, shape (n_variants,)
        Indices of the variants, in the order of :func:`_outputs`.

    Returns
    -------
    variants : ndarray of shape (n_variants, n_timesteps, n_channels)
    """
    n_intervals, n_channels = len(bounds) - 1, values.shape[1]
    variants = np.repeat(values[None], len(numbers), axis=0)
    variants[numbers == 1] = 0
    for variant, number in zip(variants, numbers.tolist(), strict=True):
        interval, channel = divmod(number - 2, n_channels)
        if 0 <= interval < n_intervals:
            variant[bounds[interval] : bounds[interval + 1], channel] = 0
    return variants
