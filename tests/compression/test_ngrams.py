import numpy as np
import pytest

from sklearn_bilstm.compression._ngrams import (
    all_ngrams,
    groups_of_vocabularies,
    n_ngrams,
    ranked_ngrams,
    rescaled,
    with_ngrams,
)
from sklearn_bilstm.compression._weights import with_models
from tests.helpers import ragged, small_classifier

RANDOM = np.random.RandomState(0)
X = RANDOM.randint(2, 12, (80, 6)).astype(np.int32)
LABELS = np.where(X.max(1) > 10, "high", "low")
TASKS = np.stack([LABELS, np.where(X[:, 0] > 6, "a", "b")], 1)
SHARED = {"log_odds_ngram_range": (1, 2), "linear_ngram_range": (1, 2)}
SEPARATE = {"log_odds_ngram_range": (1, 1), "linear_ngram_range": (1, 2)}


def fitted(y, X=X, **params):
    return small_classifier(input_type="tokens", **params).fit(X, y).model_


MODELS = {
    "shared": (LABELS, SHARED),
    "separate": (LABELS, SEPARATE),
    "linear": (LABELS, {"linear_ngram_range": (1, 2)}),
    "log-odds": (LABELS, {"log_odds_ngram_range": (1, 2)}),
    "many classes": (X[:, 0], SHARED),
    "labels": ((TASKS > "b").astype(int), SHARED),
    "tasks": (TASKS, SHARED),
    "separate tasks": (TASKS, SEPARATE),
}


@pytest.fixture(scope="module", params=MODELS)
def model(request):
    y, params = MODELS[request.param]
    return fitted(y, **params)


def test_all_ngrams_give_the_same_logits(model):
    rows, models = model.read(X), model.auxiliary_models
    found = with_models(model, with_ngrams(models, all_ngrams(models)))
    np.testing.assert_allclose(found.logits(rows), model.logits(rows), rtol=1e-12)


def test_every_ngram_is_ranked_once(model):
    models = model.auxiliary_models
    ranked, expected = ranked_ngrams(models), all_ngrams(models)
    assert ranked.keys() == expected.keys()
    for key, columns in ranked.items():
        assert sorted(columns) == expected[key].tolist()


def test_vocabularies_are_in_one_group_each_and_are_counted(model):
    models = model.auxiliary_models
    groups = groups_of_vocabularies(models)
    keys = [key for group in groups.values() for key in group]
    columns = all_ngrams(models)
    assert sorted(keys) == sorted(columns)
    for name, group in groups.items():
        assert n_ngrams(models, name) == sum(len(columns[key]) for key in group)


@pytest.mark.parametrize("n_kept", [0, 1, 5])
def test_few_ngrams_give_finite_logits_and_do_not_change_the_model(model, n_kept):
    rows, models = model.read(X), model.auxiliary_models
    before = model.logits(rows)
    kept = {key: columns[:n_kept] for key, columns in ranked_ngrams(models).items()}
    reduced = rescaled(with_ngrams(models, kept), models, rows)
    found = with_models(model, reduced).logits(rows)
    assert np.isfinite(found).all()
    for name in groups_of_vocabularies(reduced):
        n_vocabularies = len(groups_of_vocabularies(reduced)[name])
        assert n_ngrams(reduced, name) == n_kept * n_vocabularies
    assert np.array_equal(model.logits(rows), before)


def test_the_only_ngrams_that_matter_rank_first():
    # the label is that of one token, which every second row contains
    ids = RANDOM.randint(3, 40, (200, 8)).astype(np.int32)
    ids[::2, 4] = 2
    for params in ({"linear_ngram_range": (1, 1)}, {"log_odds_ngram_range": (1, 1)}):
        models = fitted(np.arange(200) % 2, ids, **params).auxiliary_models
        ((key, ranked),) = ranked_ngrams(models).items()
        part = with_ngrams(models, {key: ranked[:1]})
        vocabulary = part.linear.ngram_model if part.linear else part.log_odds
        columns = vocabulary.vocabulary.at_steps(ragged(ids.tolist()))
        assert np.array_equal(columns.ravel() >= 0, ids.ravel() == 2)


def linear_logits(models, rows):
    return models.linear.ngram_model.logits(rows.sequences, rows.static)


@pytest.mark.parametrize("n_static", [0, 2])
@pytest.mark.parametrize("share", [0.2, 0.5])
def test_no_other_factor_has_a_smaller_error(n_static, share):
    static = 3 * RANDOM.standard_normal((80, n_static))
    both = np.hstack([X, static])
    y = (X.max(1) > 10) ^ (static.sum(1) > 2)
    params = {"linear_ngram_range": (1, 2), "n_static_features": n_static}
    model = fitted(y, both, **params)
    rows, models = model.read(both), model.auxiliary_models
    ((key, ranked),) = ranked_ngrams(models).items()
    part = with_ngrams(models, {key: ranked[: int(share * len(ranked))]})
    expected = linear_logits(models, rows)

    def error(models, factor):
        ngram_model = models.linear.ngram_model.rescaled(factor)
        found = ngram_model.logits(rows.sequences, rows.static)
        return np.square(found - expected).sum()

    best = rescaled(part, models, rows)
    for factor in (0.9, 0.99, 1.01, 1.1):
        assert error(best, 1.0) < error(best, factor)


def test_ngrams_of_little_effect_are_not_enlarged_to_replace_others():
    model = fitted(LABELS, linear_ngram_range=(1, 2))
    models = model.auxiliary_models
    ((key, ranked),) = ranked_ngrams(models).items()
    for n_kept in (1, 3, 10):
        part = with_ngrams(models, {key: ranked[-n_kept:]})
        for rows in (X, np.full_like(X, 99)):
            best = rescaled(part, models, model.read(rows))
            found, before = (
                np.abs(of.linear.ngram_model.regressions.coefficients).max()
                for of in (best, part)
            )
            assert found <= 2 * before
