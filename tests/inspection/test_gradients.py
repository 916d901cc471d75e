import copy
import itertools

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.compose import make_column_transformer
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline

from sklearn_bilstm import TextVectorizer, explain
from sklearn_bilstm.nn import CELLS, MERGES, POOLINGS
from tests.helpers import small_classifier, small_pipeline, small_regressor

pytest.importorskip("captum")

TEXTS = ["the plot was not good at all", "brilliant!", "it is what it is , is it not"]


def gap(explanation):
    """Relative error of the sum of scores."""
    difference = explanation.output - explanation.baseline
    return abs(explanation.scores.sum() - difference) / abs(difference)


def assert_complete(model, texts=TEXTS, **kwargs):
    for explanation in explain(model, texts, **kwargs):
        assert gap(explanation) < 0.01


@pytest.mark.parametrize(
    ("cell", "pooling"),
    [*itertools.product(["lstm"], POOLINGS), ("gru", "max"), ("rnn", "attention")],
)
def test_scores_sum_to_the_difference_from_the_baseline(reviews, cell, pooling):
    assert cell in CELLS
    model = small_pipeline(cell=cell, pooling=pooling).fit(*reviews)
    assert_complete(model)


@pytest.mark.parametrize("merge_mode", sorted(MERGES))
def test_scores_of_deep_networks_are_complete(reviews, merge_mode):
    model = small_pipeline(
        hidden_layer_sizes=(6, 4),
        dense_layer_sizes=5,
        merge_mode=merge_mode,
        normalization="layer",
    )
    assert_complete(model.fit(*reviews))


@pytest.mark.parametrize(
    "params",
    [
        {"linear_ngram_range": None},
        {"log_odds_ngram_range": None},
        {"linear_ngram_range": (2, 3), "log_odds_ngram_range": (1, 3)},
    ],
)
def test_scores_are_complete_with_and_without_ngram_models(reviews, params):
    assert_complete(small_pipeline(**params).fit(*reviews))


@pytest.mark.parametrize("linear_ngram_range", [(1, 1), (1, 2), (2, 3)])
def test_scores_are_complete_with_regressions_on_mean_vectors(
    reviews, linear_ngram_range
):
    model = small_pipeline(linear_ngram_range=linear_ngram_range).fit(*reviews)
    model = copy.deepcopy(model)
    model[-1].linear_model_.share_of_vectors = 0.5
    assert_complete(model)
    # without the network, only the linear model has scores
    model[-1].model_.auxiliary_models.network_scale = 0.0
    assert_complete(model)


def test_scores_of_mean_vectors_alone_are_those_of_each_token(reviews):
    params = {"linear_ngram_range": (2, 3), "log_odds_ngram_range": None}
    model = copy.deepcopy(small_pipeline(**params).fit(*reviews))
    classifier = model[-1]
    linear_model = classifier.linear_model_
    classifier.model_.auxiliary_models.network_scale = 0.0
    linear_model.share_of_vectors = 1.0
    (explanation,) = explain(model, TEXTS[:1], target="positive")
    sequences = classifier.model_.read(model[0].transform(TEXTS[:1])).sequences
    contributions = linear_model.vectors.contributions(sequences)  # (T, K)
    odds = np.diff(contributions)[:, 0] / 2 / linear_model.temperature_
    np.testing.assert_allclose(explanation.scores, odds, rtol=1e-4, atol=1e-6)


def test_scores_of_each_class_and_label_are_complete(reviews):
    texts, _ = reviews
    codes = np.arange(60) % 3
    for y in (codes, np.eye(3, dtype=int)[codes]):
        model = small_pipeline().fit(texts, y)
        for target in range(3):
            assert_complete(model, target=target)


def test_scores_of_a_regressor_are_complete_in_the_unit_of_the_target(reviews):
    texts, _ = reviews
    y = [1e6 + len(text) for text in texts]
    model = make_pipeline(TextVectorizer(), small_regressor(max_epochs=5))
    assert_complete(model.fit(texts, y))


