import pickle
import signal
from contextlib import redirect_stdout

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback
from torch.nn.functional import cross_entropy

from sklearn_bilstm import TextVectorizer, WordVectors
from sklearn_bilstm.fitting import _ngrams
from sklearn_bilstm.fitting._ngrams import sample_of_many
from sklearn_bilstm.sequences import SequenceDataset, ragged_from_ids
from sklearn_bilstm.training import _progress
from tests.helpers import ragged, rows_of, small_classifier


@pytest.fixture(scope="module")
def y(ids):
    return np.where(ids[:, 0] > 15, 1, 0)


class InterruptLater(Callback):
    def on_batch_end(self, net, training, **kwargs):
        if len(net.history) == 2:
            raise KeyboardInterrupt


class CtrlC:
    """A stream that raises SIGINT at the n-th line."""

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
def decisive_tokens():
    """130 rows, each with one of two tokens that determine the class."""
    random = np.random.RandomState(0)
    X = random.randint(20, 2000, size=(130, 8))
    y = np.arange(130) % 2
    X[np.arange(130), random.randint(8, size=130)] = np.where(y, 2, 3)
    return X, y


class TestLinearModel:
    @pytest.mark.usefixtures("ctrl_c_interrupts")
    def test_an_interrupt_ends_the_fit_before_the_next_class(self, ids, monkeypatch):
        monkeypatch.setattr(_progress, "_SECONDS_BETWEEN_LINES", 0)
        model = self.linear_classifier(verbose=1)
        with redirect_stdout(CtrlC(3)) as out, pytest.raises(KeyboardInterrupt):
            model.fit(ids, np.arange(40) % 20)
        assert len(out.lines) == 3  # one line per class
        assert out.lines[-1].startswith("regressions of n-grams: 3/120, ")
        assert not hasattr(model, "linear_model_")

    def test_progress_is_printed_only_if_verbose(self, ids, capsys, monkeypatch):
        monkeypatch.setattr(_progress, "_SECONDS_BETWEEN_LINES", 0)
        self.linear_classifier().fit(ids, np.arange(40) % 20)
        assert capsys.readouterr().out == ""

    def linear_classifier(self, **params):
        return small_classifier(linear_ngram_range=(1, 2), **params)

    def auto_classifier(self, **params):
        return small_classifier(linear_ngram_range="auto", **params)

    def test_logits_are_the_sum_of_scaled_network_and_linear_logits(self, ids, y):
        model = self.linear_classifier().fit(ids, y)
        sequences = ragged_from_ids(ids)
        network = model.net_.logits(SequenceDataset(sequences))
        both = model.network_scale_ * network + model.linear_model_.logits(sequences)
        decisions = (both[:, 1] - both[:, 0]) / 2 / model.linear_model_.temperature_
        np.testing.assert_allclose(model.decision_function(ids), decisions)

    @pytest.mark.parametrize("pretrained", [False, True])
    @pytest.mark.parametrize("lengths", [(1, 2), (2, 3)])
    def test_linear_model_and_log_odds_have_separate_ngrams(
        self, ids, y, lengths, pretrained
    ):
        params = {"log_odds_ngram_range": lengths}
        if pretrained:  # pretrained on other rows
            params["pretrained"] = self.linear_classifier(**params).fit(ids, y)
        model = self.linear_classifier(**params).fit(ids[:30], y[:30])
        rows = SequenceDataset(ragged_from_ids(ids))  # some n-grams are new
        rows.log_odds = model.log_odds_.transform(rows.sequences)
        linear_logits = model.linear_model_.logits(rows.sequences)
        both = model.model_.auxiliary_models.combine(
            model.net_.logits(rows), linear_logits
        )
        assert np.array_equal(model.decision_function(ids), both[:, 1] - both[:, 0])

    def test_ngrams_of_equal_lengths_are_stored_once(self, ids, y):
        same = self.linear_classifier(log_odds_ngram_range=(1, 2)).fit(ids, y)
        other = self.linear_classifier(log_odds_ngram_range=(2, 3)).fit(ids, y)
        copy = pickle.loads(pickle.dumps(same))
        for model, once in [(same, True), (copy, True), (other, False)]:
            assert (
                model.log_odds_.vocabulary is model.linear_model_.ngram_model.vocabulary
            ) == once

    def test_network_logits_are_scaled_to_the_linear_rms(self, ids, y):
        model = self.linear_classifier(max_epochs=30, lr=0.02).fit(ids, y)
        network = model.net_.logits(SequenceDataset(ragged_from_ids(ids)))
        network -= network.mean(1, keepdims=True)
        size = model.network_scale_ * np.sqrt((network**2).mean())
        np.testing.assert_allclose(size, model.linear_model_.size_)

    def test_network_scale_is_one_without_a_linear_model(self, ids, y):
        assert small_classifier().fit(ids, y).network_scale_ == 1
        assert small_classifier().partial_fit(ids, y, [0, 1]).network_scale_ == 1

    def test_an_untrained_network_changes_linear_predictions_little(
        self, decisive_tokens
    ):
        X, y = decisive_tokens
        model = self.linear_classifier(lr=1e-30).fit(X, y)
        linear_model = model.linear_model_
        logits = linear_model.logits(ragged_from_ids(X)) / linear_model.temperature_
        linear_decisions = (logits[:, 1] - logits[:, 0]) / 2
        difference = model.decision_function(X) - linear_decisions
        assert np.linalg.norm(difference) < 0.1 * np.linalg.norm(linear_decisions)

    def test_linear_model_learns_decisive_tokens_from_few_rows(self, decisive_tokens):
        X, y = decisive_tokens
        with_it = self.linear_classifier().fit(X[:30], y[:30]).score(X[30:], y[30:])
        without = small_classifier().fit(X[:30], y[:30]).score(X[30:], y[30:])
        assert with_it > 0.95 > without

    def test_linear_model_is_none_for_numeric_input(self, ids, y):
        assert self.linear_classifier().fit(ids / 3.0, y).linear_model_ is None

    def test_partial_fit_does_not_refit_the_linear_model(self, ids, y):
        assert (
            self.linear_classifier().partial_fit(ids, y, [0, 1]).linear_model_ is None
        )
        model = self.linear_classifier().fit(ids, y)
        linear_model = model.linear_model_
        assert model.partial_fit(ids, y).linear_model_ is linear_model

    def test_an_interrupted_fit_can_predict(self, ids, y):
        model = self.linear_classifier(max_epochs=5, callbacks=[InterruptLater()])
        with pytest.raises(KeyboardInterrupt):
            model.fit(ids, y)
        assert model.predict(ids).shape == (40,)

    @pytest.mark.parametrize(
        ("n_rows", "n_classes", "lengths"),
        [(1999, 2, (1, 2)), (2000, 2, (1, 3)), (2000, 3, (1, 2))],
    )
    def test_auto_ngram_range_includes_trigrams_with_many_rows_per_class(
        self, n_rows, n_classes, lengths
    ):
        X = np.random.RandomState(0).randint(2, 9, size=(n_rows, 3))
        y = X[:, 0] % n_classes
        params = {"max_epochs": 1, "batch_size": 500}
        auto_classifier = self.auto_classifier(**params).fit(X, y)
        assert auto_classifier.auto_params_["linear_ngram_range"] == lengths
        chosen = small_classifier(linear_ngram_range=lengths, **params).fit(X, y)
        assert "linear_ngram_range" not in chosen.auto_params_
        other = small_classifier(linear_ngram_range=(1, 5 - lengths[1]), **params).fit(
            X, y
        )
        expected = chosen.predict_proba(X[:50])
        assert np.array_equal(auto_classifier.predict_proba(X[:50]), expected)
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
    def test_auto_ngram_range_counts_training_rows_only(
        self, n_rare, params, n_weightless, lengths
    ):
        X = np.random.RandomState(0).randint(2, 9, size=(2000, 3))
        y = (np.arange(2000) < n_rare).astype(int)
        X[:, 0] = 9 + y
        model = self.auto_classifier(max_epochs=1, batch_size=500, **params)
        model.fit(X, y, sample_weight=np.arange(2000) >= n_weightless)
        assert model.auto_params_["linear_ngram_range"] == lengths

    def test_auto_ngram_range_is_resolved_in_every_fit(self, ids, y):
        X = np.tile(ids, (50, 1))
        model = self.auto_classifier(max_epochs=1, batch_size=500, warm_start=True).fit(
            ids, y
        )
        assert model.auto_params_["linear_ngram_range"] == (1, 2)
        assert model.fit(X, np.tile(y, 50)).auto_params_["linear_ngram_range"] == (1, 3)
        assert model.partial_fit(ids, y).auto_params_["linear_ngram_range"] == (1, 3)

    def test_auto_ngram_range_counts_labels_as_classes(self):
        X = np.random.RandomState(0).randint(2, 9, size=(2500, 3))
        params = {"max_epochs": 1, "batch_size": 500}
        for n_labels, lengths in [(2, (1, 3)), (3, (1, 2))]:
            labels = (X[:, :n_labels] > 5).astype(int)
            model = self.auto_classifier(**params).fit(X, labels)
            assert model.auto_params_["linear_ngram_range"] == lengths

    def test_auto_ngram_range_is_none_without_a_linear_model(self, ids, y):
        for model in [
            self.auto_classifier().partial_fit(ids, y, [0, 1]),
            self.auto_classifier().fit(ids, np.zeros(len(ids))),
        ]:
            assert model.linear_model_ is None
            assert model.auto_params_["linear_ngram_range"] is None

    def test_an_uninformative_linear_model_is_dropped(self):
        random = np.random.RandomState(0)
        X, y = random.randint(4, 30, size=(600, 12)), random.randint(2, size=600)
        X[np.arange(600), random.randint(5, size=600)] = (
            2 + y
        )  # precedes its counterpart
        X[np.arange(600), random.randint(7, 12, size=600)] = 3 - y
        model, without = (
            self.linear_classifier().fit(X, y),
            small_classifier().fit(X, y),
        )
        assert model.linear_model_ is None
        assert np.array_equal(model.predict_proba(X), without.predict_proba(X))

    @pytest.mark.parametrize(
        "bad", [(2, 1), (0, 1), (1,), (1, 2, 3), (1.5, 2), ("a", 1), (True, 2), (1, 11)]
    )
    def test_invalid_ngram_ranges_raise(self, ids, y, bad):
        with pytest.raises(ValueError, match="'linear_ngram_range' parameter"):
            small_classifier(linear_ngram_range=bad).fit(ids, y)
        with pytest.raises(ValueError, match="'log_odds_ngram_range' parameter"):
            small_classifier(log_odds_ngram_range=bad).fit(ids, y)


