"""From parameters to a network, and to the net that trains it."""

import warnings
from numbers import Integral

import numpy as np
import torch
from sklearn.exceptions import NotFittedError
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted

from sklearn_bilstm.nn import (
    POOLINGS,
    Augmentation,
    DenseHead,
    NumericInput,
    RecurrentEncoder,
    SequenceModel,
    TokenInput,
)
from sklearn_bilstm.sequences import MAX_ID
from sklearn_bilstm.text import WordVectors
from sklearn_bilstm.training import OPTIMIZERS, SequenceNet, cooccurrence_vectors
from sklearn_bilstm.utils._device import resolve_device, resolve_precision
from sklearn_bilstm.utils._ids import FIRST_TOKEN_ID, UNKNOWN_ID
from sklearn_bilstm.utils._random import seeded_generator
from sklearn_bilstm.utils._token_ids import have_same_ids, vocabulary_fingerprint

__all__ = ["NetworkMixin", "find_fitted_estimator", "inner_estimator", "n_tokens"]

# Vectors of tokens that begin with knowledge change at this share of the rate.
_RATE_OF_KNOWN_VECTORS = 0.2

_IDS_OF_WORD_VECTORS = (
    "WordVectors are for ids of a TextVectorizer(vocabulary=word_vectors); for those "
    "of another one give word_vectors.aligned_to(vectorizer.vocabulary_)."
)

# Arguments of skorch that are not for users, beside those that are parameters here.
_DECIDED_HERE = {
    "callbacks",
    "dataset",
    "iterator_train",
    "iterator_valid",
    "max_epochs",
    "module",
    "optimizer__lr",
    "predict_nonlinearity",
    "warm_start",
}


