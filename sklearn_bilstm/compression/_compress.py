"""Compression of fitted models."""

import io
from collections.abc import Callable
from copy import copy
from numbers import Real
from typing import Any

import torch
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from sklearn_bilstm.compression._features import (
    n_token_features,
    ranked_features,
    with_features,
)
from sklearn_bilstm.compression._ngrams import (
    groups_of_vocabularies,
    n_ngrams,
    ranked_ngrams,
    rescaled,
    with_ngrams,
)
from sklearn_bilstm.compression._predictions import Predictions
from sklearn_bilstm.compression._units import (
    has_removable_units,
    ranked_units,
    with_units,
)
from sklearn_bilstm.compression._vectors import ReducedVectors, has_reducible_vectors
from sklearn_bilstm.compression._weights import (
    has_ngrams,
    n_tokens_of,
    with_models,
    with_rounding,
    with_tokens,
)
from sklearn_bilstm.estimators import (
    BiLSTMClassifier,
    BiLSTMRegressor,
    BiLSTMTagger,
    current_model,
)
from sklearn_bilstm.fitting import CompressionReport, CompressionStep, FittedModel
from sklearn_bilstm.persistence import save
from sklearn_bilstm.sequences import SequenceDataset
from sklearn_bilstm.text import (
    TableVectorizer,
    TextVectorizer,
    set_vectorizer_state,
    vectorizer_state,
    with_first_tokens,
)
from sklearn_bilstm.utils._ids import FIRST_TOKEN_ID
from sklearn_bilstm.utils._rounding import rounded, rounded_to_half
from sklearn_bilstm.utils._sklearn import Interval, validate_params

__all__ = ["compress"]

_ESTIMATORS = BiLSTMClassifier, BiLSTMRegressor, BiLSTMTagger

# Share of the tolerance that each step and those before it may use together.
_NGRAM_TOLERANCE, _VECTOR_TOLERANCE, _TOKEN_TOLERANCE, _UNIT_TOLERANCE = (
    0.3,
    0.6,
    0.75,
    0.9,
)
# Minimum share of n-grams and tokens that are kept, and number of trials between the
# last share that is allowed and the first that is not.
_LEAST_SHARE, _N_REFINEMENTS = 2.0**-7, 2
# Recurrent kernels are fast for multiples of this number of units and components.
_BLOCK = 8


@validate_params(
    {"tolerance": [Interval(Real, 0, 1, closed="neither")]},
    prefer_skip_nested_validation=True,
)
@torch.inference_mode(False)
def compress(model: Any, X: Any, *, tolerance: float = 0.01) -> Any:
    """Return a smaller version of a fitted model.

    The steps are applied in this order, each as far as the predictions for X allow:

    1. removal of the n-grams of the linear model and of the class log-odds that
       contribute least, and of the token features of a tagger with the smallest
       weights,
    2. reduction of the dimension of token vectors, by a truncated singular value
       decomposition of the products of vectors and input weights,
    3. removal of the least frequent tokens of the vocabulary, which become unknown,
    4. removal of the units of the last recurrent layer that contribute least,
    5. rounding of all matrices to 8 bits with a scale per row, or to half precision.

    A step that would change too many predictions is omitted. The result predicts, is
    explained and exported as any other model, and :func:`save` and
    :func:`export_onnx` write smaller files. Training can be continued, but class
    log-odds of training rows are then no longer cross-fitted.

    Parameters
    ----------
    model : estimator
        A fitted estimator of this package, or a :class:`~sklearn.pipeline.Pipeline`
        that ends with one. It is not changed.

    X : array-like of shape (n_samples, ...) or iterable
        Input of `model.predict`, at least `1 / tolerance` rows (of tokens, for a
        tagger). They should be rows to which the model was not fitted, since
        predictions for training rows change far less than those for other rows.

    tolerance : float, default=0.01
        Maximum change of the predictions for X, greater than 0 and less than 1. For
        classifiers, it is the proportion of rows with another label (or with another
        label of some task, or another set of labels); for taggers, the proportion of
        tokens with another label; for regressors, the mean squared change relative to
        the variance of the predictions. The latter are sums over the standardised
        outputs.

    Returns
    -------
    compressed : estimator
        Model of the same class. Its estimator has an attribute `compression_`, which
        prints as a table of the steps: number of n-grams, token features, components,
        tokens, units and bits before and after, size of the saved model, and change of
        the predictions.

    Raises
    ------
    NotFittedError
        If the model is not fitted.
    TypeError
        If the model is not one of these estimators.
    ValueError
        If X is no valid input of the model or has too few rows, if `tolerance` is
        invalid, or if no step is possible within it.

    See Also
    --------
    save : Save a model; the file of a compressed one contains 8-bit numbers.
    export_onnx : Export a model to ONNX.

    Notes
    -----
    The network is pruned by units and not by single weights, as a sparse matrix is
    neither smaller nor faster unless nearly all weights are zero.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_bilstm import BiLSTMClassifier, TextVectorizer, compress
    >>> from sklearn_bilstm.datasets import make_reviews
    >>> texts, labels = make_reviews(300, random_state=0)
    >>> classifier = BiLSTMClassifier(max_epochs=1, random_state=0)
    >>> model = make_pipeline(TextVectorizer(), classifier)
    >>> model = model.fit(texts[:200], labels[:200])
    >>> small = compress(model, texts[200:])
    >>> report = small[-1].compression_
    >>> report.steps[-1].n_bytes < report.n_bytes / 3
    True
    """
    estimator = _final_estimator(model)
    fitted = current_model(estimator)
    if isinstance(model, Pipeline) and len(model.steps) > 1:
        X = model[:-1].transform(X)
    rows = fitted.read(X)
    predictions = Predictions(fitted, rows)
    predictions.check_number(tolerance)
    search = _Search(model, fitted, rows, predictions, tolerance)
    search.run()
    return search.result()


