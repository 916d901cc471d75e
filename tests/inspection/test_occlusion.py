import numpy as np
import pytest

from sklearn_bilstm import explain
from tests.helpers import small_pipeline

WORDS = ["the", "plot", "was", "not", "good", "at", "all"]


@pytest.mark.parametrize("params", [{}, {"linear_ngram_range": None}])
def test_scores_equal_the_change_of_output_without_the_word(reviews, params):
    model = small_pipeline(**params).fit(*reviews)
    (explanation,) = explain(model, [" ".join(WORDS)], "occlusion", target="positive")
    without = [" ".join(WORDS[:i] + WORDS[i + 1 :]) for i in range(len(WORDS))]
    whole, empty, *rest = model.decision_function([" ".join(WORDS), "", *without])
    np.testing.assert_allclose(explanation.scores, whole - np.array(rest), atol=1e-5)
    assert explanation.output == pytest.approx(whole, abs=1e-5)
    assert explanation.baseline == pytest.approx(empty, abs=1e-5)


def test_score_of_a_single_word_is_the_difference_from_the_baseline(fitted_pipeline):
    (explanation,) = explain(fitted_pipeline, ["good"], "occlusion")
    difference = explanation.output - explanation.baseline
    np.testing.assert_allclose(explanation.scores, [difference], atol=1e-6)