class TestMeanVectors:
    def fitted(self, ids, y, embedding, **params):
        params = {"linear_ngram_range": (1, 2), "embedding": embedding, **params}
        return small_classifier(**params).fit(ids, y)

    def test_regressions_on_mean_vectors_require_initial_vectors(self, ids, y):
        assert self.fitted(ids, y, None).linear_model_.vectors is None
        vectors = np.random.RandomState(0).normal(size=(30, 5))
        for embedding in ("svd", vectors):
            assert self.fitted(ids, y, embedding).linear_model_.vectors is not None

    def test_a_pretrained_classifier_supplies_the_vectors(self, ids, y):
        pretrained = self.fitted(ids, y, None)
        model = self.fitted(ids, y, None, pretrained=pretrained)
        with torch.no_grad():
            pretrained.module_.input_layer.embedding.weight[2:10] = 0
        other = self.fitted(ids, y, None, pretrained=pretrained)
        weights = [found.linear_model_.vectors.weights for found in (model, other)]
        assert (weights[0][2:] > 0).all()
        assert ((weights[1] > 0) == (np.arange(30) >= 10)).all()

    @pytest.mark.filterwarnings("ignore:Rows without a label are ignored")
    def test_unlabelled_rows_have_no_effect_with_a_pretrained_classifier(self, ids, y):
        pretrained = self.fitted(ids, y, None)
        params = {"linear_ngram_range": (1, 2), "pretrained": pretrained}
        with_rows, without = (
            small_classifier(embedding="svd", **params).fit(ids, y, X_unlabelled=rows)
            for rows in (ids[:5], None)
        )
        weights = [
            model.linear_model_.vectors.weights for model in (with_rows, without)
        ]
        assert np.array_equal(*weights)

    @pytest.mark.parametrize("has_vectors", [False, True])
    def test_a_warm_start_fits_mean_vectors_as_a_new_fit_does(
        self, ids, y, has_vectors
    ):
        vectors = np.random.RandomState(0).normal(size=(30, 5))
        embedding = vectors if has_vectors else "svd"
        model = self.fitted(ids, y, embedding, warm_start=True)
        expected = model.linear_model_.logits(ragged_from_ids(ids))
        found = model.fit(ids, y).linear_model_.logits(ragged_from_ids(ids))
        np.testing.assert_allclose(found, expected)

    @pytest.mark.parametrize("n_vectors", [10, 30])
    def test_a_warm_start_accepts_ids_without_a_given_vector(self, ids, y, n_vectors):
        vectors = np.random.RandomState(0).normal(size=(30, 5))
        model = self.fitted(ids, y, vectors, warm_start=True)
        X = np.where(ids == 29, 40, ids)
        model.set_params(embedding=vectors[:n_vectors]).fit(X, y)
        assert len(model.linear_model_.vectors.weights) == n_vectors
        assert np.isfinite(model.predict_proba(X)).all()

    def test_a_warm_start_ignores_vectors_of_other_words(self, reviews):
        texts, labels = reviews
        vectorizer = TextVectorizer().fit(texts)
        words = sorted(vectorizer.vocabulary_, key=vectorizer.vocabulary_.get)
        values = np.random.RandomState(0).normal(size=(len(words), 5))
        X = vectorizer.transform(texts)
        embedding = WordVectors(words, values)
        model = self.fitted(X, labels, embedding, warm_start=True)
        assert model.linear_model_.vectors is not None
        model.set_params(embedding=WordVectors(words[::-1], values)).fit(X, labels)
        assert model.linear_model_.vectors is None


