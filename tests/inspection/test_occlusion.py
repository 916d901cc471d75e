import numpy as np
import pytest

from sklearn_bilstm import explain
from tests.helpers import small_pipeline

WORDS = ["the", "plot", "was", "not", "good", "at", "all"]


@pytest.mark.parametrize("params", [{}, {"linear_ngram_range": None}])
def test_a_score_is_what_the_output_loses_with_the_word(reviews, params):
    model = small_pipeline(**params).fit(*reviews)
    (explanation,) = explain(model, [" ".join(WORDS)], "occlusion", target="positive")
    without = [
        " ".join(WORDS[:place] + WORDS[place + 1 :]) for place in range(len(WORDS))
    ]
    whole, empty, *rest = model.decision_function([" ".join(WORDS), "", *without])
    np.testing.assert_allclose(explanation.scores, whole - np.array(rest), atol=1e-5)
    assert explanation.output == pytest.approx(whole, abs=1e-5)
    assert explanation.baseline == pytest.approx(empty, abs=1e-5)


def test_a_word_alone_is_all_that_there_is(fitted_pipeline):
    (explanation,) = explain(fitted_pipeline, ["good"], "occlusion")
    difference = explanation.output - explanation.baseline
    np.testing.assert_allclose(explanation.scores, [difference], atol=1e-6)
