import pickle
import signal
from contextlib import redirect_stdout

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback
from torch.nn.functional import cross_entropy

from sklearn_bilstm.sequences import SequenceDataset, ragged_from_ids
from sklearn_bilstm.training import _progress
from tests.helpers import small_classifier


@pytest.fixture(scope="module")
def y(ids):
    return np.where(ids[:, 0] > 15, 1, 0)


class InterruptLater(Callback):
    def on_batch_end(self, net, training, **kwargs):
        if len(net.history) == 2:
            raise KeyboardInterrupt


class CtrlC:
    """A stream that sends the signal of Ctrl-C at the n-th line."""

    def __init__(self, n):
        self.n = n
        self.lines = []

    def write(self, text):
        self.lines += [text] * text.startswith("regressions")
        if len(self.lines) == self.n:
            signal.raise_signal(signal.SIGINT)

    def flush(self):
        pass


@pytest.fixture(scope="module")
def given_away():
    """130 rows, in each of which one of two tokens gives the class away."""
    random = np.random.RandomState(0)
    X = random.randint(20, 2000, size=(130, 8))
    y = np.arange(130) % 2
    X[np.arange(130), random.randint(8, size=130)] = np.where(y, 2, 3)
    return X, y


class TestWidePath:
    @pytest.mark.usefixtures("ctrl_c_interrupts")
    def test_an_interrupt_ends_a_fit_before_the_next_class(self, ids, monkeypatch):
        monkeypatch.setattr(_progress, "_SECONDS_BETWEEN_LINES", 0)
        model = self.wide(verbose=1)
        with redirect_stdout(CtrlC(3)) as out, pytest.raises(KeyboardInterrupt):
            model.fit(ids, np.arange(40) % 20)
        assert len(out.lines) == 3  # a line a class
        assert out.lines[-1].startswith("regressions of n-grams: 3/120, ")
        assert not hasattr(model, "linear_model_")

    def test_regressions_are_counted_only_if_asked(self, ids, capsys, monkeypatch):
        monkeypatch.setattr(_progress, "_SECONDS_BETWEEN_LINES", 0)
        self.wide().fit(ids, np.arange(40) % 20)
        assert capsys.readouterr().out == ""

    def wide(self, **params):
        return small_classifier(linear_ngram_range=(1, 2), **params)

    def auto(self, **params):
        return small_classifier(linear_ngram_range="auto", **params)

    def test_the_mean_is_taken_of_both_paths(self, ids, y):
        model = self.wide().fit(ids, y)
        sequences = ragged_from_ids(ids)
        network = model.net_.logits(SequenceDataset(sequences))
        both = model.network_scale_ * network + model.linear_model_.logits(sequences)
        decisions = (both[:, 1] - both[:, 0]) / 2 / model.linear_model_.temperature_
        np.testing.assert_allclose(model.decision_function(ids), decisions)

    @pytest.mark.parametrize("pretrained", [False, True])
    @pytest.mark.parametrize("lengths", [(1, 2), (2, 3)])
    def test_it_reads_its_own_ngrams_beside_log_odds(self, ids, y, lengths, pretrained):
        params = {"log_odds_ngram_range": lengths}
        if pretrained:  # with log_odds of other rows
            params["pretrained"] = self.wide(**params).fit(ids, y)
        model = self.wide(**params).fit(ids[:30], y[:30])
        rows = SequenceDataset(ragged_from_ids(ids))  # some n-grams are new
        rows.log_odds = model.log_odds_.transform(rows.sequences)
        wide = model.linear_model_.logits(rows.sequences)
        both = model.model_.ngrams.combine(model.net_.logits(rows), wide)
        assert np.array_equal(model.decision_function(ids), both[:, 1] - both[:, 0])

    def test_ngrams_of_the_same_lengths_are_kept_once(self, ids, y):
        same = self.wide(log_odds_ngram_range=(1, 2)).fit(ids, y)
        other = self.wide(log_odds_ngram_range=(2, 3)).fit(ids, y)
        copy = pickle.loads(pickle.dumps(same))
        for model, once in [(same, True), (copy, True), (other, False)]:
            assert (
                model.log_odds_.vocabulary is model.linear_model_.vocabulary
            ) == once

    def test_both_have_the_same_size(self, ids, y):
        model = self.wide(max_epochs=30, lr=0.02).fit(ids, y)
        network = model.net_.logits(SequenceDataset(ragged_from_ids(ids)))
        network -= network.mean(1, keepdims=True)
        size = model.network_scale_ * np.sqrt((network**2).mean())
        np.testing.assert_allclose(size, model.linear_model_.size_)

    def test_a_network_that_has_learnt_nothing_changes_answers_by_little(
        self, given_away
    ):
        X, y = given_away
        model = self.wide(lr=1e-30).fit(X, y)
        path = model.linear_model_
        logits = path.logits(ragged_from_ids(X)) / path.temperature_
        alone = (logits[:, 1] - logits[:, 0]) / 2
        change = model.decision_function(X) - alone
        assert np.linalg.norm(change) < 0.1 * np.linalg.norm(alone)

    def test_it_solves_what_single_words_give_away_from_few_rows(self, given_away):
        X, y = given_away
        with_it = self.wide().fit(X[:30], y[:30]).score(X[30:], y[30:])
        without = small_classifier().fit(X[:30], y[:30]).score(X[30:], y[30:])
        assert with_it > 0.95 > without

    def test_numbers_have_none(self, ids, y):
        assert self.wide().fit(ids / 3.0, y).linear_model_ is None

    def test_partial_fit_leaves_it_as_it_was_fitted(self, ids, y):
        assert self.wide().partial_fit(ids, y, [0, 1]).linear_model_ is None
        model = self.wide().fit(ids, y)
        path = model.linear_model_
        assert model.partial_fit(ids, y).linear_model_ is path

    def test_an_interrupted_fit_has_all_that_prediction_needs(self, ids, y):
        model = self.wide(max_epochs=5, callbacks=[InterruptLater()])
        with pytest.raises(KeyboardInterrupt):
            model.fit(ids, y)
        assert model.predict(ids).shape == (40,)

    @pytest.mark.parametrize(
        ("n_rows", "n_classes", "lengths"),
        [(1999, 2, (1, 2)), (2000, 2, (1, 3)), (2000, 3, (1, 2))],
    )
    def test_auto_takes_triples_where_a_class_has_many_rows(
        self, n_rows, n_classes, lengths
    ):
        X = np.random.RandomState(0).randint(2, 9, size=(n_rows, 3))
        y = X[:, 0] % n_classes
        params = {"max_epochs": 1, "batch_size": 500}
        auto = self.auto(**params).fit(X, y)
        assert auto.auto_params_["linear_ngram_range"] == lengths
        chosen = small_classifier(linear_ngram_range=lengths, **params).fit(X, y)
        assert "linear_ngram_range" not in chosen.auto_params_
        other = small_classifier(linear_ngram_range=(1, 5 - lengths[1]), **params).fit(
            X, y
        )
        expected = chosen.predict_proba(X[:50])
        assert np.array_equal(auto.predict_proba(X[:50]), expected)
        assert not np.allclose(other.predict_proba(X[:50]), expected)

    @pytest.mark.parametrize(
        ("n_rare", "params", "n_weightless", "lengths"),
        [
            (100, {}, 0, (1, 3)),
            (1000, {"early_stopping": True}, 0, (1, 2)),
            (1000, {}, 1, (1, 2)),
        ],
        ids=["a rare class", "rows held out", "rows without weight"],
    )
    def test_auto_counts_rows_that_are_learnt_from(
        self, n_rare, params, n_weightless, lengths
    ):
        X = np.random.RandomState(0).randint(2, 9, size=(2000, 3))
        y = (np.arange(2000) < n_rare).astype(int)
        X[:, 0] = 9 + y
        model = self.auto(max_epochs=1, batch_size=500, **params)
        model.fit(X, y, sample_weight=np.arange(2000) >= n_weightless)
        assert model.auto_params_["linear_ngram_range"] == lengths

    def test_auto_decides_anew_in_every_fit(self, ids, y):
        X = np.tile(ids, (50, 1))
        model = self.auto(max_epochs=1, batch_size=500, warm_start=True).fit(ids, y)
        assert model.auto_params_["linear_ngram_range"] == (1, 2)
        assert model.fit(X, np.tile(y, 50)).auto_params_["linear_ngram_range"] == (1, 3)
        assert model.partial_fit(ids, y).auto_params_["linear_ngram_range"] == (1, 3)

    def test_auto_counts_labels_as_classes(self):
        X = np.random.RandomState(0).randint(2, 9, size=(2500, 3))
        params = {"max_epochs": 1, "batch_size": 500}
        for n_labels, lengths in [(2, (1, 3)), (3, (1, 2))]:
            labels = (X[:, :n_labels] > 5).astype(int)
            model = self.auto(**params).fit(X, labels)
            assert model.auto_params_["linear_ngram_range"] == lengths

    def test_auto_is_none_where_there_is_no_path(self, ids, y):
        for model in [
            self.auto().fit(ids / 3.0, y),
            self.auto().partial_fit(ids, y, [0, 1]),
            self.auto().fit(ids, np.zeros(len(ids))),
        ]:
            assert model.linear_model_ is None
            assert model.auto_params_["linear_ngram_range"] is None

    def test_a_path_that_tells_nothing_is_left_out(self):
        random = np.random.RandomState(0)
        X, y = random.randint(4, 30, size=(600, 12)), random.randint(2, size=600)
        X[np.arange(600), random.randint(5, size=600)] = 2 + y  # before its opposite
        X[np.arange(600), random.randint(7, 12, size=600)] = 3 - y
        model, without = self.wide().fit(X, y), small_classifier().fit(X, y)
        assert model.linear_model_ is None
        assert np.array_equal(model.predict_proba(X), without.predict_proba(X))

    @pytest.mark.parametrize(
        "bad", [(2, 1), (0, 1), (1,), (1, 2, 3), (1.5, 2), ("a", 1), (True, 2), (1, 11)]
    )
    def test_bad_lengths_are_refused(self, ids, y, bad):
        with pytest.raises(ValueError, match="'linear_ngram_range' parameter"):
            small_classifier(linear_ngram_range=bad).fit(ids, y)
        with pytest.raises(ValueError, match="'log_odds_ngram_range' parameter"):
            small_classifier(log_odds_ngram_range=bad).fit(ids, y)


