"""EntityRecognizer: texts in, spans of characters with labels out."""

import warnings
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import check_is_fitted

from sklearn_bilstm.estimators._tagger import BiLSTMTagger
from sklearn_bilstm.fitting import find_fitted_estimator
from sklearn_bilstm.metrics import convert_to_scheme, find_spans, span_f1_score
from sklearn_bilstm.text import token_offsets
from sklearn_bilstm.utils._containers import columns_of, describe, unwrap_container
from sklearn_bilstm.utils._documentation import PAGE_OF_ESTIMATOR
from sklearn_bilstm.utils._missing import is_missing
from sklearn_bilstm.utils._rows import RowsOfLabels
from sklearn_bilstm.utils._sklearn import HasMethods, fit_context
from sklearn_bilstm.utils._sparse import is_sparse
from sklearn_bilstm.utils._text_spans import (
    LabelledSpan,
    check_spans_of_texts,
    read_text_spans,
)

__all__ = ["EntityRecognizer"]

Offsets = list[tuple[int, int]]

# Most frequent training tokens that are compared with those of the tokenizer, and their
# share that may differ: single words differ between all conventions.
_N_COMPARED, _SPLIT_SHARE = 1000, 0.03


class EntityRecognizer(BaseEstimator):
    """Named entity recognition in raw text.

    Texts are split into tokens, a tagger labels the tokens, and the labels are
    converted to spans of characters.

    Parameters
    ----------
    tagger : estimator, default=None
        Estimator that is fitted to lists of tokens and lists of labels, such as
        :class:`BiLSTMTagger` or a search over its parameters. `fit` clones it. None
        means `BiLSTMTagger()`.

    tokenizer : callable, default=None
        Function that returns the tokens of a text in their order, as strings or as
        pairs (start, end). If None, tokens are words, numbers, single CJK characters,
        emoji and single punctuation marks, and whole URLs, @names and #tags. English
        contractions are split as in the Penn Treebank: "I" and "'m", "do" and "n't".

    Attributes
    ----------
    tagger_ : estimator
        The fitted tagger.

    labels_ : ndarray of shape (n_labels,)
        Sorted labels of the spans seen during `fit`.

    See Also
    --------
    BiLSTMTagger : Predict a label for each token.
    sklearn_bilstm.metrics.span_f1_score : F1 score of spans.
    highlight_spans : Show texts with coloured spans.

    Examples
    --------
    >>> from sklearn_bilstm import BiLSTMTagger, EntityRecognizer
    >>> texts = ["Anna met Ben.", "Ben left."] * 20
    >>> spans = [[(0, 4, "PER"), (9, 12, "PER")], [(0, 3, "PER")]] * 20
    >>> recognizer = EntityRecognizer(BiLSTMTagger(random_state=0)).fit(texts, spans)
    >>> (spans,) = recognizer.predict(["Anna left."])
    >>> [(span["start"], span["end"], span["label"], span["text"]) for span in spans]
    [(0, 4, 'PER', 'Anna')]
    """

    _doc_link_module = "sklearn_bilstm"
    _doc_link_template = PAGE_OF_ESTIMATOR

    _parameter_constraints: dict = {
        "tagger": [HasMethods(["fit", "predict"]), None],
        "tokenizer": [callable, None],
    }

    def __init__(self, tagger=None, *, tokenizer=None):
        self.tagger = tagger
        self.tokenizer = tokenizer

    @classmethod
    def from_tagger(cls, tagger, *, tokenizer=None):
        """Return a recognizer with a tagger that is already fitted to tokens.

        Parameters
        ----------
        tagger : estimator or OnnxModel
            A fitted tagger of lists of tokens, whose labels mark spans, or an exported
            one. It is not copied.
        tokenizer : callable, default=None
            As in the constructor. It must split texts like the tokens that the tagger
            was fitted to.

        Returns
        -------
        recognizer : EntityRecognizer
            A fitted recognizer.

        Raises
        ------
        NotFittedError
            If the tagger is not fitted.
        ValueError
            If the tagger does not label lists of tokens, or its labels do not mark
            spans.

        Warns
        -----
        UserWarning
            If the tokenizer would split more than 3 % of the tokens that the tagger was
            fitted to. Their share is estimated from the ranks of the 1,000 most
            frequent ones, by Zipf's law.
        """
        if hasattr(tagger, "fit"):
            check_is_fitted(tagger)
        labels = getattr(tagger, "classes_", None)
        if labels is None or any(map(np.ndim, labels)):
            raise ValueError(
                "tagger must be a fitted tagger, with the labels of tokens in "
                f"'classes_': got an object of type {type(tagger).__name__}."
            )
        recognizer = cls(tagger, tokenizer=tokenizer)
        recognizer.tagger_ = tagger
        recognizer.labels_ = _span_labels([np.asarray(labels).tolist()])
        _warn_if_tokens_are_split(_frequent_tokens(tagger), tokenizer)
        return recognizer

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, sample_weight=None, X_val=None, y_val=None):
        """Fit the tagger to texts and their spans.

        Spans that start or end within a token are extended to the whole token, with a
        warning.

        Parameters
        ----------
        X : sequence of str
            The texts, or a frame or 2-D array with a single column of them.
        y : sequence of sequence
            The spans of each text: dicts with the keys "start", "end" and "label", as
            `predict` returns them, or tuples (start, end, label). The text of a span is
            `text[start:end]`. Spans of a text must not overlap.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the texts, for a tagger that supports them.
        X_val : sequence of str, default=None
            Validation texts, for a tagger that supports them.
        y_val : sequence of sequence, default=None
            Spans of the validation texts.

        Returns
        -------
        self : EntityRecognizer
            Fitted recognizer.

        Raises
        ------
        ValueError
            If X has several columns, a text is not a string, or a span is invalid,
            beyond its text, without a token, or overlaps another one. The message names
            the row and the span.

        Warns
        -----
        UserWarning
            If a span is extended to whole tokens, or y contains no spans.
        """
        tagger = BiLSTMTagger() if self.tagger is None else clone(self.tagger)
        scheme = getattr(tagger, "scheme", "BIO")
        if scheme in ("auto", None):
            scheme = "BIO"
        if hasattr(tagger, "scheme"):
            tagger.set_params(scheme=scheme)
        tokens, labels = self._labelled_tokens(X, y, scheme, "y")
        fit_params = {} if sample_weight is None else {"sample_weight": sample_weight}
        if X_val is not None or y_val is not None:
            pair = self._labelled_tokens(X_val, y_val, scheme, "y_val")
            fit_params |= dict(zip(("X_val", "y_val"), pair, strict=True))
        self.tagger_ = tagger.fit(tokens, labels, **fit_params)
        self.labels_ = _span_labels(labels)
        if not len(self.labels_):
            warnings.warn(
                "y contains no spans, so that `predict` finds none.",
                UserWarning,
                stacklevel=3,
            )
        return self

    def predict(self, X):
        """Predict the spans of texts.

        Parameters
        ----------
        X : sequence of str
            The texts, as in `fit`.

        Returns
        -------
        spans : list of list of dict
            The spans of each text in their order, with the keys "start", "end", "label"
            and "text", which is `text[start:end]`. If the tagger predicts
            probabilities, "score" is the mean probability of the labels of the tokens.

        Raises
        ------
        ValueError
            If X holds no text, as for estimators of scikit-learn, an object that is not
            a text, or several columns.
        """
        check_is_fitted(self)
        texts = _texts(X, "X")
        _check_not_empty(texts, "X")
        tokens, offsets = self.tokenize(texts, return_offsets=True)
        rows = self.tagger_.predict(tokens)
        probabilities: Any = [None] * len(texts)
        if hasattr(self.tagger_, "predict_proba"):
            probabilities = self.tagger_.predict_proba(tokens)
        classes = getattr(self.tagger_, "classes_", None)
        predictions = zip(texts, offsets, rows, probabilities, strict=True)
        return RowsOfLabels(_spans_of_text(*row, classes) for row in predictions)

    def tokenize(self, X, *, return_offsets=False):
        """Split texts into the tokens that the tagger labels.

        Parameters
        ----------
        X : sequence of str
            The texts.
        return_offsets : bool, default=False
            Whether to return the positions of the tokens too.

        Returns
        -------
        tokens : list of list of str
            The tokens of each text, in the format of the X of `tagger_`.
        offsets : list of list of (int, int)
            Start and end of each token, `text[start:end]`. Only returned if
            `return_offsets` is True.
        """
        texts = _texts(X, "X")
        offsets = self._offsets(texts)
        tokens = _tokens(texts, offsets)
        return (tokens, offsets) if return_offsets else tokens

    def score(self, X, y, sample_weight=None):
        """Return the F1 score of spans.

        Parameters
        ----------
        X : sequence of str
            The texts.
        y : sequence of sequence
            The true spans of each text, as in `fit`.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the texts.

        Returns
        -------
        score : float
            :func:`~sklearn_bilstm.metrics.span_f1_score`: a predicted span is correct
            if its label, start and end are correct.
        """
        texts = _texts(X, "X")
        true = _spans_of_rows(y, texts, "y")
        predicted = self.predict(texts)
        return span_f1_score(
            true, predicted, sample_weight=sample_weight, zero_division=0.0
        )

    def _offsets(self, texts: list[str]) -> list[Offsets]:
        offsets = []
        for number, text in enumerate(texts):
            try:
                offsets.append(token_offsets(text, self.tokenizer))
            except ValueError as error:
                raise ValueError(f"Row {number} of X: {error}") from error
        return offsets

    def _labelled_tokens(
        self, X: Any, y: Any, scheme: str, name: str
    ) -> tuple[list[list[str]], list[list[str]]]:
        """Return the tokens of texts, and their labels in a scheme."""
        name_of_texts = "X" if name == "y" else "X_val"
        texts = _texts(X, name_of_texts)
        _check_not_empty(texts, name_of_texts)
        spans = _spans_of_rows(y, texts, name)
        offsets = self._offsets(texts)
        extended: list[str] = []
        labels = [
            _labels_of_tokens(*row, number, scheme, extended)
            for number, row in enumerate(zip(texts, offsets, spans, strict=True))
        ]
        if extended:
            warnings.warn(
                f"{len(extended)} spans of {name} start or end within a token, and "
                f"were extended to whole tokens: {extended[0]} is the first. Set the "
                "'tokenizer' parameter to split such tokens.",
                UserWarning,
                stacklevel=3,
            )
        return _tokens(texts, offsets), labels

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags


