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


def test_skorchs_own_predictions_are_in_the_order_of_rows(ids):
    classifier = small_classifier().fit(ids, Y)
    dataset = SequenceDataset(ragged_from_ids(ids))
    expected = classifier.decision_function(ids)
    logits = classifier.net_.predict_proba(dataset)
    assert np.array_equal(logits[:, 1] - logits[:, 0], expected)


def test_skorchs_own_predictions_of_steps_are_emissions(fitted_tagger, sentences):
    rows = fitted_tagger.model_.read(sentences[0])
    inputs, _ = rows[np.arange(len(rows))]
    with torch.no_grad():
        expected = fitted_tagger.module_.eval()(**inputs) * inputs["mask"][..., None]
    found = fitted_tagger.net_.predict(rows)
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.filterwarnings("ignore")  # of what torch does itself while it compiles
def test_a_compiled_tagger_learns_and_answers_like_another(sentences):
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


def test_a_compiled_network_keeps_the_names_of_its_weights(fitted):
    config = Config.of(small_classifier(**compiled_by("eager")))
    target = fitted.model_.target
    net = make_net(config, deepcopy(fitted.module_), target, seed=0)
    assert net.module_.state_dict().keys() == fitted.module_.state_dict().keys()


@pytest.mark.parametrize("part", ["input_layer", "encoder", "head"])
def test_a_part_that_was_left_in_training_predicts_without_dropout(ids, part):
    model = small_classifier(dropout=0.5, embedding_dropout=0.5).fit(ids, Y)
    expected = model.predict_proba(ids)
    getattr(model.module_, part).train()
    assert np.array_equal(model.predict_proba(ids), expected)


@pytest.mark.parametrize("pooling", ["attention", "max_mean"])
def test_neither_threads_nor_the_batch_size_change_a_bit_of_a_prediction(pooling):
    X = np.random.RandomState(0).randint(0, 50, size=(600, 30))
    model = small_classifier(pooling=pooling).fit(X[:40], Y)
    expected = model.predict_proba(X)
    for n_threads, batch_size in [(1, 32), (3, 7), (2, 500)]:
        model.net_.n_threads, model.net_.batch_size = n_threads, batch_size
        assert np.array_equal(model.predict_proba(X), expected)


@pytest.fixture(scope="module")
def many():
    """A classifier and rows enough for tokens to be looked up, some of them empty."""
    random = np.random.RandomState(0)
    X = random.randint(2, 50, size=(1_200, 12))
    X[np.arange(12) >= random.randint(0, 13, size=(len(X), 1))] = 0
    wide = {"embedding_dim": 32, "hidden_layer_sizes": 32, "pooling": "max_mean"}
    return small_classifier(**wide, log_odds_ngram_range=(1, 1)).fit(X[:40], Y), X


def is_looked_up(model, X):
    batches, pool = model.net_._batches_and_pool(SequenceDataset(ragged_from_ids(X)))
    assert sorted(np.concatenate(batches)) == list(range(len(X)))
    return pool != model.module_.pool


def test_rows_have_the_answer_that_they_have_in_another_order_or_alone(many):
    model, X = many
    order = np.random.RandomState(1).permutation(len(X))
    assert is_looked_up(model, X)
    assert not is_looked_up(model, X[:100])
    found = model.predict_proba(X)
    np.testing.assert_allclose(model.predict_proba(X[order]), found[order], atol=1e-6)
    few = [model.predict_proba(X[i : i + 100]) for i in range(0, len(X), 100)]
    np.testing.assert_allclose(found, np.concatenate(few), atol=1e-6)


def test_threads_change_no_bit_where_tokens_are_looked_up(many):
    model, X = copy(many[0]), many[1]
    assert is_looked_up(model, X)
    expected = model.predict_proba(X)
    model.net_ = deepcopy(model.net_)
    for n_threads in (1, 2, 3):
        model.net_.n_threads = n_threads
        assert np.array_equal(model.predict_proba(X), expected)


def test_what_is_looked_up_is_of_the_weights_that_there_are(many):
    model, X = deepcopy(many[0]), many[1]
    before = model.predict_proba(X)
    with torch.no_grad():
        model.module_.encoder.layers[0].forward_rnn.weight_ih_l0.mul_(-2)
    found = model.predict_proba(X)
    assert not np.allclose(found, before, atol=1e-4)
    np.testing.assert_allclose(found[:100], model.predict_proba(X[:100]), atol=1e-6)


def test_few_rows_are_not_looked_up_however_many_tokens_they_have(many):
    model, _ = many
    long = np.random.RandomState(0).randint(2, 50, size=(60, 300))
    assert not is_looked_up(model, long)
    assert is_looked_up(model, np.tile(long, (20, 1)))


