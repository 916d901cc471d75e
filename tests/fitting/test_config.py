import numpy as np
import pytest

from sklearn_bilstm import BiLSTMClassifier, BiLSTMRegressor, BiLSTMTagger
from sklearn_bilstm.fitting._config import Config


@pytest.mark.parametrize("cls", [BiLSTMClassifier, BiLSTMRegressor, BiLSTMTagger])
def test_config_contains_every_parameter(cls):
    params = cls().get_params(deep=False)
    config = Config.of(cls())
    assert config.estimator == cls.__name__
    assert {name: getattr(config, name) for name in params} == params


def test_parameters_missing_in_the_estimator_are_disabled():
    config = Config.of(BiLSTMTagger())
    assert config.pretrained is None
    assert config.linear_ngram_range is None
    assert config.n_static_features == 0
    assert Config.of(BiLSTMRegressor()).log_odds_ngram_range is None


def test_numpy_scalars_become_python_scalars_without_changing_the_estimator():
    size = np.int64(3)
    classifier = BiLSTMClassifier(hidden_layer_sizes=(size,), lr=np.float32(0.5))
    config = Config.of(classifier)
    assert type(config.hidden_layer_sizes[0]) is int
    assert type(config.lr) is float
    assert classifier.hidden_layer_sizes[0] is size


class FewParameters(BiLSTMClassifier):
    """A subclass with an additional parameter and few of the inherited ones."""

    def __init__(self, *, more=1, lr=0.1):
        super().__init__(lr=lr)
        self.more = more


def test_config_accepts_a_subclass_with_other_parameters():
    config = Config.of(FewParameters())
    assert (config.estimator, config.lr) == ("FewParameters", 0.1)
    assert config.batch_size == BiLSTMClassifier().batch_size