def _span_labels(token_labels: list[list[str]]) -> np.ndarray:
    """Return the sorted labels of the spans that labels of tokens mark."""
    labels = {span.kind for row in token_labels for span in find_spans(row)}
    return np.array(sorted(labels), dtype=object)


def _frequent_tokens(tagger: Any) -> list[str]:
    """Return the first tokens of the vocabulary, which is sorted by frequency.

    There are none for exported taggers and those of other libraries.
    """
    try:
        words = find_fitted_estimator(tagger).model_.reader.words
    except ValueError:
        return []
    if words is None:
        raise ValueError(
            f"tagger must be fitted to lists of tokens: got a {type(tagger).__name__} "
            "that reads ids or numbers."
        )
    return list(islice(words.vocabulary_, _N_COMPARED))


def _warn_if_tokens_are_split(
    tokens: list[str], tokenizer: Callable[[str], Any] | None
) -> None:
    is_split = np.array([_is_split(token, tokenizer) for token in tokens], dtype=bool)
    frequencies = 1 / np.arange(1, len(tokens) + 1)  # Zipf's law
    share = frequencies @ is_split / max(frequencies.sum(), 1.0)
    if share > _SPLIT_SHARE:
        examples = [tokens[index] for index in np.flatnonzero(is_split)[:4]]
        warnings.warn(
            f"The tokenizer splits about {share:.0%} of the tokens that the tagger was "
            f"fitted to, such as {', '.join(map(repr, examples))}, so that the tagger "
            "misses names. Set the 'tokenizer' parameter to a function that splits "
            "texts like the training data, such as str.split for tokens between white "
            "space.",
            UserWarning,
            stacklevel=3,
        )