def _final_estimator(model: Any) -> Any:
    """Return the fitted estimator of a model.

    Raises
    ------
    NotFittedError, TypeError
    """
    estimator = model
    if isinstance(model, Pipeline) and model.steps:
        estimator = model.steps[-1][1]
    if not isinstance(estimator, _ESTIMATORS):
        raise TypeError(
            "The model must be a BiLSTMClassifier, BiLSTMRegressor or BiLSTMTagger, or "
            f"a Pipeline that ends with one: got {type(estimator).__name__}. For a "
            "search, pass best_estimator_. For a decision threshold or a calibration, "
            "compress its estimator, and fit it again around "
            "FrozenEstimator(compressed), since the probabilities change."
        )
    check_is_fitted(estimator)
    return estimator


class _Search:
    """Compression of a model step by step.

    Parameters
    ----------
    model : estimator
    fitted : FittedModel
        Model of its estimator.
    rows : SequenceDataset
        Rows whose predictions may change within the tolerance.
    predictions : Predictions
        Predictions of the original model.
    tolerance : float
    """

    def __init__(
        self,
        model: Any,
        fitted: FittedModel,
        rows: SequenceDataset,
        predictions: Predictions,
        tolerance: float,
    ) -> None:
        self._original = model
        self._rows = rows
        self._predictions = predictions
        self._tolerance = tolerance
        self._n_tokens = n_tokens_of(fitted)
        self._steps: list[CompressionStep] = []
        self._model = fitted
        self._n_bytes = _saved_size(model)

    def run(self) -> None:
        """Apply all steps."""
        if has_ngrams(self._model):
            self._remove_ngrams()
        if n_token_features(self._model):
            self._remove_features()
        if has_reducible_vectors(self._model):
            self._reduce_vectors()
        if self._n_tokens:
            self._remove_tokens()
        if has_removable_units(self._model):
            self._remove_units()
        self._round()
        if not self._steps:
            raise ValueError(
                "The model cannot be compressed within the 'tolerance' of "
                f"{self._tolerance}: even rounding to half precision changes more "
                "predictions. Increase it, or pass more rows."
            )

    def result(self) -> Any:
        """Return the compressed model."""
        return self._published(self._model)

    def _remove_ngrams(self) -> None:
        names = [*groups_of_vocabularies(self._model.auxiliary_models)]
        for i, name in enumerate(names):
            self._remove_ngram_group(name, _NGRAM_TOLERANCE * (i + 1) / len(names))

    def _remove_ngram_group(self, name: str, tolerance_share: float) -> None:
        models = self._model.auxiliary_models
        ranked = ranked_ngrams(models)
        group = groups_of_vocabularies(models)[name]

        def reduce_to(share: float) -> FittedModel:
            columns_to_keep = {
                key: columns[: int(share * len(columns))] if key in group else columns
                for key, columns in ranked.items()
            }
            reduced = rescaled(with_ngrams(models, columns_to_keep), models, self._rows)
            return with_models(self._model, reduced)

        def count(model: FittedModel) -> int:
            return n_ngrams(model.auxiliary_models, name)

        self._search(name, n_ngrams(models, name), reduce_to, tolerance_share, count)

    def _remove_features(self) -> None:
        ranked = ranked_features(self._model)

        def reduce_to(share: float) -> FittedModel:
            return with_features(self._model, ranked[: int(share * len(ranked))])

        self._search(
            *(
                "token features",
                len(ranked),
                reduce_to,
                _NGRAM_TOLERANCE,
                n_token_features,
            )
        )

    def _reduce_vectors(self) -> None:
        reduced = ReducedVectors(self._model, self._rows)
        total = self._model.network.input_layer.n_shared

        def reduce_to(share: float) -> FittedModel:
            n_kept = min(_whole_blocks(share * total), reduced.n_components)
            return reduced.with_components(n_kept)

        name = "components of token vectors"
        self._search(name, total, reduce_to, _VECTOR_TOLERANCE, _n_components)

    def _remove_tokens(self) -> None:
        def reduce_to(share: float) -> FittedModel:
            n_kept = int(share * (self._n_tokens - FIRST_TOKEN_ID))
            # a vocabulary must not be empty
            return with_tokens(self._model, FIRST_TOKEN_ID + max(1, n_kept))

        self._search("tokens", self._n_tokens, reduce_to, _TOKEN_TOLERANCE, n_tokens_of)

    def _remove_units(self) -> None:
        ranked = ranked_units(self._model, self._rows)
        total = len(ranked[0])

        def reduce_to(share: float) -> FittedModel:
            n_kept = min(_whole_blocks(share * total), total)
            return with_units(self._model, [units[:n_kept] for units in ranked])

        self._search("units per direction", total, reduce_to, _UNIT_TOLERANCE, _n_units)

    def _round(self) -> None:
        for n_bits, function in ((8, rounded), (16, rounded_to_half)):
            candidate = with_rounding(self._model, function)
            change = self._predictions.change(candidate)
            if change <= self._tolerance:
                self._accept("bits per number", candidate, 32, n_bits, change)
                return

    def _search(
        self,
        name: str,
        total: int,
        reduce_to: Callable[[float], FittedModel],
        tolerance_share: float,
        count: Callable[[FittedModel], int],
    ) -> None:
        """Apply a step with the smallest share whose changes are allowed."""
        allowed: tuple[float, FittedModel, float] | None = None
        rejected, share = 0.0, 0.5
        n_left = _N_REFINEMENTS
        while share >= _LEAST_SHARE and (not rejected or n_left):
            n_left -= bool(rejected)
            candidate = reduce_to(share)
            change = self._predictions.change(candidate)
            if change <= tolerance_share * self._tolerance:
                allowed = share, candidate, change
            else:
                rejected = share
            smallest_allowed = allowed[0] if allowed else 1.0
            share = (rejected * smallest_allowed) ** 0.5 if rejected else share / 2
        if allowed is None:
            return
        _, candidate, change = allowed
        if count(candidate) < total:
            self._accept(name, candidate, total, count(candidate), change)

    def _accept(
        self, name: str, model: FittedModel, before: int, after: int, change: float
    ) -> None:
        self._model = model
        n_bytes = _saved_size(self._published(model))
        step = CompressionStep(name, before, after, n_bytes, change)
        self._steps.append(step)

    def _published(self, model: FittedModel) -> Any:
        """Return a copy of the original estimator or pipeline with a fitted model."""
        model = copy(model)
        model.compression = CompressionReport(self._n_bytes, tuple(self._steps))
        estimator = copy(_final_estimator(self._original))
        sizes = [
            layer.forward_rnn.hidden_size for layer in model.network.encoder.layers
        ]
        old_layers = estimator.model_.network.encoder.layers
        if sizes != [layer.forward_rnn.hidden_size for layer in old_layers]:
            estimator.hidden_layer_sizes = tuple(sizes)
        n_components = _n_components(model)
        if n_components < _n_components(estimator.model_):
            estimator.embedding_dim = n_components
            if not isinstance(estimator.embedding, str):  # given vectors are longer
                estimator.embedding = None
        estimator._publish(model)
        if not isinstance(self._original, Pipeline):
            return estimator
        pipeline = copy(self._original)
        pipeline.steps = [*pipeline.steps[:-1], (pipeline.steps[-1][0], estimator)]
        n_tokens = n_tokens_of(model)
        if len(pipeline.steps) == 2 and n_tokens < self._n_tokens:
            name, transformer = pipeline.steps[0]
            pipeline.steps[0] = name, _with_first_tokens(transformer, n_tokens)
        return pipeline