def test_scores_are_complete_for_steep_networks_or_warn(reviews):
    texts, labels = reviews
    model = small_pipeline(linear_ngram_range=None, pooling="last").fit(texts, labels)
    with torch.no_grad():
        for name, weight in model[-1].module_.encoder.named_parameters():
            if "weight" in name:
                weight *= 2.0
    long = [" ".join(texts[:4])]
    assert_complete(model, long, max_points=4096)
    with pytest.warns(ConvergenceWarning, match="'max_points'"):
        explain(model, long, max_points=1)


def test_scores_equal_the_integral_of_numerical_gradients(reviews):
    model = make_pipeline(TextVectorizer(), small_classifier(pooling="mean"))
    model.fit(*reviews)
    (explanation,) = explain(model, TEXTS[:1], target="positive")
    n_tokens = len(explanation.tokens)
    module = copy.deepcopy(model[-1].module_).eval().double()
    ids = torch.from_numpy(model[0].transform(TEXTS[:1]).toarray()[:, :n_tokens]).long()
    vectors = module.input_layer(ids, ids > 0).detach()  # (1, T, E)

    def log_odds(scales):
        """Scale the vector of each token separately."""
        scaled = torch.from_numpy(scales)[..., None] * vectors
        mask = torch.ones(scales.shape, dtype=torch.bool)
        with torch.no_grad():
            logits = module.logits_of_vectors(scaled, mask)
        return (logits[:, 1] - logits[:, 0]).numpy()

    positions = (np.arange(100) + 0.5) / 100
    for token, score in enumerate(explanation.scores):
        low, high = (np.tile(positions[:, np.newaxis], n_tokens) for _ in range(2))
        low[:, token] -= 1e-4
        high[:, token] += 1e-4
        gradients = (log_odds(high) - log_odds(low)) / 2e-4
        assert gradients.mean() == pytest.approx(score, abs=1e-4)


def test_a_discontinuity_is_attributed_to_its_tokens(reviews):
    model = make_pipeline(
        TextVectorizer(),
        small_classifier(cell="rnn", pooling="last", hidden_layer_sizes=1),
    )
    model.fit(*reviews)
    module = model[-1].module_.eval()
    ids = torch.from_numpy(model[0].transform(TEXTS[:1]).toarray()[:, :7]).long()
    (vectors,) = module.input_layer(ids, ids > 0).detach()
    (layer,) = module.encoder.layers
    with torch.no_grad():
        # each direction depends on its last token only, with a step at `position`
        for cell, vector, position in [
            (layer.forward_rnn, vectors[-1], 1 / 3),
            (layer.backward_rnn, vectors[0], 2 / 3),
        ]:
            cell.weight_hh_l0.zero_()
            cell.weight_ih_l0 *= 2e4 / (cell.weight_ih_l0 @ vector)
            cell.bias_ih_l0.zero_()
            cell.bias_hh_l0.fill_(-2e4 * position)

        def log_odds(scales):
            scaled = torch.tensor(scales)[:, None] * vectors
            logits = module.logits_of_vectors(scaled[None], ids > 0)[0]
            return (logits[1] - logits[0]).item()

        neither, last, both = map(log_odds, ([0.0] * 7, [0.0] * 6 + [1.0], [1.0] * 7))
    (explanation,) = explain(model, TEXTS[:1], target="positive")
    expected = [both - last, 0, 0, 0, 0, 0, last - neither]
    np.testing.assert_allclose(
        explanation.scores, expected, atol=0.01 * abs(both - neither)
    )