class TestClassLogOdds:
    def log_odds_classifier(self, **params):
        return small_classifier(log_odds_ngram_range=(1, 2), **params)

    def test_log_odds_improve_accuracy_on_rare_bigrams(self):
        random = np.random.RandomState(0)
        X = random.randint(2, 40, size=(900, 8))
        of_pair = random.randint(2, size=(40, 40)) * 2 - 1
        y = (of_pair[X[:, :-1], X[:, 1:]]).sum(1) > 0

        def accuracy(model):
            return model.fit(X[:600], y[:600]).score(X[600:], y[600:])

        params = {"max_epochs": 15, "lr": 0.02, "pooling": "mean"}
        with_it = accuracy(self.log_odds_classifier(**params))
        assert with_it > accuracy(small_classifier(**params)) + 0.05

    def test_log_odds_have_the_scale_of_token_embeddings(self, ids, y):
        model = self.log_odds_classifier(lr=1e-30).fit(ids, y)
        layer = model.module_.input_layer
        values = model.log_odds_.transform(ragged_from_ids(ids)).values
        log_odds = layer.channels(torch.tensor(values)[np.newaxis])
        vectors = layer.embedding.weight[2:]
        ratio = log_odds.square().mean().sqrt() / vectors.square().mean().sqrt()
        assert 1 / 3 < ratio < 3

    def test_log_odds_are_none_for_numeric_input_and_many_classes(self, ids, y):
        assert self.log_odds_classifier().fit(ids / 3.0, y).log_odds_ is None
        X = np.tile(ids, (6, 1))[:202]
        assert self.log_odds_classifier().fit(X, np.arange(202) % 101).log_odds_ is None

    def test_partial_fit_does_not_refit_log_odds(self, ids, y):
        model = self.log_odds_classifier().fit(ids, y)
        log_odds = model.log_odds_
        assert model.partial_fit(ids, y).log_odds_ is log_odds

    def test_log_odds_are_zero_after_partial_fit_until_a_warm_fit(self, ids, y):
        rows = ragged_from_ids(ids)
        model = self.log_odds_classifier(warm_start=True).partial_fit(ids, y, [0, 1])
        assert not model.log_odds_.transform(rows).values.any()
        model.partial_fit(ids, y).fit(ids, y)
        assert model.log_odds_.transform(rows).values.any()

    @pytest.mark.parametrize("ngrams", [(1, 3), (2, 3), None])
    @pytest.mark.parametrize("method", ["fit", "partial_fit"])
    def test_a_changed_log_odds_ngram_range_raises(self, ids, y, method, ngrams):
        model = self.log_odds_classifier(warm_start=True).fit(ids, y).fit(ids, y)
        model.set_params(log_odds_ngram_range=ngrams)
        with pytest.raises(ValueError, match="restore the parameters of the network"):
            getattr(model, method)(ids, y)
        assert model.predict(ids).shape == (40,)

    def test_validation_rows_use_log_odds_of_the_training_rows(self, ids, y):
        model = self.log_odds_classifier(early_stopping=False, precision="float32")
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

    @pytest.mark.parametrize("partial_fit", [False, True])
    def test_log_odds_do_not_overfit_rare_tokens_with_random_labels(self, partial_fit):
        random = np.random.RandomState(0)
        X, y = random.randint(2, 600, size=(400, 5)), random.randint(2, size=400)
        params = {"embedding_dim": 1, "word_dropout": 0.9, "pooling": "mean"}
        model = self.log_odds_classifier(max_epochs=15, lr=0.02, **params).fit(X, y)
        if partial_fit:
            for _ in range(5):
                model.partial_fit(X, y)
        # random guessing has the loss log(2)
        assert model.history_[-1]["train_loss"] > 0.6