def _with_first_tokens(transformer: Any, n_ids: int) -> Any:
    """Return the transformer, with a smaller vocabulary if it has one."""
    if isinstance(transformer, TextVectorizer):
        return with_first_tokens(transformer, n_ids)
    if not isinstance(transformer, TableVectorizer):
        return transformer
    smaller = copy(transformer)
    smaller.text_vectorizer_ = with_first_tokens(transformer.text_vectorizer_, n_ids)
    return smaller


def _whole_blocks(number: float) -> int:
    return max(1, round(number / _BLOCK)) * _BLOCK


def _n_components(model: FittedModel) -> int:
    return model.network.input_layer.n_shared


def _n_units(model: FittedModel) -> int:
    return model.network.encoder.layers[-1].forward_rnn.hidden_size


def _saved_size(model: Any) -> int:
    """Return the size of the saved estimator and its vectorizer, in bytes.

    Their parameters can contain functions, which cannot be saved, and are left out.
    """
    estimator = _final_estimator(model)
    saved = type(estimator)()
    saved._publish(estimator.model_)
    first = model[0] if isinstance(model, Pipeline) else None
    if isinstance(first, TableVectorizer):
        first = first.text_vectorizer_
    if isinstance(first, TextVectorizer):
        vectorizer = TextVectorizer()
        set_vectorizer_state(vectorizer, vectorizer_state(first))
        vectorizer._fingerprint = first._fingerprint  # stored once, if shared
        saved = Pipeline([("vectorizer", vectorizer), ("estimator", saved)])
    file = io.BytesIO()
    save(saved, file)
    return file.tell()
