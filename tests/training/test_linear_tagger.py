import itertools

import numpy as np
import pytest
import torch

from sklearn_bilstm.nn import CRF, IndependentLabels
from sklearn_bilstm.sequences import (
    RaggedArray,
    SequenceDataset,
    TokenTexts,
    token_features,
)
from sklearn_bilstm.training import LinearTagger, _linear_tagger
from sklearn_bilstm.training._linear_tagger import _AdaGrad, _log_likelihood
from tests.helpers import small_tagger

K = 3
any_decoder = pytest.mark.parametrize("decoder", [CRF(K), IndependentLabels(K)])


def make_rows(n_rows=60, seed=0):
    """Return sentences in which the label is the number of the first letter."""
    random = np.random.RandomState(seed)
    lengths = random.randint(0, 5, n_rows)
    texts = [first + end for first in "abc" for end in ("x", "yy", "zzz")]
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    codes = RaggedArray(random.randint(len(texts), size=offsets[-1]), offsets)
    return SequenceDataset(
        codes,
        RaggedArray(codes.values // 3, offsets),
        random.choice([0.5, 1.5], n_rows),
        texts=TokenTexts(codes, texts),
    )


@any_decoder
def test_labels_that_depend_on_a_feature_are_learnt(decoder):
    model = LinearTagger(K).fit(make_rows(300), decoder, seed=0)
    unseen = make_rows(100, seed=1)
    texts = [text[0] + "w" for text in unseen.texts.texts]
    found = model.emissions(TokenTexts(unseen.texts.codes, texts)).values.argmax(1)
    assert np.mean(found == unseen.target.values) > 0.6  # by chance 0.33


@any_decoder
def test_the_given_decoder_is_not_changed(decoder):
    before = [weight.clone() for weight in decoder.parameters()]
    LinearTagger(K).fit(make_rows(), decoder, seed=0)
    for old, new in zip(before, decoder.parameters(), strict=True):
        assert torch.equal(old, new)


def test_emissions_are_sums_of_the_weights_of_features():
    rows = make_rows()
    model = LinearTagger(K).fit(rows, CRF(K), seed=0)
    weights = dict(zip(model.features.tolist(), model.weight[1:], strict=True))
    zeros = torch.zeros(K)
    for hashes, found in zip(
        token_features(rows.texts), model.emissions(rows.texts).values, strict=True
    ):
        expected = sum(weights.get(feature, zeros) for feature in hashes.tolist())
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_features_that_occur_once_have_no_weight():
    rows = make_rows()
    hashes, counts = np.unique(token_features(rows.texts), return_counts=True)
    model = LinearTagger(K).fit(rows, CRF(K), seed=0)
    expected = hashes[(counts > 1) & (hashes > 0)]
    np.testing.assert_array_equal(model.features, expected)


@any_decoder
def test_log_likelihood_equals_the_softmax_over_all_label_sequences(decoder):
    rows = make_rows(8)
    torch.nn.init.normal_(next(decoder.parameters(), torch.zeros(1)))
    emissions = torch.randn(len(rows.sequences.values), K)
    found = _log_likelihood(emissions, decoder, rows).item()
    expected = 0.0
    for row, weight in enumerate(rows.weight):
        start, end = rows.sequences.offsets[row : row + 2]
        paths = [*itertools.product(range(K), repeat=end - start)]
        scores = [path_score(emissions[start:end], decoder, path) for path in paths]
        of_labels = scores[paths.index(tuple(rows.target.values[start:end]))]
        expected += weight * (of_labels - np.logaddexp.reduce(scores))
    assert found == pytest.approx(expected, rel=1e-4)


def path_score(emissions, decoder, path):
    score = sum(float(emissions[step, label]) for step, label in enumerate(path))
    if isinstance(decoder, CRF) and path:
        weight = decoder.weight.detach().numpy()
        score += sum(weight[pair] for pair in itertools.pairwise([-1, *path, -1]))
    return score


def test_a_step_follows_the_numerical_gradient():
    rows = make_rows(4)
    places = np.arange(1, 1 + 2 * len(rows.sequences.values)).reshape(-1, 2)
    weight = torch.zeros(places.max() + 1, K)
    decoder = CRF(K)

    def loss(changed):
        emissions = changed[torch.from_numpy(places)].sum(1)
        return -_log_likelihood(emissions.double(), decoder, rows).item()

    slopes = torch.zeros_like(weight)
    for place in np.ndindex(*weight.shape):
        step = torch.zeros_like(weight)
        step[place] = 1e-3
        slopes[place] = (loss(step) - loss(-step)) / 2e-3
    found = weight.clone()
    first = _linear_tagger._FIRST_SQUARE
    _AdaGrad(found, CRF(K), np.ones(len(weight))).step(places, rows, 0.5, 1)
    expected = -0.5 * slopes / (slopes.square() + first).sqrt()
    torch.testing.assert_close(found, expected, atol=1e-3, rtol=1e-3)


def test_cross_fitted_emissions_do_not_depend_on_the_labels_of_their_row():
    rows = make_rows(9)
    row = int(rows.sequences.lengths.argmax())
    start, end = rows.sequences.offsets[row : row + 2]
    found = LinearTagger(K).fit_transform(rows, CRF(K), seed=0)
    rows.target.values[start:end] = (rows.target.values[start:end] + 1) % K
    changed = LinearTagger(K).fit_transform(rows, CRF(K), seed=0)
    np.testing.assert_array_equal(found.values[start:end], changed.values[start:end])
    assert (found.values != changed.values).any()


def test_fits_of_the_same_seed_are_identical():
    models = [LinearTagger(K).fit(make_rows(), CRF(K), seed) for seed in (1, 1, 2)]
    assert torch.equal(models[0].weight, models[1].weight)
    assert not torch.equal(models[0].weight, models[2].weight)


@any_decoder
def test_results_do_not_depend_on_the_number_of_threads(decoder):
    models = [LinearTagger(K) for _ in range(2)]
    one, two = (
        model.fit_transform(make_rows(), decoder, seed=0, n_threads=n_threads)
        for model, n_threads in zip(models, (1, 2), strict=True)
    )
    np.testing.assert_array_equal(one.values, two.values)
    assert torch.equal(models[0].weight, models[1].weight)


def test_a_stopped_fit_ends_before_the_next_batch():
    n_calls = []

    def is_stopped():
        n_calls.append(1)
        return len(n_calls) > 2

    stopped = LinearTagger(K).fit(make_rows(), CRF(K), 0, is_stopped)
    assert len(n_calls) == 3
    complete = LinearTagger(K).fit(make_rows(), CRF(K), 0)
    assert not torch.equal(stopped.weight, complete.weight)


@pytest.mark.parametrize("n_rows", [1, 2])
def test_very_few_rows_are_fitted(n_rows):
    rows = make_rows(60).take(np.arange(n_rows))
    found = LinearTagger(K).fit_transform(rows, CRF(K), seed=0)
    assert np.isfinite(found.values).all()


def test_a_sample_of_very_many_tokens_is_used(monkeypatch):
    rows = make_rows()
    monkeypatch.setattr(_linear_tagger, "_MOST_TOKENS", 20)
    model = LinearTagger(K).fit(rows, CRF(K), seed=0)
    _, counts = np.unique(token_features(rows.texts), return_counts=True)
    assert 0 < len(model.features) < np.count_nonzero(counts > 1)


def test_emissions_in_parts_equal_those_of_all_tokens(monkeypatch):
    rows = make_rows()
    model = LinearTagger(K).fit(rows, CRF(K), seed=0)
    whole = model.emissions(rows.texts)
    monkeypatch.setattr(_linear_tagger, "_TOKENS_AT_ONCE", 3)
    parts = model.emissions(rows.texts)
    np.testing.assert_array_equal(whole.values, parts.values)
    np.testing.assert_array_equal(whole.offsets, parts.offsets)


def test_a_model_of_some_features_sums_their_weights_only():
    rows = make_rows()
    model = LinearTagger(K).fit(rows, CRF(K), seed=0)
    kept = np.arange(1, len(model.features), 3)
    found = model.of_features(kept)
    assert found.features.tolist() == model.features[kept].tolist()

    def zeroed(weight):
        is_kept = np.isin(np.arange(len(weight)), kept)
        return np.where(is_kept[:, None], weight, 0)

    expected = model.mapped(zeroed).emissions(rows.texts).values
    assert expected.any()
    np.testing.assert_allclose(found.emissions(rows.texts).values, expected, atol=1e-5)


def test_a_function_is_applied_to_the_weights_of_a_copy():
    rows = make_rows()
    model = LinearTagger(K).fit(rows, CRF(K), seed=0)
    before = model.emissions(rows.texts).values
    found = model.mapped(lambda weight: 2 * weight).emissions(rows.texts).values
    np.testing.assert_allclose(found, 2 * before, rtol=1e-6)
    assert np.array_equal(model.emissions(rows.texts).values, before)


def test_the_state_restores_the_model():
    rows = make_rows()
    model = LinearTagger(K).fit(rows, CRF(K), seed=0)
    restored = LinearTagger.from_state(model.state(), K)
    found, expected = (m.emissions(rows.texts).values for m in (restored, model))
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"features": np.array([3, 2], np.uint64)}, "sorted"),
        ({"features": np.array([2, 3], np.int64)}, "array of kind"),
        ({"features": np.array([2, 3], np.uint8)}, "sorted"),
        ({"weight": np.zeros((2, K + 1), np.float32)}, "weight must be"),
        ({"weight": np.full((2, K), np.nan, np.float32)}, "finite"),
    ],
)
def test_an_invalid_state_is_rejected(changes, message):
    state = {"features": np.array([2, 3], np.uint64)}
    state |= {"weight": np.zeros((2, K), np.float32), **changes}
    with pytest.raises(ValueError, match=message):
        LinearTagger.from_state(state, K)


def test_sentences_with_missing_labels_are_left_out():
    X, y = [["ab", "cd"], ["ef", "ab"], ["cd"]] * 4, [["A", "B"], ["B", "A"], ["B"]] * 4
    gaps = [[*labels] for labels in y]
    for row in range(2, 12, 3):
        gaps[row] = [None]
    complete = [row for row in range(12) if row % 3 != 2]
    params = {"linear_features": "auto", "random_state": 0, "max_epochs": 1}
    found = small_tagger(**params).fit(X, gaps).model_.auxiliary_models.linear_tagger
    expected = small_tagger(**params).fit(
        [X[row] for row in complete], [y[row] for row in complete]
    )
    expected = expected.model_.auxiliary_models.linear_tagger
    assert np.array_equal(found.features, expected.features)