class TestEvidence:
    def told(self, **params):
        return small_classifier(log_odds_ngram_range=(1, 2), **params)

    def test_the_network_hears_of_phrases_that_it_has_seen_too_rarely_to_learn(self):
        random = np.random.RandomState(0)
        X = random.randint(2, 40, size=(900, 8))
        of_pair = random.randint(2, size=(40, 40)) * 2 - 1
        y = (of_pair[X[:, :-1], X[:, 1:]]).sum(1) > 0

        def accuracy(model):
            return model.fit(X[:600], y[:600]).score(X[600:], y[600:])

        params = {"max_epochs": 15, "lr": 0.02, "pooling": "mean"}
        with_it = accuracy(self.told(**params))
        assert with_it > accuracy(small_classifier(**params)) + 0.05

    def test_it_is_about_as_large_as_the_vectors_of_tokens(self, ids, y):
        model = self.told(lr=1e-30).fit(ids, y)
        layer = model.module_.input_layer
        told = model.log_odds_.transform(ragged_from_ids(ids)).values
        log_odds = layer.channels(torch.tensor(told)[np.newaxis])
        vectors = layer.embedding.weight[2:]
        ratio = log_odds.square().mean().sqrt() / vectors.square().mean().sqrt()
        assert 1 / 3 < ratio < 3

    def test_numbers_and_very_many_classes_have_none(self, ids, y):
        assert self.told().fit(ids / 3.0, y).log_odds_ is None
        X = np.tile(ids, (6, 1))[:202]
        assert self.told().fit(X, np.arange(202) % 101).log_odds_ is None

    def test_partial_fit_leaves_it_as_it_was_fitted(self, ids, y):
        model = self.told().fit(ids, y)
        log_odds = model.log_odds_
        assert model.partial_fit(ids, y).log_odds_ is log_odds

    def test_without_a_fit_partial_fit_has_none_until_a_warm_fit(self, ids, y):
        rows = ragged_from_ids(ids)
        model = self.told(warm_start=True).partial_fit(ids, y, [0, 1])
        assert not model.log_odds_.transform(rows).values.any()
        model.partial_fit(ids, y).fit(ids, y)
        assert model.log_odds_.transform(rows).values.any()

    @pytest.mark.parametrize("ngrams", [(1, 3), (2, 3), None])
    @pytest.mark.parametrize("method", ["fit", "partial_fit"])
    def test_going_on_with_other_ngrams_is_refused(self, ids, y, method, ngrams):
        model = self.told(warm_start=True).fit(ids, y).fit(ids, y)
        model.set_params(log_odds_ngram_range=ngrams)
        with pytest.raises(ValueError, match="restore the parameters of the network"):
            getattr(model, method)(ids, y)
        assert model.predict(ids).shape == (40,)

    def test_validation_rows_are_told_what_training_rows_say(self, ids, y):
        model = self.told(early_stopping=False, precision="float32")
        model.fit(ids, y, X_val=ids, y_val=y)
        rows = SequenceDataset(ragged_from_ids(ids))
        rows.log_odds = model.log_odds_.transform(rows.sequences)
        logits = torch.tensor(model.net_.logits(rows))
        np.testing.assert_allclose(
            model.decision_function(ids), logits[:, 1] - logits[:, 0]
        )
        loss = cross_entropy(logits, torch.tensor(y))
        np.testing.assert_allclose(
            model.history_[-1]["valid_loss"], loss.item(), rtol=1e-4
        )

    @pytest.mark.parametrize("goes_on", [False, True])
    def test_labels_without_reason_are_not_learnt_from_rare_words(self, goes_on):
        random = np.random.RandomState(0)
        X, y = random.randint(2, 600, size=(400, 5)), random.randint(2, size=400)
        params = {"embedding_dim": 1, "word_dropout": 0.9, "pooling": "mean"}
        model = self.told(max_epochs=15, lr=0.02, **params).fit(X, y)
        if goes_on:
            for _ in range(5):
                model.partial_fit(X, y)
        # the loss of a coin is log(2)
        assert model.history_[-1]["train_loss"] > 0.6
