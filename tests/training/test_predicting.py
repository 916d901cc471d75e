from copy import copy, deepcopy

import numpy as np
import pytest
import torch

from sklearn_bilstm.fitting._config import Config
from sklearn_bilstm.fitting._trainer import make_net
from sklearn_bilstm.sequences import SequenceDataset, ragged_from_ids
from sklearn_bilstm.training import _predicting
from sklearn_bilstm.utils._threads import single_threaded
from tests.helpers import compiled_by, small_classifier, small_tagger

Y = [0, 1] * 20


def test_predict_proba_of_the_net_keeps_the_order_of_rows(ids):
    classifier = small_classifier().fit(ids, Y)
    dataset = SequenceDataset(ragged_from_ids(ids))
    expected = classifier.decision_function(ids)
    logits = classifier.net_.predict_proba(dataset)
    assert np.array_equal(logits[:, 1] - logits[:, 0], expected)


def test_predict_of_a_tagging_net_returns_emissions(fitted_tagger, sentences):
    rows = fitted_tagger.model_.read(sentences[0])
    inputs, _ = rows[np.arange(len(rows))]
    with torch.no_grad():
        expected = fitted_tagger.module_.eval()(**inputs) * inputs["mask"][..., None]
    found = fitted_tagger.net_.predict(rows)
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.filterwarnings("ignore")  # warnings raised by torch during compilation
def test_a_compiled_tagger_predicts_like_an_uncompiled_one(sentences):
    def backend(graph, inputs):
        graphs.append(graph)
        return graph.forward

    (X, y), graphs = (rows[:8] for rows in sentences), []
    params = {
        "max_epochs": 1,
        "embedding": "svd",
        "crf": False,
        "n_character_filters": 0,
    }
    other = small_tagger(**params).fit(X, y, X_val=X, y_val=y)
    found = small_tagger(**params, **compiled_by(backend))
    found.fit(X, y, X_val=X, y_val=y)
    assert graphs
    assert found.history_[0]["valid_f1"] == other.history_[0]["valid_f1"]
    assert found.predict(X) == other.predict(X)
    probabilities = (np.concatenate(t.predict_proba(X)) for t in (found, other))
    np.testing.assert_allclose(*probabilities, atol=1e-6)


def test_a_compiled_network_keeps_parameter_names(fitted):
    config = Config.of(small_classifier(**compiled_by("eager")))
    target = fitted.model_.target
    net = make_net(config, deepcopy(fitted.module_), target, seed=0)
    assert net.module_.state_dict().keys() == fitted.module_.state_dict().keys()


@pytest.mark.parametrize("part", ["input_layer", "encoder", "head"])
def test_a_layer_left_in_training_mode_predicts_without_dropout(ids, part):
    model = small_classifier(dropout=0.5, embedding_dropout=0.5).fit(ids, Y)
    expected = model.predict_proba(ids)
    getattr(model.module_, part).train()
    assert np.array_equal(model.predict_proba(ids), expected)


@pytest.mark.parametrize("pooling", ["attention", "max_mean"])
def test_predictions_do_not_depend_on_threads_and_batch_size(pooling):
    X = np.random.RandomState(0).randint(0, 50, size=(600, 30))
    model = small_classifier(pooling=pooling).fit(X[:40], Y)
    expected = model.predict_proba(X)
    for n_threads, batch_size in [(1, 32), (3, 7), (2, 500)]:
        model.net_.n_threads, model.net_.batch_size = n_threads, batch_size
        assert np.array_equal(model.predict_proba(X), expected)


@pytest.fixture(scope="module")
def many_rows():
    """A classifier, and enough rows (some empty) to use the projection."""
    random = np.random.RandomState(0)
    X = random.randint(2, 50, size=(1_200, 12))
    X[np.arange(12) >= random.randint(0, 13, size=(len(X), 1))] = 0
    params = {"embedding_dim": 32, "hidden_layer_sizes": 32, "pooling": "max_mean"}
    return small_classifier(**params, log_odds_ngram_range=(1, 1)).fit(X[:40], Y), X


def uses_projection(model, X):
    batches, pool = model.net_._batches_and_pool(SequenceDataset(ragged_from_ids(X)))
    assert sorted(np.concatenate(batches)) == list(range(len(X)))
    return pool != model.module_.pool


def test_projected_predictions_do_not_depend_on_order_and_batch(many_rows):
    model, X = many_rows
    order = np.random.RandomState(1).permutation(len(X))
    assert uses_projection(model, X)
    assert not uses_projection(model, X[:100])
    found = model.predict_proba(X)
    np.testing.assert_allclose(model.predict_proba(X[order]), found[order], atol=1e-6)
    few = [model.predict_proba(X[i : i + 100]) for i in range(0, len(X), 100)]
    np.testing.assert_allclose(found, np.concatenate(few), atol=1e-6)


def test_projected_predictions_do_not_depend_on_threads(many_rows):
    model, X = copy(many_rows[0]), many_rows[1]
    assert uses_projection(model, X)
    expected = model.predict_proba(X)
    model.net_ = deepcopy(model.net_)
    for n_threads in (1, 2, 3):
        model.net_.n_threads = n_threads
        assert np.array_equal(model.predict_proba(X), expected)


