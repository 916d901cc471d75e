"""Steps of learning a label for every token, one a method."""

import warnings

import numpy as np
import torch

from sklearn_bilstm.estimators._base import BaseSequenceEstimator
from sklearn_bilstm.estimators._input import holds_text
from sklearn_bilstm.estimators._labels import encode
from sklearn_bilstm.estimators._sentences import (
    as_sentences,
    check_label_rows,
    check_lengths,
    matrix_of_lists,
)
from sklearn_bilstm.metrics import allowed_transitions, find_scheme, in_scheme
from sklearn_bilstm.nn import CRF, CharacterEncoder, IndependentLabels, TaggingModel
from sklearn_bilstm.sequences import (
    RaggedArray,
    SequenceDataset,
    Spelling,
    ragged_from_ids,
)
from sklearn_bilstm.text import WordReader, WordVectors
from sklearn_bilstm.training import WeightedLabellingLoss
from sklearn_bilstm.utils._ids import UNKNOWN_ID
from sklearn_bilstm.utils._random import seeded_generator

__all__ = ["BaseTagger"]

# What `embedding` may be where tokens have no ids yet.
_KNOWS_WORDS = str, WordVectors


class BaseTagger(BaseSequenceEstimator):
    """Steps of an estimator whose targets are rows of labels."""

    # no parameters: the label of a token hangs neither on numbers beside its sequence
    # nor on what was learnt about whole sequences
    static_features = _n_static = 0
    pretrained = None

    # -- reading

    def _rows(self, X, input_type, *, reset, max_id):
        sentences = self._sentences(X, input_type, reset)
        if reset:
            self._words = None if sentences is None else self._learn_words(sentences)
        if sentences is not None:
            return self._rows_of_words(sentences, reset)
        ids = None if input_type == "numeric" else matrix_of_lists(X)
        if ids is None:
            return super()._rows(X, input_type, reset=reset, max_id=max_id)
        if reset:
            self._forget_columns()
        return SequenceDataset(ragged_from_ids(ids, max_id=max_id))

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
                f"of type {type(X).__name__} that holds no such lists."
            )
        elif knows_words:
            raise ValueError(
                f"X must hold lists of tokens, as {type(self).__name__} was fitted to. "
                "Got ids or numbers instead."
            )
        return sentences

    def _refuse_words(self, input_type, reset):
        """Refuse lists of tokens where X must hold something else."""
        if reset and input_type != "numeric":
            return
        held = "numbers" if input_type == "numeric" else "token ids"
        reason = "as input_type='numeric' has it" if reset else "as X did in fit"
        raise ValueError(f"X must hold {held}, {reason}. Got lists of tokens instead.")

    def _learn_words(self, sentences):
        """Learn which tokens get an id, beside those that have a given vector."""
        if not (self.embedding is None or isinstance(self.embedding, _KNOWS_WORDS)):
            raise ValueError(
                "The 'embedding' parameter must be 'svd', None or WordVectors where X "
                "holds lists of tokens, as an array does not say whose vectors it "
                f"holds. Got an object of type {type(self.embedding).__name__}."
            )
        reader = WordReader(self.lowercase, self.min_df, self.max_features)
        has_vectors = isinstance(self.embedding, WordVectors)
        return reader.fit(sentences, known=self.embedding if has_vectors else ())

    def _rows_of_words(self, sentences, reset):
        if reset:
            self._forget_columns()
        words = self._words.read(sentences)
        offsets = np.concatenate([[0], np.cumsum(words.lengths)])
        spelled = RaggedArray(words.spelled, offsets)
        return SequenceDataset(
            RaggedArray(words.ids, offsets),
            characters=Spelling(spelled, words.spellings),
        )

    def _forget_columns(self):
        self.input_type_ = "tokens"
        for attribute in ("n_features_in_", "feature_names_in_", "n_channels_"):
            vars(self).pop(attribute, None)

    # -- targets

    def _check_target(self, y):
        return check_label_rows(y, estimator=self)

    def _learn_outputs(self, y):
        self.scheme_ = find_scheme(y)
        labels = [label for row in self._in_scheme(y) for label in row]
        if not labels:
            raise ValueError("y must hold a label: all of its rows are empty.")
        self.classes_ = np.unique(np.array(labels))

    def _keeps_to_scheme(self):
        return self.crf and self.constrained and self.scheme_ in ("BIO", "BIOES")

    def _in_scheme(self, y):
        """Return labels that follow each other as the scheme has it, if it is kept."""
        if not self._keeps_to_scheme():
            return y
        return [in_scheme(row, self.scheme_) for row in y]

    def _encode(self, y, name):
        try:
            repaired = self._in_scheme(y)
        except ValueError as error:
            raise ValueError(
                f"{name} must hold labels of classes_ only, which are of the scheme "
                f"{self.scheme_}. {error}"
            ) from error
        n_repaired = sum(new != old for new, old in zip(repaired, y, strict=True))
        if n_repaired:
            warnings.warn(
                f"{n_repaired} rows of {name} have labels that do not follow each "
                f"other as {self.scheme_} has it, like 'I-PER' behind 'O'. Their spans "
                "were read as sklearn_bilstm.metrics.find_spans does, and their labels "
                "written anew. constrained=False learns labels as they are.",
                UserWarning,
                stacklevel=2,
            )
        labels = np.array([label for row in repaired for label in row])
        codes = encode(labels, self.classes_, name=name)
        return RaggedArray(codes, np.cumsum([0, *map(len, repaired)]))

    def _paired(self, rows, y, name):
        check_lengths(rows.sequences.lengths, y, name)
        return super()._paired(rows, y, name)

    def _learn_scale_of_target(self, rows):
        self._steps_of_row = max(1.0, float(rows.sequences.lengths.mean()))

    def _n_outputs(self):
        return len(self.classes_)

    # -- the network

    def _has_vectors_of_words(self):
        given = isinstance(self.embedding, WordVectors) and len(self.embedding)
        return self._words is not None and given

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
        labelling = self._make_labelling()
        module = TaggingModel(input_layer, encoder, head, labelling, characters)
        module.reset_parameters(seeded_generator(seed))
        return module

    def _make_characters(self):
        if self._words is None or not self.character_filters:
            return None
        return CharacterEncoder(
            self._words.n_characters,
            self.character_embedding_dim,
            self.character_filters,
            unknown_id=UNKNOWN_ID,
            dropout=self.embedding_dropout,
        )

    def _make_labelling(self):
        n_labels = len(self.classes_)
        if not self.crf:
            return IndependentLabels(n_labels)
        if not self._keeps_to_scheme():
            return CRF(n_labels)
        allowed = allowed_transitions(self.classes_.tolist(), self.scheme_)
        return CRF(n_labels, torch.from_numpy(allowed))

    def _parameter_groups(self):
        return [
            *super()._parameter_groups(),
            ("labelling.*", {"weight_decay": 0.0}),
            ("characters.embedding.*", {"weight_decay": 0.0}),
        ]

    def _criterion(self):
        return WeightedLabellingLoss, {"n_steps": self._steps_of_row}
