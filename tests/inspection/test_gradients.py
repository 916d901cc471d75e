import copy
import itertools

import numpy as np
import pytest
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline

from sklearn_bilstm import TextVectorizer, explain
from sklearn_bilstm.nn import CELLS, MERGES, POOLINGS
from tests.helpers import small_classifier, small_pipeline, small_regressor

pytest.importorskip("captum")

TEXTS = ["the plot was not good at all", "brilliant!", "it is what it is , is it not"]


def gap(explanation):
    """What scores miss, as a share of the difference that they explain."""
    difference = explanation.output - explanation.baseline
    return abs(explanation.scores.sum() - difference) / abs(difference)


def assert_scores_sum_up(model, texts=TEXTS, **kwargs):
    for explanation in explain(model, texts, **kwargs):
        assert gap(explanation) < 0.01


@pytest.mark.parametrize(
    ("cell", "pooling"),
    [*itertools.product(["lstm"], POOLINGS), ("gru", "max"), ("rnn", "attention")],
)
def test_scores_sum_to_what_the_tokens_change(reviews, cell, pooling):
    assert cell in CELLS
    model = small_pipeline(cell=cell, pooling=pooling).fit(*reviews)
    assert_scores_sum_up(model)


@pytest.mark.parametrize("merge_mode", sorted(MERGES))
def test_scores_of_deeper_networks_sum_up(reviews, merge_mode):
    model = small_pipeline(
        hidden_layer_sizes=(6, 4),
        dense_layer_sizes=5,
        merge_mode=merge_mode,
        normalization="layer",
    )
    assert_scores_sum_up(model.fit(*reviews))


@pytest.mark.parametrize(
    "params",
    [
        {"linear_ngram_range": None},
        {"log_odds_ngram_range": None},
        {"linear_ngram_range": (2, 3), "log_odds_ngram_range": (1, 3)},
    ],
)
def test_scores_sum_up_with_each_of_the_paths(reviews, params):
    assert_scores_sum_up(small_pipeline(**params).fit(*reviews))


def test_scores_for_each_of_several_classes_and_labels_sum_up(reviews):
    texts, _ = reviews
    codes = np.arange(60) % 3
    for y in (codes, np.eye(3, dtype=int)[codes]):
        model = small_pipeline().fit(texts, y)
        for target in range(3):
            assert_scores_sum_up(model, target=target)


def test_scores_sum_to_a_number_in_its_own_unit(reviews):
    texts, _ = reviews
    y = [1e6 + len(text) for text in texts]
    model = make_pipeline(TextVectorizer(), small_regressor(max_epochs=5))
    assert_scores_sum_up(model.fit(texts, y))


def test_scores_of_a_network_that_changes_its_mind_on_the_way_sum_up(reviews):
    texts, labels = reviews
    model = small_pipeline(linear_ngram_range=None, pooling="last").fit(texts, labels)
    with torch.no_grad():
        for name, weight in model[-1].module_.encoder.named_parameters():
            if "weight" in name:
                weight *= 2.0
    long = [" ".join(texts[:4])]
    assert_scores_sum_up(model, long, max_points=4096)
    with pytest.warns(ConvergenceWarning, match="'max_points'"):
        explain(model, long, max_points=1)


def test_they_are_the_integral_of_the_slope_in_each_token(reviews):
    model = make_pipeline(TextVectorizer(), small_classifier(pooling="mean"))
    model.fit(*reviews)
    (explanation,) = explain(model, TEXTS[:1], target="positive")
    n_tokens = len(explanation.tokens)
    module = copy.deepcopy(model[-1].module_).eval().double()
    ids = torch.from_numpy(model[0].transform(TEXTS[:1]).toarray()[:, :n_tokens]).long()
    vectors = module.input_layer(ids, ids > 0).detach()  # (1, T, E)

    def log_odds(scales):
        """Scale the vector of each token by a number of its own."""
        scaled = torch.from_numpy(scales)[..., None] * vectors
        mask = torch.ones(scales.shape, dtype=torch.bool)
        with torch.no_grad():
            logits = module.logits_of_vectors(scaled, mask)
        return (logits[:, 1] - logits[:, 0]).numpy()

    places = (np.arange(100) + 0.5) / 100
    for token, score in enumerate(explanation.scores):
        low, high = (np.tile(places[:, np.newaxis], n_tokens) for _ in range(2))
        low[:, token] -= 1e-4
        high[:, token] += 1e-4
        slopes = (log_odds(high) - log_odds(low)) / 2e-4
        assert slopes.mean() == pytest.approx(score, abs=1e-4)


def test_a_jump_is_of_the_tokens_that_it_hangs_on(reviews):
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
        # each direction sees the token that it ends at alone, and jumps on the way
        for cell, vector, place in [
            (layer.forward_rnn, vectors[-1], 1 / 3),
            (layer.backward_rnn, vectors[0], 2 / 3),
        ]:
            cell.weight_hh_l0.zero_()
            cell.weight_ih_l0 *= 2e4 / (cell.weight_ih_l0 @ vector)
            cell.bias_ih_l0.zero_()
            cell.bias_hh_l0.fill_(-2e4 * place)

        def log_odds(shares):
            scaled = torch.tensor(shares)[:, None] * vectors
            logits = module.logits_of_vectors(scaled[None], ids > 0)[0]
            return (logits[1] - logits[0]).item()

        neither, last, both = map(log_odds, ([0.0] * 7, [0.0] * 6 + [1.0], [1.0] * 7))
    (explanation,) = explain(model, TEXTS[:1], target="positive")
    expected = [both - last, 0, 0, 0, 0, 0, last - neither]
    np.testing.assert_allclose(
        explanation.scores, expected, atol=0.01 * abs(both - neither)
    )


def test_the_linear_path_alone_gives_each_ngram_its_share(reviews):
    model = copy.deepcopy(small_pipeline(log_odds_ngram_range=None).fit(*reviews))
    classifier = model[-1]
    classifier.model_.ngrams.network_scale = 0.0
    (explanation,) = explain(model, ["good plot"], target="positive")
    X = model[0].transform(["good plot"])
    of_steps = classifier.linear_model_.contributions(
        classifier.model_.read(X).sequences
    )
    odds = (of_steps[..., 1] - of_steps[..., 0]) / 2
    odds /= classifier.linear_model_.temperature_
    (first, _), (second, pair) = odds
    expected = [first + pair / 2, second + pair / 2]
    np.testing.assert_allclose(explanation.scores, expected, rtol=1e-4)