class TestSampleOfManyRows:
    def rows(self):
        random = np.random.RandomState(0)
        sequences = ragged(random.randint(2, 9, size=(30, 4)).tolist())
        return SequenceDataset(sequences, target=np.arange(30))

    @pytest.mark.parametrize(
        ("most_rows", "most_steps", "expected"),
        [(30, 120, 30), (7, 120, 7), (30, 41, 10)],
    )
    def test_it_has_at_most_so_many_rows_and_steps(
        self, most_rows, most_steps, expected, monkeypatch
    ):
        monkeypatch.setattr(_ngrams, "_MOST_ROWS", most_rows)
        monkeypatch.setattr(_ngrams, "_MOST_STEPS", most_steps)
        rows = self.rows()
        sample = sample_of_many(rows, seed=0)
        assert len(sample) == len(set(sample.target)) == expected
        assert (np.diff(sample.target) > 0).all()
        assert rows_of(sample.sequences) == rows_of(rows.sequences.take(sample.target))

    def test_the_last_rows_are_kept(self, monkeypatch):
        monkeypatch.setattr(_ngrams, "_MOST_ROWS", 5)
        sample = sample_of_many(self.rows(), seed=0, n_kept=3)
        assert len(sample) == 8
        assert sample.target[-3:].tolist() == [27, 28, 29]
        assert sample.target[:5].max() < 27
