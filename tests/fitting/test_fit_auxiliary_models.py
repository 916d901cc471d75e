from types import SimpleNamespace

import numpy as np
import pytest

from sklearn_bilstm.fitting._fit_auxiliary_models import pretrained_log_odds
from tests.helpers import small_classifier

CONFIG = SimpleNamespace(log_odds_ngram_range=(1, 1))


@pytest.fixture(scope="module")
def pretrained(ids):
    model = small_classifier(log_odds_ngram_range=(1, 1))
    return model.fit(ids, np.arange(40) // 20)


def test_the_log_odds_of_a_pretrained_classifier_are_kept(pretrained):
    assert pretrained_log_odds(CONFIG, None, pretrained.model_) is pretrained.log_odds_


def test_log_odds_that_are_not_pretrained_are_fitted_again(pretrained):
    assert pretrained_log_odds(CONFIG, None, None) is None
    assert pretrained_log_odds(CONFIG, pretrained.model_, None) is None


def test_pretrained_log_odds_are_kept_in_a_warm_start(pretrained, ids):
    params = {"log_odds_ngram_range": (1, 1), "pretrained": pretrained}
    model = small_classifier(**params).fit(ids, np.arange(40) % 2)
    assert pretrained_log_odds(CONFIG, model.model_, None) is model.log_odds_


def test_no_log_odds_are_kept_if_they_are_disabled(pretrained):
    config = SimpleNamespace(log_odds_ngram_range=None)
    assert pretrained_log_odds(config, None, pretrained.model_) is None
