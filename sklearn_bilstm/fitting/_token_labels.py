"""The target of a tagger: a label for each step."""

import warnings
from functools import partial
from typing import Any, Self

import numpy as np
import torch
from skorch.callbacks import Callback

from sklearn_bilstm.fitting._config import Config
from sklearn_bilstm.fitting._labels import (
    checked_classes,
    encode,
    warn_of_missing_label_codes,
)
from sklearn_bilstm.fitting._missing_labels import (
    known_labels,
    map_known_labels,
    without_contradictions,
)
from sklearn_bilstm.fitting._target import Target
from sklearn_bilstm.fitting._token_weights import with_token_weights
from sklearn_bilstm.fitting._transfer import another_network_error
from sklearn_bilstm.metrics import (
    allowed_transitions,
    convert_to_scheme,
    find_scheme,
    find_spans,
)
from sklearn_bilstm.metrics._schemes import SCHEMES
from sklearn_bilstm.nn import CRF, IndependentLabels
from sklearn_bilstm.sequences import RaggedArray, SequenceDataset
from sklearn_bilstm.training import LabelAccuracy, SpanF1, WeightedTaggingLoss
from sklearn_bilstm.utils._missing import IGNORED_LABEL
from sklearn_bilstm.utils._sentences import check_label_rows, check_lengths

__all__ = ["TokenLabelTarget"]

# Advice on tokens with the label -1, if it marks missing labels.
_UNLABELLED_TOKENS = "pass None instead, which has neither a loss nor a score"


