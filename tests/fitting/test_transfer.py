from copy import deepcopy

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sklearn_bilstm import (
    BiLSTMClassifier,
    BiLSTMRegressor,
    load,
    save,
)
from tests.helpers import SMALL, small_classifier, small_regressor


@pytest.fixture(scope="module")
def y(ids):
    return np.where(ids[:, 0] > 15, "high", "low")


def vectors_of(model):
    return model.module_.input_layer.embedding.weight.detach().numpy()


class TestPretrained:
    @pytest.mark.parametrize(
        "wrapped", [lambda m: m, FrozenEstimator, lambda m: make_pipeline(m)]
    )
    def test_all_weights_but_the_head_are_initialised_by_pretrained(
        self, fitted, ids, wrapped
    ):
        target = np.arange(40) % 3  # another number of classes
        params = {"lr": 1e-12, "weight_decay": 0.0, "max_epochs": 1}
        model = small_classifier(pretrained=wrapped(fitted), **params)
        start = model.fit(ids, target).module_.state_dict()
        for name, weight in fitted.module_.state_dict().items():
            if not name.startswith("head."):
                assert (start[name] == weight).all(), name

    def test_convolutions_are_initialised_by_pretrained(self, ids, y):
        params = {"convolution_layer_sizes": (5, 4), "convolution_stride": 2}
        first = small_classifier(**params).fit(ids, y)
        second = small_classifier(**params, pretrained=first, lr=1e-12, weight_decay=0)
        start = second.fit(ids, np.arange(40) % 3).module_.state_dict()
        for name, weight in first.module_.state_dict().items():
            if not name.startswith("head."):
                assert (start[name] == weight).all(), name

    def test_convolutions_of_token_vectors_are_kept_without_log_odds(self, ids, y):
        params = {"convolution_layer_sizes": 5}
        first = small_classifier(**params).fit(ids, y)
        second = small_classifier(
            **params,
            log_odds_ngram_range=(1, 1),
            pretrained=first,
            lr=1e-12,
            weight_decay=0,
        ).fit(ids, y)
        found, expected = (m.module_.convolutions.layers[0] for m in (second, first))
        assert found.in_channels == expected.in_channels + 1
        assert (found.weight[:, : expected.in_channels] == expected.weight).all()

    @pytest.mark.parametrize(
        "params",
        [
            {"convolution_layer_sizes": ()},
            {"convolution_layer_sizes": (8, 8)},
            {"convolution_layer_sizes": 7},
            {"convolution_stride": 2},
        ],
        ids=str,
    )
    def test_pretrained_raises_on_other_convolutions(self, ids, y, params):
        of_first = {"convolution_layer_sizes": 8}
        first = small_classifier(**of_first).fit(ids, y)
        with pytest.raises(ValueError, match="'pretrained'.*convolution_layer_sizes"):
            small_classifier(**{**of_first, **params}, pretrained=first).fit(ids, y)

    def test_log_odds_of_a_pretrained_classifier_are_kept(self, ids, y):
        first = BiLSTMClassifier(max_epochs=1, random_state=0).fit(ids, y)
        params = {"pretrained": first, "lr": 1e-12, "max_epochs": 1, "random_state": 0}
        second = BiLSTMClassifier(**params).fit(ids, np.arange(40) % 3)
        assert second.log_odds_ is first.log_odds_
        np.testing.assert_allclose(
            second.transform(ids), first.transform(ids), rtol=1e-5, atol=1e-6
        )

    def test_dropped_log_odds_of_a_pretrained_classifier_warn(self, ids, y):
        first = BiLSTMClassifier(max_epochs=1, random_state=0).fit(ids, y)
        for second in (
            BiLSTMClassifier(pretrained=first, log_odds_ngram_range=None, max_epochs=1),
            BiLSTMRegressor(pretrained=first, max_epochs=1),
        ):
            with pytest.warns(
                UserWarning, match="Fit the .* with log_odds_ngram_range=None"
            ):
                second.fit(ids, np.arange(40) % 3)

    def test_pretrained_may_be_a_grid_search(self, ids, y):
        search = GridSearchCV(small_classifier(), {"lr": [1e-3, 1e-2]}, cv=2)
        model = small_classifier(pretrained=search.fit(ids, y))
        assert model.fit(ids, y).predict(ids).shape == (40,)

    def test_a_regressor_may_be_pretrained_by_a_classifier(self, fitted, ids):
        model = small_regressor(pretrained=fitted)
        assert model.fit(ids, np.arange(40.0)).predict(ids).shape == (40,)

    def test_embedding_grows_for_new_ids(self, fitted, ids, y):
        grown = np.where(ids == 5, 77, ids)
        model = small_classifier(pretrained=fitted).fit(grown, y)
        assert len(vectors_of(model)) == 78

    def test_an_unfitted_pretrained_estimator_raises(self, fitted, ids, y):
        unfitted = clone(small_classifier(pretrained=fitted))
        with pytest.raises(ValueError, match="fitted BiLSTM estimator.*FrozenEst"):
            unfitted.fit(ids, y)

    @pytest.mark.parametrize(
        "params",
        [
            {"hidden_layer_sizes": 5},
            {"convolution_layer_sizes": 8},
            {"bidirectional": False},
            {"embedding_dim": 1},
            {"cell": "rnn"},
            {"merge_mode": "sum"},
            {"pooling": "max"},
            {"normalization": "layer"},
        ],
        ids=str,
    )
    def test_pretrained_raises_on_another_architecture(self, fitted, ids, y, params):
        with pytest.raises(ValueError, match="'pretrained'.*hidden_layer_sizes"):
            small_classifier(pretrained=fitted, **params).fit(ids, y)

    def test_pretrained_raises_on_another_kind_of_x(self, fitted, y):
        with pytest.raises(ValueError, match="'pretrained'.*same kind of X"):
            small_classifier(pretrained=fitted).fit(np.ones((40, 3)), y)
        one, three = np.ones((40, 3, 1)), np.ones((40, 3, 3))
        with pytest.raises(ValueError, match="'pretrained'.*same kind of X"):
            small_classifier(pretrained=small_classifier().fit(one, y)).fit(three, y)


