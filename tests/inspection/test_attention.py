import numpy as np
import pytest

from sklearn_bilstm import explain
from tests.helpers import small_pipeline


def test_scores_are_the_weights_of_the_pooling(reviews):
    texts, labels = reviews
    model = small_pipeline(pooling="attention").fit(texts, labels)
    explanations = explain(model, texts, method="attention")
    weights = model[-1].attention_weights(model[:-1].transform(texts))
    for explanation, expected in zip(explanations, weights, strict=True):
        np.testing.assert_allclose(explanation.scores, expected, rtol=1e-6)
        assert explanation.baseline is None


def test_another_pooling_has_none(fitted_pipeline):
    with pytest.raises(ValueError, match="fit it with pooling='attention'"):
        explain(fitted_pipeline, ["good"], method="attention")
