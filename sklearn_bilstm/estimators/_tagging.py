"""Steps of learning a label for every token, one a method."""

import warnings

import numpy as np
import torch

from sklearn_bilstm.estimators._base import BaseSequenceEstimator
from sklearn_bilstm.estimators._input import holds_text
from sklearn_bilstm.estimators._labels import encode, warn_of_marks
from sklearn_bilstm.estimators._sentences import (
    as_sentences,
    check_label_rows,
    check_lengths,
    matrix_of_lists,
)
from sklearn_bilstm.metrics import (
    allowed_transitions,
    find_scheme,
    find_spans,
    in_scheme,
)
from sklearn_bilstm.metrics._schemes import SCHEMES
from sklearn_bilstm.nn import CRF, CharacterEncoder, IndependentLabels, TaggingModel
from sklearn_bilstm.sequences import RaggedArray, SequenceDataset, TokenCharacters
from sklearn_bilstm.text import WordReader, WordVectors
from sklearn_bilstm.training import LabelAccuracy, SpanF1, WeightedTaggingLoss
from sklearn_bilstm.utils._containers import plain
from sklearn_bilstm.utils._ids import UNKNOWN_ID
from sklearn_bilstm.utils._random import seeded_generator

__all__ = ["BaseTagger"]

# What `embedding` may be where tokens have no ids yet.
_KNOWS_WORDS = str, WordVectors