WHOLE = {**SMALL, "embedding": "svd"}


@pytest.fixture
def start(ids, y):
    return BiLSTMClassifier(**WHOLE, log_odds_ngram_range=(1, 1)).fit(ids, y)


@pytest.fixture
def continued(ids, start):
    """A classifier of three classes that starts with one of two."""
    params = {"pretrained": start, "log_odds_ngram_range": (1, 2)}
    return BiLSTMClassifier(**WHOLE, **params).fit(ids, np.arange(40) % 3)


def stored(model, folder):
    save(model, folder / "model.zip")
    return load(folder / "model.zip")


class TestContinuedAfterPretrained:
    """A fitted model no longer depends on the estimator it has started with."""

    @pytest.fixture(params=["partial_fit", "fit"])
    def expected(self, ids, continued, request):
        """The method, and its probabilities while the estimator is unchanged."""
        model = deepcopy(continued).set_params(warm_start=True)
        getattr(model, request.param)(ids, np.arange(40) % 3)
        return request.param, model.predict_proba(ids)

    def check(self, model, expected, ids):
        method, probabilities = expected
        model.set_params(warm_start=True)
        getattr(model, method)(ids, np.arange(40) % 3)
        assert np.array_equal(model.predict_proba(ids), probabilities)

    @pytest.mark.parametrize("n_classes", [2, 3])
    def test_it_may_be_fitted_again(self, ids, start, continued, expected, n_classes):
        start.fit(ids, np.arange(40)[::-1] % n_classes)
        self.check(continued, expected, ids)

    def test_it_may_be_removed_from_the_parameters(
        self, ids, continued, expected, tmp_path
    ):
        continued.set_params(pretrained=None)
        self.check(stored(continued, tmp_path), expected, ids)

    def test_it_may_be_replaced_by_an_unfitted_estimator(
        self, ids, continued, expected
    ):
        continued.set_params(pretrained=BiLSTMClassifier())
        self.check(continued, expected, ids)
