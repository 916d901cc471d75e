"""Base class of estimators with one output per row."""

from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from sklearn_bilstm.estimators._base import BaseSequenceEstimator, current_model
from sklearn_bilstm.nn import AttentionPooling

__all__ = ["BaseRowEstimator"]


def _pools(estimator):
    if hasattr(estimator, "model_"):
        of_steps = estimator.module_.of_steps
    else:
        of_steps = getattr(estimator, "output_type", "auto") == "steps"
    if of_steps:
        raise AttributeError(
            "transform and attention_weights require a network with outputs for each "
            "row: with outputs for each step, sequences are not pooled."
        )
    return True


def _pools_by_attention(estimator):
    _pools(estimator)
    if hasattr(estimator, "model_"):
        pools = isinstance(estimator.module_.pooling, AttentionPooling)
        reads_every_step = estimator.module_.reads_every_step
    else:
        pools = estimator.pooling == "attention"
        reads_every_step = estimator.convolution_stride == 1
    if not pools:
        raise AttributeError("attention_weights requires pooling='attention' in fit.")
    if not reads_every_step:
        raise AttributeError(
            "attention_weights requires convolution_stride=1 in fit, since there is no "
            "weight for each step otherwise."
        )
    return True


class BaseRowEstimator(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseSequenceEstimator
):
    """Base class of estimators whose network pools each row to one vector."""

    def _attributes(self, model):
        return {**super()._attributes(model), **model.auxiliary_models.attributes()}

    def transform(self, X):
        """Return the input of the dense layers for each sequence.

        This is the pooled vector, followed by the static features.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_timesteps)
            Token ids or numbers, as in `fit`.

        Returns
        -------
        vectors : ndarray of float32, shape (n_samples, n_components)
            One vector per row. The pooled vector of an empty sequence is zero.
        """
        check_is_fitted(self)
        model = current_model(self)
        return model.net.pooled(model.with_features(model.read(X)))

    @available_if(_pools_by_attention)
    def attention_weights(self, X):
        """Return the attention weight of each step.

        Available with `pooling="attention"` (Yang et al., 2016) and
        `convolution_stride=1`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_timesteps)
            Token ids or numbers, as in `fit`.

        Returns
        -------
        weights : list of ndarray of float32, shape (n_timesteps_of_row,)
            Weights of the real steps of each row, in order. They sum to one.
        """
        check_is_fitted(self)
        model = current_model(self)
        return model.net.attention(model.with_features(model.read(X)))

    def _logits_and_target(self, X):
        """Return the logits of X, and the target of the same model."""
        model = current_model(self)
        return model.logits(model.read(X)), model.target

    @property
    def _n_features_out(self):
        return self.module_.head.input_size

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        # with input_type="auto", a sparse X must hold token ids, while these tags mean
        # that any sparse X is accepted
        reads_ids = self.input_type == "tokens"
        tags.input_tags.sparse = reads_ids
        tags.input_tags.categorical = reads_ids
        tags.input_tags.positive_only = reads_ids
        tags.input_tags.three_d_array = not reads_ids
        tags.transformer_tags.preserves_dtype = []
        return tags


# not as a decorator: scikit-learn wraps `transform` for `set_output` when the class is
# created, and the wrapped method would always be available
BaseRowEstimator.transform = available_if(_pools)(BaseRowEstimator.transform)