def test_projection_uses_the_current_weights(many_rows):
    model, X = deepcopy(many_rows[0]), many_rows[1]
    before = model.predict_proba(X)
    with torch.no_grad():
        model.module_.encoder.layers[0].forward_rnn.weight_ih_l0.mul_(-2)
    found = model.predict_proba(X)
    assert not np.allclose(found, before, atol=1e-4)
    np.testing.assert_allclose(found[:100], model.predict_proba(X[:100]), atol=1e-6)


def test_projection_is_not_used_for_few_rows(many_rows):
    model, _ = many_rows
    long = np.random.RandomState(0).randint(2, 50, size=(60, 300))
    assert not uses_projection(model, long)
    assert uses_projection(model, np.tile(long, (20, 1)))


def test_projection_is_not_used_for_mostly_very_short_rows(many_rows):
    model, _ = many_rows
    X = np.random.RandomState(0).randint(2, 50, size=(1_200, 900))
    X[40:, 1:] = 0
    model = deepcopy(model)
    model.net_.grow_vocabulary(500)
    assert not uses_projection(model, X)
    X[40:, 1:12] = 2
    assert uses_projection(model, X)


@single_threaded()  # like the net, as rounding can depend on the number of threads
def test_projection_is_not_used_for_small_batches(many_rows):
    model, X = many_rows
    model.module_.eval()
    rows = model.model_.with_features(model.model_.read(X))
    _, pool = model.net_._batches_and_pool(rows)
    for n_rows, by_kernel in [(20, True), (500, False)]:
        inputs, _ = rows[np.arange(n_rows)]
        with torch.inference_mode():
            found, expected = pool(**inputs), model.module_.pool(**inputs)
            projected = pool(**inputs, projection=model.module_.projection())
        assert torch.equal(found, expected if by_kernel else projected)


def test_projection_is_not_used_on_a_gpu(many_rows):
    model, X = deepcopy(many_rows[0]), many_rows[1]
    model.net_.device = "cuda"
    assert not uses_projection(model, X)


def test_projection_is_not_used_for_a_large_vocabulary(many_rows):
    model, X = deepcopy(many_rows[0]), many_rows[1]
    model.net_.grow_vocabulary(1_000)
    assert not uses_projection(model, X)


def test_the_head_uses_a_single_thread(fitted, ids):
    model, seen = deepcopy(fitted), []
    model.module_.head.register_forward_hook(
        lambda *_: seen.append(torch.get_num_threads())
    )
    torch.set_num_threads(2)
    try:
        model.predict(ids)
    finally:
        torch.set_num_threads(1)
    assert seen == [1]


def test_batch_size_of_a_tagger_is_limited_for_short_rows(sentences):
    X, y = (rows[:8] for rows in sentences)
    short = SequenceDataset(ragged_from_ids(np.full((1000, 3), 2)))
    batches = small_tagger(max_epochs=1).fit(X, y).net_._batches(short)
    assert max(map(len, batches)) == 42


def test_transform_keeps_the_order_of_rows(fitted, ids):
    reversed_rows = fitted.transform(ids[::-1])
    np.testing.assert_allclose(reversed_rows[::-1], fitted.transform(ids), atol=1e-5)


def test_attention_weights_keep_the_order_and_length_of_rows(ids):
    net = small_classifier(pooling="attention", batch_size=7).fit(ids, Y).net_
    dataset = SequenceDataset(ragged_from_ids(ids))
    weights = net.attention(dataset)
    assert [len(row) for row in weights] == dataset.sequences.lengths.tolist()
    for row, found in enumerate(weights):
        (single,) = net.attention(dataset.take(np.array([row])))
        np.testing.assert_allclose(found, single, rtol=1e-4)
        assert found.sum() == pytest.approx(int(ids[row].any()))


def test_probabilities_equal_the_softmax_of_module_logits(fitted, ids):
    module = fitted.module_.eval()
    with torch.no_grad():
        expected = module(torch.from_numpy(ids).long(), torch.from_numpy(ids) > 0)
    probabilities = expected.double().softmax(1).numpy()
    np.testing.assert_allclose(fitted.predict_proba(ids), probabilities, atol=1e-6)


def test_labels_and_marginals_keep_the_order_and_length_of_rows(
    fitted_tagger, sentences
):
    net, rows = fitted_tagger.net_, fitted_tagger.model_.read(sentences[0])
    lengths = rows.sequences.lengths.tolist()
    for read in (net.labels, net.marginals):
        found = read(rows)
        assert [len(row) for row in found] == lengths
        for row, of_row in enumerate(found):
            (single,) = read(rows.take(np.array([row])))
            np.testing.assert_allclose(of_row, single, atol=1e-6)


def test_a_very_long_row_does_not_change_other_predictions(fitted_tagger, sentences):
    X = [*sentences[0], ["Anna", "met"] * 2_000]
    one_by_one = [fitted_tagger.predict_proba([row])[0] for row in X]
    for found, expected in zip(fitted_tagger.predict_proba(X), one_by_one, strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_repr_of_a_net_is_one_line(fitted):
    assert repr(fitted.net_) == "SequenceNet(device='cpu')"


def test_logits_do_not_depend_on_the_chunk_size_of_the_head(fitted, ids, monkeypatch):
    rows = SequenceDataset(ragged_from_ids(ids))
    at_once = fitted.net_.logits(rows)
    monkeypatch.setattr(_predicting, "_ROWS_OF_HEAD", 7)
    np.testing.assert_allclose(fitted.net_.logits(rows), at_once, rtol=1e-12)
