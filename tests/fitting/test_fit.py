import numpy as np
import pytest

from tests.helpers import small_classifier, small_regressor, small_tagger

Y = np.arange(40) // 20
WHOLE = {"log_odds_ngram_range": (1, 1), "linear_ngram_range": (1, 1)}


@pytest.mark.parametrize("factor", [1e-310, 1e300])
def test_fit_uses_only_the_ratios_of_weights(ids, factor):
    weight, model = 1.0 + Y, small_classifier(**WHOLE, class_weight={0: 3.0, 1: 2.0})
    expected = model.fit(ids, Y, sample_weight=weight).predict_proba(ids)
    model.set_params(class_weight={0: 3 * factor, 1: 2 * factor})
    found = model.fit(ids, Y, sample_weight=weight * factor).predict_proba(ids)
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_class_weight_balances_tiny_sample_weights(ids):
    model = small_classifier(**WHOLE, class_weight="balanced")
    expected = model.fit(ids, Y).predict_proba(ids)
    found = model.fit(ids, Y, sample_weight=np.full(40, 1e-310)).predict_proba(ids)
    np.testing.assert_allclose(found, expected, rtol=1e-4)


@pytest.mark.parametrize("weight", [1e-320, 1e-315, 1e-300, 1e-280])
def test_probabilities_are_finite_for_a_class_of_tiny_weight(ids, weight):
    model = small_classifier(**WHOLE, class_weight={0: weight})
    assert np.isfinite(model.fit(ids, Y).predict_proba(ids)).all()


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_regressor_standardises_with_tiny_weights(ids, method):
    model, y = small_regressor(), 100.0 + np.arange(40)
    getattr(model, method)(ids, y, sample_weight=np.full(40, 1e-310))
    assert model.model_.target.scaler.mean_ == pytest.approx([y.mean()])


def test_tagger_accepts_tiny_weights(sentences):
    expected = small_tagger().fit(*sentences)
    tagger = small_tagger().fit(*sentences, sample_weight=np.full(40, 1e-310))
    for found, of_row in zip(
        tagger.predict_proba(sentences[0]),
        expected.predict_proba(sentences[0]),
        strict=True,
    ):
        np.testing.assert_allclose(found, of_row, rtol=1e-4)