def _is_split(token: str, tokenizer: Callable[[str], Any] | None) -> bool:
    try:
        return len(token_offsets(token, tokenizer)) > 1
    except ValueError:  # the tokenizer changes characters of a single token
        return False


def _texts(X: Any, name: str) -> list[str]:
    """Return texts as a list of strings."""
    if isinstance(X, str):
        raise ValueError(
            f"{name} must be a list of texts: got the text {X!r:.40}. Put a single "
            "text into a list."
        )
    X = _only_column(unwrap_container(X, name=name), name)
    if not isinstance(X, Iterable) or getattr(X, "ndim", 1) != 1 or is_sparse(X):
        raise ValueError(f"{name} must be a list of texts: got {describe(X)}.")
    texts = X.to_pylist() if hasattr(X, "to_pylist") else list(X)
    for row, text in enumerate(texts):
        if not isinstance(text, str):
            advice = " Remove it, or replace it by ''." if is_missing(text) else ""
            raise ValueError(
                f"{name} must hold texts, which are strings: row {row} is {text!r:.80}."
                f"{advice}"
            )
    return [str(text) for text in texts]


def _only_column(X: Any, name: str) -> Any:
    """Return the column of a frame or of a 2-D array; other objects are unchanged."""
    table = columns_of(X)
    names: list
    if table is not None:
        names, columns = table
    elif isinstance(X, np.ndarray) and X.ndim == 2:
        names, columns = list(range(X.shape[1])), list(X.T)
    else:
        return X
    if len(columns) != 1:
        advice = f" Select it, such as {name}[{names[0]!r}]." if table and names else ""
        raise ValueError(
            f"{name} must have a single column, that of the texts: got the columns "
            f"{names}.{advice}"
        )
    return columns[0]


