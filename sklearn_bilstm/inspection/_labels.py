"""Explanations of the label of each token of a sentence."""

from dataclasses import replace
from typing import Any

import numpy as np
from scipy.special import expit
from sklearn.utils import check_consistent_length, gen_batches

from sklearn_bilstm.fitting import encode
from sklearn_bilstm.inspection._explanation import Explanation, Explanations
from sklearn_bilstm.inspection._model import EXPLAINABLE, one_per_row, transformers_of
from sklearn_bilstm.sequences import (
    RaggedArray,
    SequenceDataset,
    Sequences,
    TokenCharacters,
    TokenTexts,
)
from sklearn_bilstm.text import LocatedDocument, LocatedToken, join_tokens
from sklearn_bilstm.utils._ids import UNKNOWN_ID
from sklearn_bilstm.utils._plain import plain_value
from sklearn_bilstm.utils._sentences import (
    as_sentences,
    check_label_rows,
    check_lengths,
)

__all__ = ["explain_labels", "in_texts"]

# Number of variants of a sentence, with masked tokens, that are in memory together.
_N_AT_ONCE = 256


def explain_labels(
    model: Any, tagger: Any, sentences: Any, target: Any, y_true: Any = None
) -> Explanations:
    """Score tokens by the decrease of the log odds of labels when they are masked.

    A token is masked rather than removed, since each token keeps its label: it becomes
    an unknown token without characters and features. The explanations of all labels
    share the same variants of a sentence, each with one masked token.

    Parameters
    ----------
    model : estimator
        The model that ends with the tagger.
    tagger : BiLSTMTagger
        Fitted tagger.
    sentences : sequence of sequence of str
        The tokens of each sentence, or other rows that the model reads.
    target : label, array-like of shape (n_sentences,), list of list or None
        The label to explain, or one label per sentence or per token. If None, explain
        the predicted labels.
    y_true : list of list, default=None
        The true label of each token.

    Returns
    -------
    explanations : Explanations
        The Explanations of the labels of each sentence. In their baseline all tokens
        are masked.

    Raises
    ------
    ValueError
        If the tagger reads numbers or has only one label, or the sentences or the
        target are invalid.
    """
    if tagger.input_type_ != "tokens":
        raise ValueError(
            f"model must be {EXPLAINABLE}: got {model!r}, which reads numbers."
        )
    if len(tagger.classes_) < 2:
        raise ValueError(
            f"model has a single label, {tagger.classes_.tolist()}, whose log odds "
            "are not defined: fit it with at least two labels."
        )
    for transformer in transformers_of(model):
        sentences = transformer.transform(sentences)
    rows = tagger.model_.read(sentences)
    tokens = _tokens(sentences, rows)
    columns = _columns(tagger, rows, target)
    truths = _truths(rows, y_true)
    return Explanations(
        [
            _explain_sentence(tagger, tokens[row], rows, row, columns[row], truths[row])
            for row in range(len(rows))
        ]
    )


def in_texts(explanations: Explanations, texts: Any, offsets: list) -> Explanations:
    """Return explanations of tokens, with the texts that contain them.

    Parameters
    ----------
    explanations : Explanations
        The Explanations of the labels of each sentence.
    texts : array-like of str, shape (n_texts,) or (n_texts, 1)
    offsets : list of list of (int, int)
        Start and end of each token in its text.
    """
    rows = []
    texts = np.asarray(texts, dtype=object).ravel()
    for labels, text, spans in zip(explanations, texts, offsets, strict=True):
        located = [LocatedToken(text[start:end], start, end) for start, end in spans]
        document = LocatedDocument([text], [], located)
        shown = [replace(label, document=document) for label in labels]
        rows.append(Explanations(shown, of="position"))
    return Explanations(rows)


def _tokens(sentences: Any, rows: SequenceDataset) -> list[list]:
    """Return the original tokens of each sentence: words, or else ids."""
    words = as_sentences(sentences, if_empty=True)
    if words is not None:
        return words
    ends = rows.sequences.offsets[1:-1]
    return [ids.tolist() for ids in np.split(rows.sequences.values, ends)]


def _columns(tagger: Any, rows: SequenceDataset, target: Any) -> list[np.ndarray]:
    """Return the index of the explained label of each token."""
    if target is None:
        return tagger.model_.labels(rows)
    lengths = rows.sequences.lengths
    is_listed = isinstance(target, list | tuple)
    if is_listed and [*map(np.ndim, target[:1])] == [1]:  # one list of labels per row
        labels = check_label_rows(target, name="explain")
        check_consistent_length(rows.sequences, labels)
        check_lengths(lengths, labels, "target")
        return [_encoded(row_labels, tagger.classes_) for row_labels in labels]
    target_codes = _encoded(one_per_row(target, len(rows)).tolist(), tagger.classes_)
    return [np.full(*pair) for pair in zip(lengths, target_codes, strict=True)]


