import numpy as np
import pytest

from sklearn_bilstm.compression._weights import (
    has_ngrams,
    n_tokens_of,
    with_copied_network,
    with_rounding,
    with_tokens,
)
from sklearn_bilstm.utils._rounding import rounded, rounded_to_half
from tests.helpers import small_classifier, small_regressor, small_tagger

RANDOM = np.random.RandomState(0)
X = RANDOM.randint(2, 20, (60, 7)).astype(np.int32)
X[np.arange(7) >= RANDOM.randint(1, 8, 60)[:, None]] = 0
SUMS = X.sum(1)
SERIES = RANDOM.standard_normal((60, 12, 2))
NGRAMS = {"log_odds_ngram_range": (1, 2), "linear_ngram_range": (1, 2)}
TARGETS = {
    "two classes": SUMS > 60,
    "many classes": SUMS % 20,
    "labels": np.stack([SUMS > 60, X[:, 0] > 9], 1).astype(int),
    "tasks": np.stack([SUMS > 60, X[:, 0] > 9], 1).astype(str),
}
PARAMS = {
    "svd": {**NGRAMS, "embedding": "svd"},
    "random": NGRAMS,
    "other ranges": {"log_odds_ngram_range": (1, 1), "linear_ngram_range": (1, 2)},
    "linear only": {"linear_ngram_range": (1, 2)},
    "log-odds only": {"log_odds_ngram_range": (1, 2)},
    "none": {},
}


@pytest.fixture(scope="module", params=TARGETS)
def target(request):
    return TARGETS[request.param]


@pytest.fixture(scope="module", params=PARAMS)
def model(request, target):
    params = {"input_type": "tokens", "max_epochs": 5, **PARAMS[request.param]}
    return small_classifier(**params).fit(X, target).model_


def test_removed_tokens_are_read_as_unknown(model):
    rows = model.read(X)
    before = model.logits(rows)
    for n_tokens in (3, 9, 20):
        expected = model.logits(model.read(np.where(n_tokens > X, X, 1)))
        smaller = with_tokens(model, n_tokens)
        assert n_tokens_of(smaller) == n_tokens
        np.testing.assert_allclose(smaller.logits(rows), expected, atol=1e-6)
    assert np.array_equal(model.logits(rows), before)


def test_rounded_models_have_few_distinct_numbers_and_similar_logits(model):
    rows = model.read(X)
    before = model.logits(rows)
    for function, error in ((rounded, 0.05), (rounded_to_half, 2e-3)):
        found = with_rounding(model, function)
        np.testing.assert_allclose(
            found.logits(rows), before, atol=error * np.abs(before).max()
        )
        for weight in found.network.parameters():
            if weight.ndim > 1:
                values = weight.detach().numpy()
                assert np.array_equal(function(values), values)
    assert np.array_equal(model.logits(rows), before)


def test_features_are_those_of_all_rows_after_rounding(model):
    log_odds = with_rounding(model, rounded).auxiliary_models.log_odds
    if log_odds is None:
        assert model.auxiliary_models.log_odds is None
    else:
        assert len(log_odds.tables) == 1


@pytest.mark.parametrize(
    "estimator",
    [
        small_classifier(linear_kernels=84),
        small_regressor(linear_kernels=84),
        small_classifier(convolution_layer_sizes=3),
    ],
)
def test_models_of_numbers_are_rounded(estimator):
    trend = SERIES[:, :, 0].sum(1)
    y = trend > 0 if hasattr(estimator, "class_weight") else trend
    model = estimator.fit(SERIES, y).model_
    rows = model.read(SERIES)
    before = model.logits(rows)
    found = with_rounding(model, rounded).logits(rows)
    np.testing.assert_allclose(found, before, atol=0.05 * np.abs(before).max())
    assert not np.array_equal(found, before)
    assert np.array_equal(model.logits(rows), before)
    assert n_tokens_of(model) == 0
    assert not has_ngrams(model)


def test_transitions_and_character_embeddings_are_rounded(sentences, fitted_tagger):
    model = fitted_tagger.model_
    found = with_rounding(model, rounded)
    names = {name.split(".")[0] for name, _ in found.network.named_parameters()}
    assert {"characters", "decoder"} <= names
    for name, weight in found.network.named_parameters():
        before = dict(model.network.named_parameters())[name]
        assert (weight is before) is False
        if weight.ndim < 2:
            assert weight.equal(before)
        else:
            assert not weight.equal(before)


def test_weights_of_token_features_are_rounded(sentences):
    X, y = sentences
    model = small_tagger(linear_features="auto", max_epochs=1).fit(X, y).model_
    before = model.auxiliary_models.linear_tagger
    texts = model.read(X).texts
    for function, error in ((rounded, 1 / 127), (rounded_to_half, 2**-11)):
        found = with_rounding(model, function).auxiliary_models.linear_tagger
        weight = found.weight.numpy()
        assert np.array_equal(function(weight[1:]), weight[1:])
        largest = np.abs(before.weight.numpy()).max()
        np.testing.assert_allclose(weight, before.weight, atol=error * largest)
        assert not np.array_equal(weight, before.weight)
        emissions = (m.emissions(texts).values for m in (found, before))
        np.testing.assert_allclose(*emissions, atol=30 * error * largest)


def test_only_a_model_with_ngrams_has_ngrams(model, target):
    models = model.auxiliary_models
    assert has_ngrams(model) == bool(models.linear or models.log_odds)


def test_the_fingerprint_is_that_of_the_remaining_tokens(fitted_pipeline):
    model = fitted_pipeline[-1].model_
    before = model.reader.fingerprint
    found = with_tokens(model, 12).reader.fingerprint
    assert np.array_equal(found, before[:10])
    assert model.reader.fingerprint is before


def test_a_copied_network_has_weights_and_an_optimizer_of_its_own(fitted):
    model = fitted.model_
    found = with_copied_network(model)
    for new, old in zip(
        found.network.parameters(), model.network.parameters(), strict=True
    ):
        assert new is not old
        assert new.equal(old)
    groups = found.net.optimizer_.param_groups
    known = {id(p) for group in groups for p in group["params"]}
    assert known == {id(p) for p in found.network.parameters()}
    assert found.net.optimizer_ is not model.net.optimizer_


def test_words_without_a_vocabulary_keep_their_characters(sentences, fitted_tagger):
    words, _ = sentences
    model = fitted_tagger.model_
    smaller = with_tokens(model, 3)
    assert len(smaller.reader.words.vocabulary_) == 1
    rows, same = smaller.read(words), model.read(words)
    ids = np.where(same.sequences.values < 3, same.sequences.values, 1)
    assert np.array_equal(rows.sequences.values, ids)
    found, expected = smaller.net.labels(rows), smaller.net.labels(same)
    assert all(map(np.array_equal, found, expected))