class BaseTagger(BaseSequenceEstimator):
    """Steps of an estimator whose targets are rows of labels."""

    # no parameters: the label of a token hangs neither on numbers beside its sequence
    # nor on what was learnt about whole sequences
    n_static_features = _n_static = 0
    pretrained = None

    # -- reading

    def _rows(self, X, input_type, *, reset, max_id):
        X = plain(X)
        sentences = self._sentences(X, input_type, reset)
        if reset:
            self._words = None if sentences is None else self._learn_words(sentences)
        if sentences is not None:
            return self._rows_of_words(sentences, reset)
        ids = None if input_type == "numeric" else matrix_of_lists(X)
        if ids is None:
            return super()._rows(X, input_type, reset=reset, max_id=max_id)
        if reset:
            self._reset_to_lists_of_tokens()
        return SequenceDataset(self._ids(ids, max_id))

    def _sentences(self, X, input_type, reset):
        """Return X as sentences, or None if it holds ids or numbers, as it may."""
        knows_words = not reset and self._words is not None
        sentences = as_sentences(X, if_empty=knows_words)
        if sentences is not None:
            if not knows_words:
                self._refuse_words(input_type, reset)
        elif holds_text(X):
            raise ValueError(
                "X must hold a list of tokens for each sentence: got text in an object "
                f"of type {type(X).__name__} that holds no such lists, or more than a "
                "single column. Make lists, as by [list(row) for row in X]."
            )
        elif knows_words:
            raise ValueError(
                f"X must hold lists of tokens, as {type(self).__name__} was fitted to. "
                "Got ids, numbers, or rows that are not lists of strings."
            )
        return sentences

    def _refuse_words(self, input_type, reset):
        """Refuse lists of tokens where X must hold something else."""
        if reset and input_type != "numeric":
            return
        held = "numbers" if input_type == "numeric" else "token ids"
        reason = "as input_type='numeric' has it" if reset else "as X did in fit"
        raise ValueError(f"X must hold {held}, {reason}. Got lists of tokens instead.")

    def _ids(self, X, max_id):
        """Return ids, of which none is left out, as each has a label."""
        rows, columns = X.nonzero()
        last = np.full(X.shape[0], -1)
        np.maximum.at(last, rows, columns)
        holes = np.flatnonzero(last + 1 > np.bincount(rows, minlength=len(last)))
        if len(holes):
            raise ValueError(
                "X must hold 0, which is padding, behind the ids of a row only: row "
                f"{holes[0]} has it before the last one. An unknown token is 1. Lists "
                "of integers, a sparse X and an X of integers are read as token ids."
            )
        return super()._ids(X, max_id)

    def _learn_words(self, sentences):
        """Learn which tokens get an id, beside those that have a given vector."""
        if not (self.embedding is None or isinstance(self.embedding, _KNOWS_WORDS)):
            raise ValueError(
                "The 'embedding' parameter must be 'svd', None or WordVectors where X "
                "holds lists of tokens, as an array does not say whose vectors it "
                f"holds. Got an object of type {type(self.embedding).__name__}."
            )
        reader = WordReader(self.lowercase, self.min_df, self.max_features)
        if not isinstance(self.embedding, WordVectors):
            return reader.fit(sentences)
        reader.fit(sentences, known=self.embedding)
        found = any(word in self.embedding for word in reader.vocabulary_)
        if self._holds_word_vectors() and not found:
            warnings.warn(
                "The 'embedding' parameter holds no word in lower case, in which "
                "lowercase=True looks tokens up: none of its vectors is used.",
                UserWarning,
                stacklevel=2,
            )
        return reader

    def _rows_of_words(self, sentences, reset):
        if reset:
            self._reset_to_lists_of_tokens()
        words = self._words.read(sentences)
        offsets = np.concatenate([[0], np.cumsum(words.lengths)])
        spelled = RaggedArray(words.spelled, offsets)
        return SequenceDataset(
            RaggedArray(words.ids, offsets),
            characters=TokenCharacters(spelled, words.spellings),
        )

    def _reset_to_lists_of_tokens(self):
        self.input_type_, self._fingerprint = "tokens", None
        for attribute in ("n_features_in_", "feature_names_in_", "n_channels_"):
            vars(self).pop(attribute, None)

    # -- targets

    def _check_target(self, y):
        return check_label_rows(y, name=type(self).__name__)

    def _learn_outputs(self, y):
        self.scheme_ = find_scheme(y) if self.scheme == "auto" else self.scheme
        if self.scheme == "auto" and self.scheme_ is None:
            _warn_of_strays(y)
        labels = {label for row in self._in_scheme(y, "y") for label in row}
        if not labels:
            raise ValueError("y must hold a label: all of its rows are empty.")
        self.classes_ = np.array(sorted(labels))
        if set(self.classes_.tolist()) != labels:
            lost = labels.difference(self.classes_.tolist())
            raise ValueError(
                f"y must hold labels that an array of numpy keeps: got {min(lost)!r}."
            )
        warn_of_marks(
            self.classes_,
            "leave those tokens out of X and y; sub-word pieces are not needed, as the "
            "tagger reads the characters of whole words",
        )

    def _keeps_to_scheme(self):
        return self.crf and self.constrained and self.scheme_ in SCHEMES

    def _in_scheme(self, y, name):
        """Return labels that follow each other as the scheme has it, if it is kept."""
        if self.scheme_ is None:
            return y
        try:
            if self._keeps_to_scheme():
                return [in_scheme(row, self.scheme_) for row in y]
            for row in y:
                find_spans(row)
        except ValueError as error:
            raise ValueError(
                f"{name} must hold labels that mark spans, as those of {self.scheme_} "
                f"do. {error}"
            ) from error
        return y

    def _repaired(self, y, name):
        """Return labels that keep to the scheme, and warn if they did not before."""
        repaired = self._in_scheme(y, name)
        broken = [row for row, labels in enumerate(y) if repaired[row] != labels]
        if broken:
            row = broken[0]
            pairs = enumerate(zip(y[row], repaired[row], strict=True))
            token, old, new = next((i, *pair) for i, pair in pairs if len({*pair}) > 1)
            warnings.warn(
                f"{len(broken)} rows of {name} are not written in {self.scheme_}: row "
                f"{row} is the first, whose {old!r} at token {token} is taken for "
                f"{new!r}. Their spans were read as sklearn_bilstm.metrics.find_spans "
                "does, and their labels written anew. constrained=False learns labels "
                "as they are, and scheme=None is for labels that mark no spans.",
                UserWarning,
                stacklevel=2,
            )
        return repaired

    def _encode(self, y, name):
        labels = [label for row in y for label in row]
        codes = encode(labels, self.classes_, name=name)
        return RaggedArray(codes, np.cumsum([0, *map(len, y)]))

    def _paired(self, rows, y, name):
        if self.scheme not in ("auto", self.scheme_):
            raise self._cannot_go_on()
        check_lengths(rows.sequences.lengths, y, name)
        y = self._repaired(y, name)
        if name == "y_val":
            rows, y = self._with_known_labels(rows, y)
        return super()._paired(rows, y, name)

    def _with_known_labels(self, rows, y_val):
        """Return the validation rows that a loss can be computed of."""
        known = set(self.classes_.tolist())
        kept = [row for row, labels in enumerate(y_val) if known.issuperset(labels)]
        if len(kept) == len(y_val):
            return rows, y_val
        strange = sorted({label for row in y_val for label in row} - known)
        message = (
            f"{len(y_val) - len(kept)} rows of y_val hold labels that y does not, such "
            f"as {strange[0]!r}"
        )
        if not kept:
            raise ValueError(f"{message}: there is no other row to measure a loss by.")
        warnings.warn(f"{message}, and are left out.", UserWarning, stacklevel=2)
        return rows.take(np.array(kept)), [y_val[row] for row in kept]

    def _learn_scale_of_target(self, rows):
        self._steps_of_row = max(1.0, float(rows.sequences.lengths.mean()))

    def _n_outputs(self):
        return len(self.classes_)

    # -- the network

    def _has_vectors_of_words(self):
        return self._words is not None and self._holds_word_vectors()

    def _given_vectors(self):
        if self._has_vectors_of_words():
            return self.embedding.aligned_to(self._words.vocabulary_)
        return super()._given_vectors()

    def _shape_of_given_vectors(self):
        if self._has_vectors_of_words():
            return self._words.n_ids, self.embedding.vectors.shape[1]
        return super()._shape_of_given_vectors()

    def _make_module(self, input_size, n_outputs, seed):
        input_layer = self._make_input_layer(input_size)
        characters = self._make_characters()
        spelled = characters.output_size if characters else 0
        encoder = self._make_encoder(input_layer.output_size + spelled)
        head = self._make_head(encoder.output_size, n_outputs)
        decoder = self._make_decoder()
        module = TaggingModel(input_layer, encoder, head, decoder, characters)
        module.reset_parameters(seeded_generator(seed))
        return module

    def _make_characters(self):
        if self._words is None or not self.n_character_filters:
            return None
        return CharacterEncoder(
            self._words.n_characters,
            self.character_embedding_dim,
            self.n_character_filters,
            unknown_id=UNKNOWN_ID,
            dropout=self.embedding_dropout,
        )

    def _make_decoder(self):
        n_labels = len(self.classes_)
        if not self.crf:
            return IndependentLabels(n_labels)
        if not self._keeps_to_scheme():
            return CRF(n_labels)
        allowed = allowed_transitions(self.classes_.tolist(), self.scheme_)
        # a label that comes first, last and behind itself labels rows of any length
        alone = allowed[-1, :-1] & allowed[:-1, -1] & allowed[:-1, :-1].diagonal()
        return CRF(n_labels, torch.from_numpy(allowed) if alone.any() else None)

    def _parameter_groups(self):
        return [
            *super()._parameter_groups(),
            ("decoder.*", {"weight_decay": 0.0}),
            ("characters.embedding.*", {"weight_decay": 0.0}),
        ]

    def _criterion(self):
        return WeightedTaggingLoss, {"n_steps": self._steps_of_row}

    def _metrics(self):
        if self.scheme_ is None:
            return [LabelAccuracy()]
        return [SpanF1(self.classes_.tolist())]

    def _record_decisions(self, **more):
        super()._record_decisions(scheme=self.scheme_, **more)


def _warn_of_strays(y):
    """Warn if few labels are why the others are not taken for those of spans."""
    labels = {label for row in y for label in row}
    strays = [label for label in labels if not _marks_span(label)]
    marks = [label for label in labels - {"O", *strays} if "-" in str(label)]
    if len(marks) > len(strays):
        warnings.warn(
            f"Labels of y such as {min(marks)!r} mark spans, but {min(strays)!r} does "
            "not: all are taken for labels that mark none, and score is the share of "
            "right ones. Mend y, or give the 'scheme' parameter, which may be None.",
            UserWarning,
            stacklevel=2,
        )


def _marks_span(label):
    try:
        find_spans([label])
    except ValueError:
        return False
    return True