def test_a_few_short_rows_beside_very_long_ones_are_not_looked_up(many):
    model, _ = many
    X = np.random.RandomState(0).randint(2, 50, size=(1_200, 900))
    X[40:, 1:] = 0
    model = deepcopy(model)
    model.net_.grow_vocabulary(500)
    assert not is_looked_up(model, X)
    X[40:, 1:12] = 2
    assert is_looked_up(model, X)


@single_threaded()  # like the net, as rounding can depend on the number of threads
def test_where_tokens_are_looked_up_a_small_batch_is_read_by_the_kernel(many):
    model, X = many
    model.module_.eval()
    rows = model.model_.with_features(model.model_.read(X))
    _, pool = model.net_._batches_and_pool(rows)
    for n_rows, by_kernel in [(20, True), (500, False)]:
        inputs, _ = rows[np.arange(n_rows)]
        with torch.inference_mode():
            found, expected = pool(**inputs), model.module_.pool(**inputs)
            looked_up = pool(**inputs, projection=model.module_.projection())
        assert torch.equal(found, expected if by_kernel else looked_up)


def test_nothing_is_looked_up_on_a_gpu(many):
    model, X = deepcopy(many[0]), many[1]
    model.net_.device = "cuda"
    assert not is_looked_up(model, X)


def test_few_tokens_for_a_large_vocabulary_are_not_looked_up(many):
    model, X = deepcopy(many[0]), many[1]
    model.net_.grow_vocabulary(1_000)
    assert not is_looked_up(model, X)


def test_the_head_keeps_to_one_core_like_the_workers(fitted, ids):
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


def test_a_tagger_does_not_read_more_rows_at_a_time_the_shorter_they_are(sentences):
    X, y = (rows[:8] for rows in sentences)
    short = SequenceDataset(ragged_from_ids(np.full((1000, 3), 2)))
    batches = small_tagger(max_epochs=1).fit(X, y).net_._batches(short)
    assert max(map(len, batches)) == 42


def test_pooled_rows_come_in_the_order_asked(fitted, ids):
    backwards = fitted.transform(ids[::-1])
    np.testing.assert_allclose(backwards[::-1], fitted.transform(ids), atol=1e-5)


def test_attention_is_in_the_order_of_rows_and_as_long_as_they_are(ids):
    net = small_classifier(pooling="attention", batch_size=7).fit(ids, Y).net_
    dataset = SequenceDataset(ragged_from_ids(ids))
    weights = net.attention(dataset)
    assert [len(row) for row in weights] == dataset.sequences.lengths.tolist()
    for row, found in enumerate(weights):
        (alone,) = net.attention(dataset.take(np.array([row])))
        np.testing.assert_allclose(found, alone, rtol=1e-4)
        assert found.sum() == pytest.approx(int(ids[row].any()))


def test_logits_equal_those_of_the_module(fitted, ids):
    module = fitted.module_.eval()
    with torch.no_grad():
        expected = module(torch.from_numpy(ids).long(), torch.from_numpy(ids) > 0)
    probabilities = expected.double().softmax(1).numpy()
    np.testing.assert_allclose(fitted.predict_proba(ids), probabilities, atol=1e-6)


def test_labels_and_marginals_are_in_the_order_of_rows(fitted_tagger, sentences):
    net, rows = fitted_tagger.net_, fitted_tagger.model_.read(sentences[0])
    lengths = rows.sequences.lengths.tolist()
    for read in (net.labels, net.marginals):
        found = read(rows)
        assert [len(row) for row in found] == lengths
        for row, of_row in enumerate(found):
            (alone,) = read(rows.take(np.array([row])))
            np.testing.assert_allclose(of_row, alone, atol=1e-6)


def test_a_very_long_row_among_short_ones_changes_no_answer(fitted_tagger, sentences):
    X = [*sentences[0], ["Anna", "met"] * 2_000]
    alone = [fitted_tagger.predict_proba([row])[0] for row in X]
    for found, expected in zip(fitted_tagger.predict_proba(X), alone, strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_net_is_printed_in_a_line(fitted):
    assert repr(fitted.net_) == "SequenceNet(device='cpu')"


def test_logits_of_many_rows_are_those_of_few(fitted, ids, monkeypatch):
    rows = SequenceDataset(ragged_from_ids(ids))
    at_once = fitted.net_.logits(rows)
    monkeypatch.setattr(_predicting, "_ROWS_OF_HEAD", 7)
    np.testing.assert_allclose(fitted.net_.logits(rows), at_once, rtol=1e-12)