def _check_not_empty(texts: list[str], name: str) -> None:
    if not texts:
        raise ValueError(f"{name} must hold at least one text: got 0 samples.")


def _spans_of_rows(y: Any, texts: list[str], name: str) -> list[list[LabelledSpan]]:
    if y is None:
        raise ValueError(
            f"EntityRecognizer requires {name} to be passed, but the target y is None."
        )
    y = unwrap_container(y, name=name)
    check_consistent_length(texts, y)
    spans = [read_text_spans(row, number, name) for number, row in enumerate(y)]
    check_spans_of_texts(spans, texts, name)
    return spans


def _tokens(texts: list[str], offsets: list[Offsets]) -> list[list[str]]:
    return [
        [text[start:end] for start, end in spans]
        for text, spans in zip(texts, offsets, strict=True)
    ]


def _labels_of_tokens(
    text: str,
    offsets: Offsets,
    spans: list[LabelledSpan],
    number: int,
    scheme: str,
    extended: list[str],
) -> list[str]:
    """Return the labels of the tokens of a text.

    Descriptions of spans that are extended to whole tokens are added to `extended`.
    """
    labels = ["O"] * len(offsets)
    span_ending_at: dict[int, LabelledSpan] = {}
    starts, ends = np.array(offsets, dtype=int).reshape(-1, 2).T
    for span in spans:
        covered = np.flatnonzero((starts < span.end) & (ends > span.start))
        shown = f"{tuple(span)}, {text[span.start : span.end]!r:.40}, of row {number}"
        if not len(covered):
            raise ValueError(f"A span must contain a token: {shown}, has none.")
        first, last = covered[[0, -1]]
        if starts[first] < span.start or ends[last] > span.end:
            extended.append(shown)
        if first in span_ending_at:
            raise ValueError(
                f"Two spans must not share a token: {shown}, and "
                f"{tuple(span_ending_at[first])} contain parts of "
                f"{text[starts[first] : ends[first]]!r}. Set the 'tokenizer' parameter "
                "to split it."
            )
        span_ending_at[last] = span
        labels[first] = f"B-{span.label}"
        labels[first + 1 : last + 1] = [f"I-{span.label}"] * (last - first)
    return convert_to_scheme(labels, scheme)


def _spans_of_text(
    text: str,
    offsets: Offsets,
    labels: Sequence[str],
    probabilities: np.ndarray | None,
    classes: Any,
) -> list[dict[str, Any]]:
    """Return the spans of a text, given the predicted labels of its tokens."""
    scores = None
    if probabilities is not None and classes is not None and len(labels):
        codes = np.searchsorted(classes, list(labels))
        scores = probabilities[np.arange(len(labels)), codes]
    entities = []
    for span in find_spans(labels):
        start, end = offsets[span.start][0], offsets[span.stop - 1][1]
        entity = {"start": start, "end": end, "label": span.kind}
        entity["text"] = text[start:end]
        if scores is not None:
            entity["score"] = float(scores[span.start : span.stop].mean())
        entities.append(entity)
    return entities