class NetworkMixin:
    """Steps of making a network, one a method."""

    def _n_log_odds_channels(self):
        """Return how many log-odds channels there are per token."""
        return 0

    def _reads_what_was_read_before(self):
        """Return whether the log_odds is that of the pretrained estimator."""
        return False

    def _input_size(self, sequences):
        """Return how many ids, or channels, there are."""
        if self.input_type_ == "numeric":
            return sequences.values.shape[1]
        n_needed = n_tokens(sequences)
        n_given, _ = self._shape_of_given_vectors()
        if 0 < n_given < n_needed:
            raise ValueError(
                "The 'embedding' parameter must hold a vector for each id: there are "
                f"{n_given}, and X holds id {n_needed - 1}. {_IDS_OF_WORD_VECTORS}"
            )
        if self._holds_word_vectors() and not self._has_ids_of(self.embedding):
            raise ValueError(
                "The 'embedding' parameter holds WordVectors whose words have other "
                f"ids in X. {_IDS_OF_WORD_VECTORS}"
            )
        return max(n_needed, n_given)

    def _has_ids_of(self, words):
        """Return whether words have the ids that they have in X, as far as known."""
        if self._fingerprint is None:
            return True
        ids = {word: id_ for id_, word in enumerate(words, FIRST_TOKEN_ID)}
        return have_same_ids(self._fingerprint, vocabulary_fingerprint(ids))

    def _holds_word_vectors(self):
        """Return whether a user gives the vector of a word."""
        return isinstance(self.embedding, WordVectors) and len(self.embedding) > 0

    def _shape_of_given_vectors(self):
        """Return how many ids have a vector that a user gives, and its width."""
        if self._holds_word_vectors():
            n_words, width = self.embedding.vectors.shape
            return n_words + UNKNOWN_ID + 1, width
        given = self._given_vectors()
        return (0, self.embedding_dim) if given is None else given.shape

    def _given_vectors(self):
        """Return the vectors that a user gives, a row an id, or None."""
        if self.embedding is None or isinstance(self.embedding, str):
            return None
        if self._holds_word_vectors():
            return self.embedding.aligned_to(self.embedding)
        try:
            return check_array(
                self.embedding,
                dtype=np.float32,
                order="C",
                ensure_min_samples=UNKNOWN_ID + 1,
                input_name="embedding",
            )
        except (TypeError, ValueError) as error:
            raise ValueError(
                "The 'embedding' parameter must be 'svd', None, WordVectors that hold "
                "a word, or numbers of shape (n_ids, n_dims), a row for each id from 0 "
                f"on: {error}"
            ) from error

    def _make_module(self, input_size, n_outputs, seed):
        input_layer = self._make_input_layer(input_size)
        encoder = self._make_encoder(input_layer.output_size)
        pooling = POOLINGS[self.pooling](encoder.output_size)
        head = self._make_head(pooling.output_size + self.n_static_features, n_outputs)
        augmentation = None
        if self.input_type_ == "tokens" and (self.token_deletion or self.token_swap):
            augmentation = Augmentation(self.token_deletion, self.token_swap)
        module = SequenceModel(input_layer, encoder, pooling, head, augmentation)
        module.reset_parameters(seeded_generator(seed))
        return module

    def _make_encoder(self, input_size):
        return RecurrentEncoder(
            input_size,
            self._checked_sizes("hidden_layer_sizes", least=1),
            cell=self.cell,
            bidirectional=self.bidirectional,
            merge_mode=self.merge_mode,
            normalization=self.normalization,
            dropout=self.dropout,
            recurrent_dropout=self.recurrent_dropout,
            training_dtype=self._training_dtype(),
        )

    def _make_head(self, input_size, n_outputs):
        return DenseHead(
            input_size,
            n_outputs,
            self._checked_sizes("dense_layer_sizes", least=0),
            dropout=self.dropout,
        )

    def _training_dtype(self):
        """Return what the recurrent layers compute in; numbers are not rounded."""
        fused = self.cell == "lstm"  # kernels of other cells gain nothing
        if self.precision == "auto" and (self.input_type_ == "numeric" or not fused):
            return torch.float32
        return resolve_precision(self.precision, resolve_device(self.device))

    def _learns_vectors(self):
        """Return whether vectors of tokens are learnt before the network is."""
        by_name = isinstance(self.embedding, str)
        return by_name and self.input_type_ == "tokens"

    def _with_unlabelled(self, sequences, X_unlabelled):
        """Return all sequences that vectors of tokens are learnt from."""
        if X_unlabelled is None or self.embedding is None:
            return sequences
        if not self._learns_vectors():
            raise ValueError(
                "X_unlabelled is to learn vectors of tokens from, but X holds numbers "
                "or the 'embedding' parameter vectors: leave it out."
            )
        unlabelled = self._read_beside(X_unlabelled, "X_unlabelled", max_id=MAX_ID)
        return sequences.joined(unlabelled.sequences)

    def _new_module(self, sequences, seed):
        module = self._make_module(self._input_size(sequences), self._n_outputs(), seed)
        if self.pretrained is not None:
            self._take_over(module, seed)
        elif self.input_type_ == "tokens" and self.embedding is not None:
            vectors = self._given_vectors()
            if vectors is None:
                vectors = cooccurrence_vectors(
                    sequences,
                    module.input_layer.input_size,
                    self.embedding_dim,
                    np.random.RandomState(seed),
                )
            # a copy, as the array of a user may be read-only
            module.input_layer.start_from(torch.tensor(vectors))
        return module

    def _take_over(self, module, seed):
        """Begin with what another estimator has learnt, all but the dense layers."""
        estimator = find_fitted_estimator(self.pretrained)
        if not have_same_ids(estimator._fingerprint, self._fingerprint):
            raise ValueError(
                "The 'pretrained' parameter must hold an estimator that was fitted on "
                "token ids of the same vocabulary as X: transform both by one "
                "TextVectorizer, which is fitted once."
            )
        learnt = estimator.module_
        if learnt.architecture != module.architecture:
            raise ValueError(
                "The 'pretrained' parameter must hold an estimator whose network has "
                "the shape that is asked for here, but for its dense layers: give both "
                "the same embedding_dim, cell, hidden_layer_sizes, bidirectional, "
                "merge_mode, normalization and pooling, and the same kind of X."
            )
        layer = module.input_layer
        if self.input_type_ == "tokens":
            n_ids = max(layer.input_size, learnt.input_layer.input_size)
            layer.grow(n_ids, seeded_generator(seed))
            layer.take_over(learnt.input_layer)
        reads_the_same = self._reads_what_was_read_before()
        if learnt.input_layer.output_size > layer.n_shared and not reads_the_same:
            warnings.warn(
                "The 'pretrained' network reads class log-odds of n-grams, "
                f"which this {type(self).__name__} does not: little of what it has "
                "learnt can be handed on. Fit it with log_odds_ngram_range=None.",
                UserWarning,
                stacklevel=2,
            )
        n_shared = layer.output_size if reads_the_same else layer.n_shared
        module.encoder.take_over(learnt.encoder, n_shared)
        module.pooling.load_state_dict(learnt.pooling.state_dict())

    def _same_module(self):
        """Return a copy of the fitted network, trained in the way that is asked for."""
        fitted = self.module_
        module = self._make_module(
            fitted.input_layer.input_size, fitted.head.output_size, seed=0
        )
        if module.architecture != fitted.architecture:
            raise self._cannot_go_on()
        try:
            module.load_state_dict(fitted.state_dict())
        except RuntimeError as error:
            raise self._cannot_go_on() from error
        return module

    def _cannot_go_on(self):
        return ValueError(
            f"{type(self).__name__} goes on from the network that was fitted, but its "
            "parameters now ask for another one: leave all that shape the network as "
            "they were, such as embedding_dim, cell and hidden_layer_sizes, or fit "
            "anew, without warm_start and partial_fit."
        )

    def _make_input_layer(self, input_size):
        by_name = self.embedding is None or isinstance(self.embedding, str)
        if self.input_type_ == "numeric" and not by_name:
            raise ValueError(
                "The 'embedding' parameter must not hold vectors where X holds numbers "
                "and no tokens."
            )
        if self.input_type_ == "tokens":
            return TokenInput(
                input_size,
                self._shape_of_given_vectors()[1],
                self._n_log_odds_channels(),
                unknown_id=UNKNOWN_ID,
                word_dropout=self.word_dropout,
                dropout=self.embedding_dropout,
                frozen=self.freeze_embedding,
            )
        return NumericInput(input_size)

    def _make_net(self, module, seed):
        criterion, arguments = self._criterion()
        params = {
            "criterion": criterion,
            **{f"criterion__{name}": value for name, value in arguments.items()},
            "optimizer": OPTIMIZERS[self.optimizer],
            "optimizer__fused": True,
            "optimizer__weight_decay": self.weight_decay,
            "optimizer__param_groups": self._parameter_groups(),
            "lr": self.lr,
            "batch_size": self.batch_size,
            "device": resolve_device(self.device),
            "train_split": None,
            "verbose": 0,
            "seed": seed,
            "n_threads": self.n_threads,
        }
        more = dict(self.net_params or {})
        for name in more:
            if name in params or name in _DECIDED_HERE or name.startswith("module__"):
                raise ValueError(
                    f"The 'net_params' parameter must not hold {name!r}, on which "
                    f"{type(self).__name__} decides itself, by parameters of its own "
                    "if by any."
                )
        try:
            return SequenceNet(module, **params, **more).initialize()
        except (TypeError, ValueError) as error:
            raise ValueError(
                "The 'net_params' parameter must hold arguments of skorch.NeuralNet: "
                f"got {more!r}, and skorch says: {error}"
            ) from error

    def _parameter_groups(self):
        """Return what the optimiser treats apart.

        Decay pulls weights between units to zero, but neither biases, the scales of
        normalisations nor the vectors of tokens, most of which have no gradient in a
        batch to hold against it.
        """
        known = self.embedding is not None or self.pretrained is not None
        share = _RATE_OF_KNOWN_VECTORS if known else 1.0
        return [
            ("*bias*", {"weight_decay": 0.0}),
            ("encoder.normalizations.*", {"weight_decay": 0.0}),
            ("input_layer.*", {"weight_decay": 0.0, "lr": share * self.lr}),
        ]

    def _checked_sizes(self, name, *, least):
        """Return the widths of at least so many layers."""
        given = getattr(self, name)
        sizes = np.atleast_1d(np.asarray(given, dtype=object))
        whole = all(
            isinstance(size, Integral) and not isinstance(size, bool) and size >= 1
            for size in sizes
        )
        if len(sizes) < least or not whole:
            raise ValueError(
                f"The {name!r} parameter of {type(self).__name__} must be an int or a "
                f"sequence of ints in the range [1, inf). Got {given!r} instead."
            )
        return [int(size) for size in sizes]


