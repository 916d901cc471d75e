import numpy as np
import pytest

from sklearn_bilstm import explain
from tests.helpers import small_pipeline


def test_scores_equal_the_attention_weights(reviews):
    texts, labels = reviews
    model = small_pipeline(pooling="attention").fit(texts, labels)
    explanations = explain(model, texts, method="attention")
    weights = model[-1].attention_weights(model[:-1].transform(texts))
    for explanation, expected in zip(explanations, weights, strict=True):
        np.testing.assert_allclose(explanation.scores, expected, rtol=1e-6)
        assert explanation.baseline is None


def test_attention_raises_for_a_stride(reviews):
    texts, labels = reviews
    params = {"convolution_layer_sizes": 4, "convolution_stride": 2}
    model = small_pipeline(pooling="attention", **params).fit(texts, labels)
    with pytest.raises(ValueError, match="fit it with convolution_stride=1"):
        explain(model, ["good"], method="attention")


def test_attention_raises_for_another_pooling(fitted_pipeline):
    with pytest.raises(ValueError, match="fit it with pooling='attention'"):
        explain(fitted_pipeline, ["good"], method="attention")