def test_scores_of_the_linear_model_share_ngrams_equally(reviews):
    model = copy.deepcopy(small_pipeline(log_odds_ngram_range=None).fit(*reviews))
    classifier = model[-1]
    classifier.model_.auxiliary_models.network_scale = 0.0
    (explanation,) = explain(model, ["good plot"], target="positive")
    X = model[0].transform(["good plot"])
    contributions = classifier.linear_model_.contributions(
        classifier.model_.read(X).sequences
    )
    odds = (contributions[..., 1] - contributions[..., 0]) / 2
    odds /= classifier.linear_model_.temperature_
    (first, _), (second, pair) = odds
    expected = [first + pair / 2, second + pair / 2]
    np.testing.assert_allclose(explanation.scores, expected, rtol=1e-4)


def table_model(reviews, **params):
    """A classifier of reviews and two numbers, and its input table."""
    texts, labels = reviews
    stars = np.where(np.array(labels) == "positive", 4.0, 2.0)
    stars += np.random.RandomState(0).rand(60)
    frame = pd.DataFrame({"review": texts, "stars": stars, "age": np.arange(60.0)})
    columns = make_column_transformer(
        (TextVectorizer(), "review"),
        ("passthrough", ["stars", "age"]),
        verbose_feature_names_out=False,
    )
    classifier = small_classifier(n_static_features=2, max_epochs=5, **params)
    return make_pipeline(columns, classifier).fit(frame, labels), frame


@pytest.mark.parametrize(
    "params",
    [{}, {"linear_ngram_range": (1, 2), "log_odds_ngram_range": (1, 2)}],
)
def test_scores_of_tokens_and_static_features_are_complete(reviews, params):
    model, frame = table_model(reviews, **params)
    frame = frame[:3].assign(review=[*TEXTS[:2], ""])
    odds = model.decision_function(frame)
    for one, expected in zip(
        explain(model, frame, target="positive"), odds, strict=True
    ):
        total = one.baseline + one.scores.sum() + one.static_scores.sum()
        assert total == pytest.approx(expected, abs=0.01 * abs(expected - one.baseline))
        assert one.static_names == ["stars", "age"]


def test_scores_of_static_features_are_zero_at_their_mean(reviews):
    model, frame = table_model(reviews, linear_ngram_range=(1, 2))
    means = frame[["stars", "age"]].mean()
    (average,) = explain(model, frame[:1].assign(stars=means.stars, age=means.age))
    np.testing.assert_allclose(average.static_scores, 0.0, atol=1e-6)
    (of_stars,) = explain(model, frame[:1].assign(age=means.age), target="positive")
    assert of_stars.static_scores[1] == pytest.approx(0.0, abs=1e-6)
    assert abs(of_stars.static_scores[0]) > 0.01


def test_scores_of_static_features_do_not_depend_on_tokens_in_a_linear_model(reviews):
    model, frame = table_model(reviews, linear_ngram_range=(1, 2))
    model[-1].model_.auxiliary_models.network_scale = 0.0
    pair = frame.iloc[[0, 0]].assign(review=["good plot", "not gripping"])
    found = explain(model, pair, target="positive")
    occluded = explain(model, pair, "occlusion", target="positive")
    # the log odds are linear in the static features, so all methods agree
    for one in [*found, *occluded]:
        np.testing.assert_allclose(
            one.static_scores, found[0].static_scores, rtol=1e-3, atol=1e-6
        )


@pytest.mark.parametrize(
    "y", [np.arange(60) % 3, np.eye(3, dtype=int)[np.arange(60) % 3]]
)
def test_scores_of_static_features_of_each_class_are_complete(reviews, y):
    _, frame = table_model(reviews)
    columns = make_column_transformer(
        (TextVectorizer(), "review"), ("passthrough", ["stars", "age"])
    )
    classifier = small_classifier(n_static_features=2, linear_ngram_range=(1, 2))
    model = make_pipeline(columns, classifier).fit(frame, y)
    for target in range(3):
        (one,) = explain(model, frame[:1], target=target)
        scores = one.scores.sum() + one.static_scores.sum()
        assert scores == pytest.approx(one.output - one.baseline, rel=0.01)