class TokenLabelTarget(Target):
    """A label for each step.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        Sorted labels.
    scheme : str or None
        Tagging scheme of the labels. None if they do not mark spans.
    is_constrained : bool
        Whether label sequences must follow the scheme.
    n_steps : float, default=1.0
        Mean number of steps of a row, by which the loss is divided.
    """

    of_steps = of_labels_of_steps = True
    # more epochs overfit on noisy series, and fewer underfit on others
    most_epochs = 80

    def __init__(
        self,
        classes: np.ndarray,
        scheme: str | None,
        is_constrained: bool,
        n_steps: float = 1.0,
    ) -> None:
        self.classes = classes
        self.n_outputs = len(classes)
        self.scheme = scheme
        self.is_constrained = is_constrained
        self.n_steps = n_steps

    @staticmethod
    def check(y: Any, estimator: str) -> list[list]:
        """Validate labels, and return them as lists."""
        return check_label_rows(y, name=estimator, allow_missing=True)

    @classmethod
    def fit(cls, y: list[list], config: Config) -> Self:
        """Detect the scheme, and learn the classes."""
        y = [known_labels(row) for row in y]
        scheme = find_scheme(y) if config.scheme == "auto" else config.scheme
        if config.scheme == "auto" and scheme is None:
            _warn_of_stray_labels(y)
        is_constrained = config.crf and config.constrained and scheme in SCHEMES
        labels = {
            label
            for row in _convert_to_scheme(y, "y", scheme, is_constrained)
            for label in row
        }
        if not labels:
            raise ValueError(
                "y must contain at least one label: all rows are empty, or all "
                "labels are missing."
            )
        classes = np.array(sorted(labels))
        # ints that neither int64 nor uint64 can hold become floats, which may be equal
        stored = set() if classes.dtype.kind == "f" else set(classes.tolist())
        if stored != labels:
            lost = labels - stored
            raise ValueError(
                f"y must hold labels that a NumPy array can store: got {max(lost)!r}."
            )
        warn_of_missing_label_codes(classes, _UNLABELLED_TOKENS)
        return cls(classes, scheme, is_constrained)

    def check_config(self, config: Config) -> None:
        """Raise an error if the scheme has changed."""
        if config.scheme not in ("auto", self.scheme):
            raise another_network_error(config.estimator)

    def encode(self, y: list[list], name: str) -> RaggedArray:
        """Return the index of each label, -100 if it is missing."""
        is_known = np.array([label is not None for row in y for label in row], bool)
        labels = [label for row in y for label in known_labels(row)]
        values = np.full(len(is_known), IGNORED_LABEL)
        values[is_known] = encode(labels, self.classes, name=name)
        codes = RaggedArray(values, np.cumsum([0, *map(len, y)]))
        if not self.is_constrained:
            return codes
        return without_contradictions(codes, self._allowed_transitions(), name)

    def with_step_weights(
        self, rows: SequenceDataset, sample_weight: Any, config: Config
    ) -> tuple[SequenceDataset, Any]:
        """Return rows with the weights of their tokens, and the weights of rows."""
        return with_token_weights(
            rows, sample_weight, config.class_weight, self.classes
        )

    def with_targets(
        self, rows: SequenceDataset, y: list[list], name: str
    ) -> SequenceDataset:
        """Return rows with the labels of their steps.

        Labels are converted to the scheme. Validation rows with an unknown label are
        dropped.
        """
        check_lengths(rows.sequences.lengths, y, name)
        y = self._repaired(y, name)
        if name == "y_val":
            rows, y = self._with_known_labels(rows, y)
        return super().with_targets(rows, y, name)

    def _repaired(self, y: list[list], name: str) -> list[list]:
        """Return labels that follow the scheme; warn if some were replaced."""
        repaired = _convert_to_scheme(y, name, self.scheme, self.is_constrained)
        broken = [row for row, labels in enumerate(y) if repaired[row] != labels]
        if broken:
            row = broken[0]
            pairs = zip(y[row], repaired[row], strict=True)
            token, (old, new) = next(
                (i, p) for i, p in enumerate(pairs) if p[0] != p[1]
            )
            warnings.warn(
                f"{len(broken)} rows of {name} do not follow the scheme {self.scheme}. "
                f"Row {row} is the first: {old!r} at token {token} was replaced by "
                f"{new!r}. Spans were decoded with find_spans and encoded again. Set "
                "constrained=False to keep the labels unchanged, or scheme=None if "
                "labels do not mark spans.",
                UserWarning,
                stacklevel=2,
            )
        return repaired

    def _with_known_labels(
        self, rows: SequenceDataset, y_val: list[list]
    ) -> tuple[SequenceDataset, list[list]]:
        """Return the validation rows whose labels are all known."""
        classes = {None, *self.classes.tolist()}
        valid = [row for row, labels in enumerate(y_val) if classes.issuperset(labels)]
        if len(valid) == len(y_val):
            return rows, y_val
        unknown = sorted({label for row in y_val for label in row} - classes)
        message = (
            f"{len(y_val) - len(valid)} rows of y_val contain labels that y does not, "
            f"such as {unknown[0]!r}"
        )
        if not valid:
            raise ValueError(f"{message}. No validation row is left.")
        warnings.warn(f"{message}. They are ignored.", UserWarning, stacklevel=2)
        return rows.take(np.array(valid)), [y_val[row] for row in valid]

    def fit_scale(self, rows: SequenceDataset) -> None:
        """Learn the mean number of steps of a row."""
        self.n_steps = max(1.0, float(rows.sequences.lengths.mean()))

    def decoder(self, config: Config) -> CRF | IndependentLabels:
        """Return a CRF, or a layer that decodes each label independently."""
        if not config.crf:
            return IndependentLabels(self.n_outputs)
        if not config.constrained or not self.is_constrained:
            return CRF(self.n_outputs)
        return CRF(self.n_outputs, torch.from_numpy(self._allowed_transitions()))

    def _allowed_transitions(self) -> np.ndarray:
        scheme: Any = self.scheme
        return allowed_transitions(self.classes.tolist(), scheme)

    def loss(self, config: Config) -> tuple[type, dict[str, Any]]:
        """Return the negative log-likelihood per step."""
        return WeightedTaggingLoss, {"n_steps": self.n_steps}

    def scores(self) -> list[Callback]:
        """Return the F1 score of spans, or the accuracy of labels."""
        if self.scheme is None:
            return [LabelAccuracy()]
        return [SpanF1(self.classes.tolist())]

    def attributes(self) -> dict[str, Any]:
        """Return the classes and the scheme."""
        return {"classes_": self.classes, "scheme_": self.scheme}

    def auto_params(self) -> dict[str, Any]:
        """Return the detected scheme."""
        return {"scheme": self.scheme}

    def state(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {
            "classes": self.classes,
            "scheme": self.scheme,
            "is_constrained": self.is_constrained,
            "n_steps": self.n_steps,
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Restore the target."""
        target = cls(**state)
        checked_classes(target.classes)
        if target.scheme not in {None, "IOB1", *SCHEMES}:
            raise ValueError("There is no such scheme of labels.")
        if target.scheme is not None:
            find_spans(target.classes.tolist())
        n_steps = target.n_steps
        if not isinstance(n_steps, float) or not 0 < n_steps < np.inf:
            raise ValueError("There must be a number of steps per row.")
        return target


def _convert_to_scheme(
    y: list[list], name: str, scheme: str | None, is_constrained: bool
) -> list[list]:
    """Return labels, converted to a scheme if they must follow it."""
    if scheme is None:
        return y
    try:
        if is_constrained:
            convert = partial(convert_to_scheme, scheme=scheme)
            return [map_known_labels(convert, row) for row in y]
        for row in y:
            find_spans(known_labels(row))
    except ValueError as error:
        raise ValueError(
            f"{name} must contain labels of spans, as in the scheme {scheme}. {error}"
        ) from error
    return y


def _warn_of_stray_labels(y: list[list]) -> None:
    """Warn if a few labels prevent the detection of a scheme."""
    labels = {label for row in y for label in row}
    stray_labels = [label for label in labels if not _marks_span(label)]
    span_labels = [
        label for label in labels - {"O", *stray_labels} if "-" in str(label)
    ]
    if len(span_labels) > len(stray_labels):
        warnings.warn(
            f"Labels of y such as {min(span_labels)!r} mark spans, but "
            f"{min(stray_labels)!r} does not, so all labels are treated as plain "
            "classes, and score is the accuracy over tokens. Correct y, or set the "
            "'scheme' parameter; None means that labels do not mark spans.",
            UserWarning,
            stacklevel=2,
        )


def _marks_span(label: Any) -> bool:
    try:
        find_spans([label])
    except ValueError:
        return False
    return True