def n_tokens(sequences):
    """Return how many ids an embedding needs, padding and unknown among them."""
    return max(int(sequences.values.max(initial=0)), UNKNOWN_ID) + 1


def inner_estimator(estimator):
    """Return the last step of a pipeline, or what a search or a frozen one holds.

    None stands for no other estimator inside.
    """
    if hasattr(estimator, "steps"):
        return estimator.steps[-1][1]
    if type(estimator).__name__ == "FrozenEstimator":
        return estimator.estimator
    return getattr(estimator, "best_estimator_", None)


def find_fitted_estimator(pretrained):
    """Return a fitted estimator that may be frozen, or at the end of a pipeline.

    Parameters
    ----------
    pretrained : estimator
        A BiLSTM estimator, or a FrozenEstimator, Pipeline or search that holds it.

    Returns
    -------
    estimator : BiLSTM estimator

    Raises
    ------
    ValueError
        If it is not fitted, or another kind of estimator.
    """
    found, held = pretrained, inner_estimator(pretrained)
    while held is not None:
        found, held = held, inner_estimator(held)
    try:
        check_is_fitted(found, "net_")
    except (NotFittedError, TypeError) as error:
        raise ValueError(
            "The 'pretrained' parameter must hold a fitted BiLSTM estimator, or a "
            "pipeline that ends with one; where clones are made of it, as in a search, "
            f"within sklearn.frozen.FrozenEstimator. Got {pretrained!r} instead."
        ) from error
    return found