def _truths(rows: SequenceDataset, y_true: Any) -> list[list]:
    """Return the true label of each token, None if it is unknown."""
    lengths = rows.sequences.lengths
    if y_true is None:
        return [[None] * length for length in lengths]
    labels = check_label_rows(y_true, name="explain", allow_missing=True)
    check_consistent_length(rows.sequences, labels)
    check_lengths(lengths, labels, "y_true")
    return [[plain_value(label) for label in row_labels] for row_labels in labels]


def _encoded(target: list, classes: np.ndarray) -> np.ndarray:
    """Return the index of each label; the error for a kind of spans has its labels."""
    try:
        return encode(target, classes, name="target")
    except ValueError as error:
        marked = [label for label in map(str, classes) if label[1:2] == "-"]
        matching = [label for label in marked if label[2:] in target]
        if matching:
            raise ValueError(f"{error} Did you mean {matching[0]!r}?") from error
        raise


def _explain_sentence(
    tagger: Any,
    tokens: list,
    rows: SequenceDataset,
    row: int,
    columns: np.ndarray,
    truths: list,
) -> Explanations:
    text, located = join_tokens(tokens)
    document = LocatedDocument([text], [], located)
    n_steps = len(tokens)
    # one variant with all tokens, one with none, and one without each of them
    hidden = np.vstack(
        [np.zeros((1, n_steps), bool), np.ones((1, n_steps), bool), np.eye(n_steps) > 0]
    )
    log_odds = np.concatenate(
        [
            _log_odds(tagger, rows, row, hidden[batch], columns)
            for batch in gen_batches(len(hidden), _N_AT_ONCE)
        ]
    )
    output, baseline = log_odds[:2]
    # an impossible or certain label does not depend on any token
    free = np.isfinite(output)
    scores = np.zeros((n_steps, n_steps))
    scores[:, free] = output[free] - log_odds[2:, free]
    targets = tagger.classes_[columns].tolist()
    return Explanations(
        [
            Explanation(
                document=document,
                scores=scores[:, position],
                method="occlusion",
                target=targets[position],
                output=float(output[position]),
                baseline=float(baseline[position]),
                probability=float(expit(output[position])),
                position=position,
                truth=truths[position],
            )
            for position in range(n_steps)
        ],
        of="position",
    )


def _log_odds(
    tagger: Any,
    rows: SequenceDataset,
    row: int,
    hidden: np.ndarray,
    columns: np.ndarray,
) -> np.ndarray:
    """Return the log odds of labels in variants of a sentence.

    Parameters
    ----------
    tagger : BiLSTMTagger
    rows : SequenceDataset
    row : int
        Index of the sentence.
    hidden : ndarray of bool, shape (n_versions, n_steps)
        Mask of the hidden tokens.
    columns : ndarray of int, shape (n_steps,)
        Index of the label of each token.

    Returns
    -------
    log_odds : ndarray of float, shape (n_versions, n_steps)
        Log odds of the marginal probability of the label at each step.
    """
    marginals = tagger.model_.marginals(_versions(rows, row, hidden))
    probabilities = np.stack(marginals)  # (n_versions, n_steps, K)
    is_chosen = columns[:, None] == np.arange(probabilities.shape[2])  # (n_steps, K)
    with np.errstate(divide="ignore"):
        chosen = np.log(probabilities.sum(2, where=is_chosen))
        # the sum of the others, since 1 - p loses precision if p is close to one
        return chosen - np.log(probabilities.sum(2, where=~is_chosen))


def _versions(rows: SequenceDataset, row: int, hidden: np.ndarray) -> SequenceDataset:
    """Return variants of a sentence, each with some tokens masked."""
    n_versions, n_steps = hidden.shape
    offsets = np.arange(n_versions + 1) * n_steps

    def versions(tokens: Sequences, instead: int) -> RaggedArray:
        start, end = tokens.offsets[row : row + 2]
        shown = np.where(hidden, instead, tokens.values[start:end])
        return RaggedArray(shown.ravel(), offsets)

    sequences = versions(rows.sequences, UNKNOWN_ID)
    if not isinstance(rows.characters, TokenCharacters):
        return SequenceDataset(sequences)
    character_ids = rows.characters.characters
    tokens = versions(rows.characters.tokens, len(character_ids))
    characters = TokenCharacters(tokens, np.pad(character_ids, ((0, 1), (0, 0))))
    shown: Any = rows.texts
    texts = TokenTexts(tokens, [*shown.texts, ""])
    return SequenceDataset(sequences, characters=characters, texts=texts)
