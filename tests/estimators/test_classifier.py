import copy
import pickle
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from skorch.callbacks import Callback, EpochScoring, EpochTimer

from sklearn_bilstm import BiLSTMClassifier, TextVectorizer
from sklearn_bilstm.datasets import make_reviews
from sklearn_bilstm.nn import POOLINGS
from sklearn_bilstm.sequences import ragged_from_ids
from sklearn_bilstm.training import cooccurrence_vectors
from sklearn_bilstm.utils._random import private_random_state
from tests.helpers import small_classifier, small_pipeline


@pytest.fixture(scope="module")
def y(ids):
    return np.where(ids[:, 0] > 15, 1, 0)


def plain(**params):
    """A classifier without dropout, for exact comparisons."""
    defaults = {"dropout": 0, "embedding_dropout": 0, "word_dropout": 0}
    return small_classifier(**{**defaults, **params})


def assert_same(a, b, X):
    assert np.array_equal(a.predict_proba(X), b.predict_proba(X))


class TestTraining:
    def test_classifier_learns_word_order_that_a_bag_of_words_ignores(self):
        texts, labels = make_reviews(1200, max_fillers=1, random_state=0)
        model = small_pipeline(
            embedding_dim=32, hidden_layer_sizes=16, max_epochs="auto", lr=0.01
        )
        model.fit(texts[:900], labels[:900])
        assert model.score(texts[900:], labels[900:]) > 0.9

    @pytest.mark.parametrize("pooling", sorted(POOLINGS))
    @pytest.mark.parametrize("sizes", [8, (8,), [6, 4]])
    def test_every_pooling_and_depth_fits_the_training_rows(
        self, ids, y, pooling, sizes
    ):
        params = {"pooling": pooling, "hidden_layer_sizes": sizes}
        classifier = plain(max_epochs=25, lr=0.02, **params).fit(ids, y)
        rows = ids.any(axis=1)
        assert classifier.score(ids[rows], y[rows]) > 0.9

    @pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd"])
    def test_every_optimizer_lowers_the_loss(self, ids, y, optimizer):
        lr = 1.0 if optimizer == "sgd" else 0.02
        history = plain(max_epochs=20, optimizer=optimizer, lr=lr).fit(ids, y).history_
        assert history[-1]["train_loss"] < 0.97 * history[0]["train_loss"]

    def test_numeric_input_is_standardised(self):
        random = np.random.RandomState(0)
        steps = random.normal(size=(200, 6))
        y = steps[:, :3].sum(1) > steps[:, 3:].sum(1)
        far_away = 1e6 + 1e-3 * steps
        classifier = small_classifier(max_epochs=40, lr=0.02, dropout=0)
        classifier.fit(far_away[:150], y[:150])
        assert classifier.input_type_ == "numeric"
        assert classifier.score(far_away[150:], y[150:]) > 0.8


class TestParameters:
    """Each parameter has its documented effect."""

    def test_bidirectional_false_halves_the_number_of_features(self, ids, y):
        both = small_classifier(pooling="max").fit(ids, y)
        one = small_classifier(pooling="max", bidirectional=False).fit(ids, y)
        assert (both.transform(ids).shape[1], one.transform(ids).shape[1]) == (12, 6)

    @pytest.mark.parametrize(
        "name", ["dropout", "embedding_dropout", "word_dropout", "recurrent_dropout"]
    )
    def test_each_dropout_affects_training_but_not_initial_weights(self, ids, y, name):
        def fitted(share, lr):
            params = {name: share, "lr": lr, "gradient_clip_norm": None}
            return plain(optimizer="sgd", weight_decay=0, **params).fit(ids, y)

        assert_same(fitted(0.0, 1e-30), fitted(0.5, 1e-30), ids)
        without, with_it = fitted(0.0, 0.5), fitted(0.5, 0.5)
        assert not np.array_equal(without.transform(ids), with_it.transform(ids))

    def test_weight_decay_shrinks_weights_but_not_biases_and_vectors(self, ids, y):
        def norms(decay):
            model = small_classifier(weight_decay=decay, lr_schedule="constant")
            module = model.fit(ids, y).module_
            weights = dict(module.named_parameters())
            return (
                weights["head.linear.weight"].norm(),
                weights["input_layer.embedding.weight"].norm(),
            )

        (head, vectors), (decayed_head, kept_vectors) = norms(0), norms(100)
        assert decayed_head < 0.7 * head
        assert kept_vectors > 0.9 * vectors

    @pytest.mark.parametrize("normalization", ["batch", "layer"])
    def test_weight_decay_does_not_apply_to_normalisation_scales(
        self, ids, y, normalization
    ):
        model = small_classifier(
            normalization=normalization, weight_decay=100, lr_schedule="constant"
        )
        weights = dict(model.fit(ids, y).module_.named_parameters())
        # initialised to one; decay alone would give 0.8 after four steps
        assert weights["encoder.normalizations.0.weight"].mean() > 0.9
        assert weights["encoder.normalizations.0.weight"].mean() < 1.1

    @pytest.mark.parametrize("norm", [0.01, 0.02])
    def test_sgd_step_has_the_norm_of_clipped_gradients(self, ids, y, norm):
        def weights(lr):
            model = plain(
                optimizer="sgd",
                lr=lr,
                lr_schedule="constant",
                weight_decay=0,
                gradient_clip_norm=norm,
                max_epochs=1,
                batch_size=40,
            )
            module = model.fit(ids, y).module_
            return torch.nn.utils.parameters_to_vector(module.parameters()).detach()

        step = (weights(lr=1.0) - weights(lr=1e-30)).norm()
        assert step.item() == pytest.approx(norm, rel=1e-3)

    @pytest.mark.parametrize("fraction", [0.1, 0.5])
    def test_validation_fraction_sets_the_number_of_validation_rows(
        self, ids, y, fraction
    ):
        seen = RowsSeen()
        model = small_classifier(early_stopping=True, validation_fraction=fraction)
        model.set_params(callbacks=[seen]).fit(ids, y)
        assert RowsSeen.n_valid == round(40 * fraction)


class RowsSeen(Callback):
    n_valid = None

    def on_epoch_begin(self, net, dataset_valid=None, **kwargs):
        RowsSeen.n_valid = len(dataset_valid)


class KeepsRows(Callback):
    """Store the training rows in a list that copies share."""

    def __init__(self, seen):
        self.seen = seen

    def on_train_begin(self, net, X=None, **kwargs):
        self.seen.append(X)


class TestLabels:
    @pytest.mark.parametrize(
        "classes",
        [
            ["no", "yes"],
            [False, True],
            [10, 30],
            [-1, 1],
            ["a", "b", "c"],
            [1.0, 2.0, 5.0],
            np.array(["x", "y", "z"], dtype=object),
        ],
        ids=str,
    )
    def test_predict_returns_labels_of_the_given_type(self, ids, classes):
        y = np.asarray(classes)[np.arange(40) % len(classes)]
        classifier = small_classifier().fit(ids, y)
        assert classifier.classes_.tolist() == sorted(classes)
        predicted = classifier.predict(ids)
        assert predicted.dtype == classifier.classes_.dtype
        assert set(predicted.tolist()) <= set(classes)

    @pytest.mark.parametrize("container", [list, pd.Series, pd.Categorical])
    def test_labels_in_any_container_give_equal_predictions(self, ids, y, container):
        labels = np.where(y == 1, "high", "low")
        expected = small_classifier().fit(ids, labels)
        assert_same(small_classifier().fit(ids, container(labels)), expected, ids)

    @pytest.mark.parametrize("n_classes", [2, 3])
    def test_predictions_and_probabilities_agree(self, ids, n_classes):
        classifier = small_classifier().fit(ids, np.arange(40) % n_classes)
        probabilities = classifier.predict_proba(ids)
        assert probabilities.shape == (40, n_classes)
        assert probabilities.dtype == np.float64
        np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-15)
        np.testing.assert_allclose(
            classifier.predict_log_proba(ids), np.log(probabilities)
        )
        best = classifier.classes_[probabilities.argmax(1)]
        assert np.array_equal(classifier.predict(ids), best)

    def test_binary_decision_function_is_the_log_odds_of_the_second_class(
        self, fitted, ids
    ):
        p = fitted.predict_proba(ids)
        decision = fitted.decision_function(ids)
        np.testing.assert_allclose(decision, np.log(p[:, 1] / p[:, 0]))

    def test_multiclass_decision_function_is_the_logits(self, ids):
        classifier = small_classifier().fit(ids, np.arange(40) % 3)
        logits = classifier.decision_function(ids)
        p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        np.testing.assert_allclose(classifier.predict_proba(ids), p)

    def test_a_single_class_has_probability_one(self, ids):
        classifier = small_classifier().fit(ids, ["only"] * 40)
        assert set(classifier.predict(ids)) == {"only"}
        assert classifier.predict_proba(ids).tolist() == [[1.0]] * 40

    def test_transform_returns_the_pooled_states(self, fitted, ids):
        vectors = fitted.transform(ids)
        assert vectors.shape == (40, 24)  # max and mean of 6 units in both directions
        assert vectors.dtype == np.float32
        assert len(fitted.get_feature_names_out()) == 24
        assert (vectors[7] == 0).all()  # the empty row


class TestInput:
    @pytest.mark.parametrize(
        "container",
        [
            sparse.csr_array,
            sparse.csr_matrix,
            sparse.coo_array,
            np.ndarray.tolist,
            pd.DataFrame,
        ],
        ids=lambda c: c.__name__,
    )
    def test_ids_in_any_container_give_equal_predictions(self, fitted, ids, container):
        np.testing.assert_array_equal(
            fitted.predict_proba(container(ids)), fitted.predict_proba(ids)
        )

    def test_float_ids_are_read_as_tokens_if_input_type_is_set_or_fitted(
        self, fitted, ids, y
    ):
        floats = ids.astype(float)
        classifier = small_classifier(input_type="tokens").fit(floats, y)
        assert classifier.input_type_ == "tokens"
        assert_same(classifier, small_classifier().fit(ids, y), ids)
        np.testing.assert_array_equal(fitted.predict(floats), fitted.predict(ids))

    @pytest.mark.parametrize(
        ("X", "expected"),
        [
            (np.array([[2, 3]]), "tokens"),
            (np.array([[2, 3]], dtype=np.uint8), "tokens"),
            (sparse.csr_array(np.array([[2.0, 3.0]])), "tokens"),
            (np.array([[2.0, 3.0]]), "numeric"),
            (np.array([[2.0, 3.0]], dtype=np.float32), "numeric"),
        ],
    )
    def test_input_type_is_inferred_from_the_dtype_of_x(self, X, expected):
        classifier = small_classifier(max_epochs=1).fit(X, [0])
        assert classifier.input_type_ == expected

    def test_integers_are_numbers_if_input_type_is_numeric(self, ids, y):
        classifier = small_classifier(input_type="numeric").fit(ids, y)
        assert_same(classifier, small_classifier().fit(ids.astype(float), y), ids)

    def test_ids_unseen_in_fit_are_unknown_tokens(self, fitted, ids):
        unknown, foreign = ids.copy(), ids.copy().astype(np.int64)
        unknown[ids > 20] = 1
        foreign[ids > 20] = 2_000_000_000
        small = small_classifier().fit(np.where(ids > 20, 1, ids), np.arange(40) % 2)
        np.testing.assert_array_equal(
            small.predict_proba(foreign), small.predict_proba(unknown)
        )

    def test_feature_names_of_a_data_frame_are_checked(self, ids, y):
        frame = pd.DataFrame(ids, columns=[f"token_{i}" for i in range(12)])
        classifier = small_classifier().fit(frame, y)
        assert classifier.feature_names_in_[0] == "token_0"
        with pytest.raises(ValueError, match="feature names"):
            classifier.predict(frame.rename(columns={"token_0": "x"}))


class TestWeights:
    def test_a_row_of_zero_weight_does_not_affect_numeric_scaling(self, ids, y):
        numbers = ids / 7.0
        with_outlier = np.vstack([numbers, np.full((1, 12), 1e4)])
        weighted = small_classifier().fit(with_outlier, [*y, 0], [1] * 40 + [0])
        assert_same(weighted, small_classifier().fit(numbers, y), numbers)

    def test_x_val_does_not_affect_numeric_scaling(self, ids, y):
        numbers = ids / 7.0
        far = {"X_val": numbers + 1e3, "y_val": y}
        held_out = small_classifier(early_stopping=False).fit(numbers, y, **far)
        assert_same(held_out, small_classifier().fit(numbers, y), numbers)

    def test_validation_split_does_not_affect_numeric_scaling(self, ids, y):
        # lognormal, so that no split has the mean of all rows
        steps = np.exp(2 * np.random.RandomState(0).normal(size=(40, 12)))
        seen = []
        small_classifier(
            early_stopping=True, callbacks=[KeepsRows(seen)], input_type="numeric"
        ).fit(steps, y)
        assert len(seen[0]) == 36
        values = seen[0].sequences.values.astype(float)
        np.testing.assert_allclose(values.mean(), 0, atol=1e-5)
        np.testing.assert_allclose(values.std(), 1, atol=1e-5)

    def test_validation_split_does_not_affect_static_feature_scaling(self, ids, y):
        static = np.exp(2 * np.random.RandomState(0).normal(size=(40, 2)))
        X, seen = np.hstack([ids, static]), []
        small_classifier(
            early_stopping=True, callbacks=[KeepsRows(seen)], n_static_features=2
        ).fit(X, y)
        assert seen[0].static.shape == (36, 2)
        np.testing.assert_allclose(seen[0].static.mean(0), 0, atol=1e-5)
        np.testing.assert_allclose(seen[0].static.std(0), 1, atol=1e-5)

    def test_sample_weights_may_be_as_large_as_float64_allows(self, ids, y):
        huge = small_classifier().fit(ids, y, sample_weight=np.full(40, 1e308))
        assert_same(huge, small_classifier().fit(ids, y), ids)

    def test_class_weight_may_contain_an_absent_label(self, ids, y):
        weights = {0: 1, 1: 2}
        more = small_classifier(class_weight={**weights, 7: 3}).fit(ids, y)
        assert_same(more, small_classifier(class_weight=weights).fit(ids, y), ids)

    def test_validation_rows_of_zero_weight_raise(self, ids, y):
        classifier = small_classifier(class_weight={0: 0, 1: 1})
        with pytest.raises(ValueError, match="at least one non-zero"):
            classifier.fit(ids, y, X_val=ids, y_val=np.zeros(40, int))

    def test_a_row_of_zero_weight_equals_an_absent_row(self, ids, y):
        weight = np.ones(40)
        weight[::3] = 0
        kept = weight > 0
        weighted = small_classifier().fit(ids, y, sample_weight=weight)
        absent = small_classifier().fit(ids[kept], y[kept])
        assert_same(weighted, absent, ids)

    def test_scaling_all_sample_weights_has_no_effect(self, ids, y):
        weight = np.random.RandomState(0).uniform(0.5, 2, 40)
        one = small_classifier().fit(ids, y, sample_weight=weight)
        other = small_classifier().fit(ids, y, sample_weight=weight * 8)
        assert_same(one, other, ids)

    def test_equal_sample_weights_equal_no_sample_weights(self, ids, y):
        weighted = small_classifier().fit(ids, y, sample_weight=np.full(40, 3.0))
        assert_same(weighted, small_classifier().fit(ids, y), ids)

    def test_integer_sample_weights_equal_repeated_rows_in_full_batches(self, ids, y):
        weight = np.arange(40) % 3
        params = {"batch_size": 100, "max_epochs": 20, "gradient_clip_norm": None}
        weighted = plain(**params).fit(ids, y, sample_weight=weight)
        rows = np.repeat(np.arange(40), weight)
        repeated = plain(**params).fit(ids[rows], y[rows])
        np.testing.assert_allclose(
            weighted.predict_proba(ids), repeated.predict_proba(ids), atol=1e-4
        )

    def test_class_weights_multiply_sample_weights(self, ids, y):
        by_class = small_classifier(class_weight={0: 1, 1: 3}).fit(ids, y)
        by_row = small_classifier().fit(ids, y, sample_weight=np.where(y == 1, 3, 1))
        assert_same(by_class, by_row, ids)

    def test_balanced_class_weights_give_classes_equal_total_weight(self, ids, y):
        weight = np.random.RandomState(0).uniform(0.5, 2, 40)
        totals = np.bincount(y, weights=weight)
        balanced = small_classifier(class_weight="balanced")
        balanced.fit(ids, y, sample_weight=weight)
        by_row = small_classifier().fit(ids, y, sample_weight=weight / totals[y])
        np.testing.assert_allclose(
            balanced.predict_proba(ids), by_row.predict_proba(ids), atol=1e-6
        )

    def test_a_class_of_large_weight_is_predicted(self, ids):
        y = np.arange(40) % 2
        heavy = small_classifier(class_weight={0: 1, 1: 1000}, max_epochs=20, lr=0.02)
        assert heavy.fit(ids, y).predict(ids).mean() > 0.9


class TestValidation:
    def test_validation_rows_stop_training_early(self, ids, y):
        classifier = small_classifier(max_epochs=200, lr=0.05, n_iter_no_change=2)
        classifier.fit(ids[:25], y[:25], X_val=ids[25:], y_val=y[25:])
        losses = [epoch["valid_loss"] for epoch in classifier.history_]
        assert classifier.n_iter_ < 200
        assert classifier.best_epoch_ == 1 + int(np.argmin(losses))
        assert classifier.n_iter_ == classifier.best_epoch_ + 2

    def test_the_best_epochs_weights_are_restored(self, ids, y):
        classifier = small_classifier(max_epochs=200, lr=0.05, n_iter_no_change=2)
        classifier.fit(ids[:25], y[:25], X_val=ids[25:], y_val=y[25:])
        p = classifier.predict_proba(ids[25:])[np.arange(15), y[25:]]
        best = classifier.history_[classifier.best_epoch_ - 1]["valid_loss"]
        assert -np.log(p).mean() == pytest.approx(best, rel=1e-5)

    def test_early_stopping_splits_off_validation_rows(self, ids, y):
        classifier = small_classifier(early_stopping=True, validation_fraction=0.25)
        classifier.fit(ids, y)
        assert "valid_loss" in classifier.history_[0]

    def test_validation_rows_are_only_scored_if_early_stopping_is_off(self, ids, y):
        validated = small_classifier(early_stopping=False, max_epochs=6)
        validated.fit(ids, y, X_val=ids, y_val=y)
        unvalidated = small_classifier(max_epochs=6).fit(ids, y)
        assert "valid_loss" in validated.history_[0]
        assert "valid_loss" not in unvalidated.history_[0]
        assert_same(validated, unvalidated, ids)

    def test_class_weights_apply_to_the_validation_loss(self, ids, y):
        classifier = plain(class_weight={0: 1, 1: 3}, max_epochs=1)
        classifier.fit(ids, y, X_val=ids, y_val=y)
        p = classifier.predict_proba(ids)[np.arange(40), y]
        weight = np.where(y == 1, 3, 1)
        expected = np.average(-np.log(p), weights=weight)
        assert classifier.history_[0]["valid_loss"] == pytest.approx(expected, rel=1e-5)


class TestWarmStart:
    def test_warm_start_continues_from_the_fitted_weights(self, ids, y):
        classifier = small_classifier(warm_start=True, max_epochs=10, lr=0.01)
        first = classifier.fit(ids, y).history_[0]["train_loss"]
        assert classifier.fit(ids, y).history_[0]["train_loss"] < first

    def test_fit_without_warm_start_starts_afresh(self, ids, y):
        classifier = small_classifier().fit(ids, y)
        before = classifier.predict_proba(ids)
        assert np.array_equal(classifier.fit(ids, y).predict_proba(ids), before)

    def test_partial_fit_learns_from_batches(self, ids, y):
        classifier = small_classifier(lr=0.02)
        for _ in range(15):
            for rows in (slice(0, 20), slice(20, 40)):
                classifier.partial_fit(ids[rows], y[rows], classes=[0, 1])
        assert classifier.n_iter_ == 30
        assert classifier.score(ids, y) > 0.85

    def test_partial_fit_continues_after_fit(self, ids, y):
        classifier = small_classifier(max_epochs=5, lr=0.02).fit(ids, y)
        loss = classifier.history_[-1]["train_loss"]
        for _ in range(5):
            classifier.partial_fit(ids, y)
        assert classifier.history_[-1]["train_loss"] < loss
        assert [epoch["epoch"] for epoch in classifier.history_] == list(range(1, 11))

    @pytest.mark.parametrize("method", ["partial_fit", "fit"])
    def test_embedding_grows_with_the_vocabulary(self, ids, y, method):
        classifier = small_classifier(warm_start=True).fit(np.minimum(ids, 9), y)
        assert classifier.module_.input_layer.input_size == 10
        getattr(classifier, method)(ids, y)
        assert classifier.module_.input_layer.input_size == ids.max() + 1

    def test_vectorizer_and_classifier_partial_fit_on_a_stream(self):
        texts, labels = make_reviews(120, random_state=0)
        vectorizer, classifier = TextVectorizer(), small_classifier()
        for start in range(0, 120, 40):
            batch = slice(start, start + 40)
            X = vectorizer.partial_fit(texts[batch]).transform(texts[batch])
            classifier.partial_fit(X, labels[batch], classes=["negative", "positive"])
        assert (
            classifier.module_.input_layer.input_size == len(vectorizer.vocabulary_) + 2
        )

    @pytest.mark.parametrize("method", ["partial_fit", "fit"])
    def test_a_changed_architecture_raises(self, ids, y, method):
        classifier = small_classifier(warm_start=True).fit(ids, y)
        with pytest.raises(ValueError, match="describe another network"):
            getattr(classifier.set_params(hidden_layer_sizes=5), method)(ids, y)
        assert classifier.predict(ids).shape == (40,)

    def test_partial_fit_uses_current_parameters(self, ids, y):
        classifier = small_classifier(lr=0.1).fit(ids, y)
        classifier.set_params(lr=1e-5, batch_size=4, dropout=0.25).partial_fit(ids, y)
        assert classifier.history_[-1]["lr"] == 1e-5
        assert classifier.net_.n_steps_ == 2 * 2 + 10
        assert classifier.module_.head.dropout.p == 0.25

    def test_partial_fit_keeps_the_fitted_input_type(self, ids, y):
        classifier = small_classifier().fit(ids.astype(float), y)
        with pytest.raises(TypeError, match="[Ss]parse"):
            classifier.set_params(input_type="numeric").partial_fit(
                sparse.csr_array(ids), y
            )
        with pytest.raises(ValueError, match="'input_type' parameter must stay"):
            classifier.set_params(input_type="tokens").partial_fit(ids, y)

    def test_partial_fit_applies_class_weights(self, ids, y):
        def after(weight):
            classifier = plain(class_weight={0: 0, 1: weight}, optimizer="sgd")
            return classifier.partial_fit(ids, y, [0, 1]).predict_proba(ids)

        assert not np.array_equal(after(1), after(0.5))

    def test_partial_fit_on_rows_of_zero_weight_changes_nothing(self, ids, y):
        classifier = small_classifier().fit(ids, y)
        before = classifier.predict_proba(ids)
        classifier.set_params(class_weight={0: 1, 1: 0})
        classifier.partial_fit(ids[y == 1], y[y == 1])
        assert np.array_equal(classifier.predict_proba(ids), before)

    def test_warm_start_raises_on_new_labels(self, ids, y):
        classifier = small_classifier(warm_start=True).fit(ids, y)
        with pytest.raises(
            ValueError, match=r"y must only contain labels of classes_.*got 7"
        ):
            classifier.fit(ids, y + 7)
        with pytest.raises(ValueError, match="classes"):
            classifier.partial_fit(ids, y, classes=[0, 1, 2])

    def test_first_partial_fit_requires_classes(self, ids, y):
        with pytest.raises(ValueError, match="classes must be passed"):
            small_classifier().partial_fit(ids, y)

    def test_partial_fit_raises_if_class_weight_is_balanced(self, ids, y):
        with pytest.raises(ValueError, match="balanced.*partial_fit"):
            small_classifier(class_weight="balanced").partial_fit(ids, y, [0, 1])


def test_auto_precision_is_float32_for_numeric_input(ids, y, monkeypatch):
    monkeypatch.setattr("sklearn_bilstm.utils._device._cpu_has_bfloat16", lambda: True)
    auto, exact, rounded = (
        small_classifier(precision=precision).fit(ids / 3.0, y)
        for precision in ("auto", "float32", "bfloat16")
    )
    assert_same(auto, exact, ids / 3.0)
    assert auto.auto_params_["precision"] == "float32"
    assert (auto.predict_proba(ids / 3.0) != rounded.predict_proba(ids / 3.0)).any()
    assert small_classifier().fit(ids, y).auto_params_["precision"] == "bfloat16"


def test_predict_proba_is_thread_safe(ids, fitted):
    expected = fitted.predict_proba(ids)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(fitted.predict_proba, [ids] * 200))
    finally:
        sys.setswitchinterval(interval)
    assert all(np.array_equal(expected, proba) for proba in found)
    assert all(p.dtype == torch.float32 for p in fitted.module_.parameters())


@pytest.mark.parametrize("kind", [int, float])
def test_torchs_default_dtype_does_not_affect_fit(ids, y, kind):
    expected = small_classifier().fit(ids.astype(kind), y)
    torch.set_default_dtype(torch.float64)
    try:
        classifier = small_classifier().fit(ids.astype(kind), y)
        assert classifier.transform(ids.astype(kind)).dtype == np.float32
        assert_same(classifier, expected, ids.astype(kind))
    finally:
        torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize(
    "change", [{"merge_mode": "sum"}, {"pooling": "mean"}, {"convolution_stride": 3}]
)
def test_a_changed_architecture_of_equal_size_raises(ids, y, change):
    params = {"merge_mode": "mul", "pooling": "max", "warm_start": True}
    params |= {"convolution_layer_sizes": 4, "convolution_stride": 2}
    classifier = small_classifier(**params).fit(ids, y).set_params(**change)
    with pytest.raises(ValueError, match="describe another network"):
        classifier.fit(ids, y)


class TestEmbeddingInitialisation:
    def untrained(self, **params):
        """A classifier whose weights keep their initial values."""
        return small_classifier(embedding="svd", optimizer="sgd", lr=1e-30, **params)

    def vectors(self, model):
        return model.module_.input_layer.embedding.weight.detach().numpy()

    def expected(self, X, n_tokens):
        seed = int(private_random_state(0).randint(2**31 - 1))
        random_state = np.random.RandomState(seed)
        return cooccurrence_vectors(ragged_from_ids(X), n_tokens, 8, random_state)

    def test_embedding_is_initialised_by_svd(self, ids, y):
        found = self.vectors(self.untrained().fit(ids, y))
        vectors = self.expected(ids, len(found))
        known = vectors.any(1)
        assert known.sum() > 20
        np.testing.assert_allclose(found[known], 0.1 * vectors[known], rtol=1e-6)
        assert (found[0] == 0).all()

    def test_svd_includes_unlabelled_rows(self, ids, y):
        more = np.where(ids, ids + 5, 0)
        found = self.vectors(self.untrained().fit(ids, y, X_unlabelled=more))
        assert len(found) == more.max() + 1
        vectors = self.expected(np.vstack([ids, more]), len(found))
        known = vectors.any(1)
        assert known.sum() > 25
        np.testing.assert_allclose(found[known], 0.1 * vectors[known], rtol=1e-6)

    @pytest.mark.parametrize(
        ("more", "message"),
        [
            ([[-2] * 12], "X_unlabelled is invalid.*format of X.*-2"),
            ([[10**7] * 12], "X_unlabelled is invalid.*format of X.*10000000"),
            (["a text"], "X_unlabelled is invalid.*format of X.*TextVectorizer"),
            (np.full((1, 13), 2), "X_unlabelled is invalid.*13 features.*expecting 12"),
            ([[2.5] * 12], "X_unlabelled is invalid.*row 0 contains 2.5"),
            ([2] * 12, "X_unlabelled is invalid.*Expected 2D array, got 1D"),
            (np.zeros((0, 12), int), "X_unlabelled is invalid.*0 sample"),
        ],
        ids=["negative", "too large", "text", "wider", "fraction", "1-D", "empty"],
    )
    def test_invalid_x_unlabelled_raises(self, ids, y, more, message):
        with pytest.raises(ValueError, match=f"(?s){message}"):
            self.untrained().fit(ids, y, X_unlabelled=more)

    def test_x_unlabelled_raises_for_numeric_input(self, ids, y):
        with pytest.raises(ValueError, match="requires token input"):
            self.untrained().fit(ids / 3.0, y, X_unlabelled=ids / 3.0)


class TestRandomState:
    def test_equal_seeds_give_identical_predictions(self, ids, y):
        assert_same(small_classifier().fit(ids, y), small_classifier().fit(ids, y), ids)

    def test_a_random_state_instance_advances_between_fits(self, ids, y):
        instance = np.random.RandomState(0)
        first = small_classifier(random_state=instance).fit(ids, y).predict_proba(ids)
        second = small_classifier(random_state=instance).fit(ids, y).predict_proba(ids)
        assert not np.array_equal(first, second)

    @pytest.mark.parametrize("random_state", [None, 3])
    def test_fit_does_not_change_global_random_states(self, ids, y, random_state):
        before = np.random.get_state()[1].copy(), torch.get_rng_state()
        classifier = small_classifier(random_state=random_state, early_stopping=True)
        classifier.fit(ids, y).predict(ids)
        assert np.array_equal(np.random.get_state()[1], before[0])
        assert torch.equal(torch.get_rng_state(), before[1])

    def test_global_random_states_do_not_affect_fit(self, ids, y):
        torch.manual_seed(1)
        first = small_classifier(recurrent_dropout=0.2).fit(ids, y)
        torch.manual_seed(2)
        assert_same(first, small_classifier(recurrent_dropout=0.2).fit(ids, y), ids)

    def test_fit_and_predict_restore_the_number_of_threads(self, ids, y):
        before = torch.get_num_threads()
        small_classifier().fit(ids, y).predict(ids)
        assert torch.get_num_threads() == before


class TestCopies:
    @pytest.mark.parametrize(
        "copied",
        [copy.deepcopy, lambda c: pickle.loads(pickle.dumps(c))],
        ids=["deepcopy", "pickle"],
    )
    def test_a_copy_predicts_and_continues_training_identically(
        self, fitted, ids, copied
    ):
        twin = copied(fitted)
        assert_same(twin, fitted, ids)
        labels = fitted.predict(ids)
        again = copied(twin).partial_fit(ids, labels)
        assert_same(again, copied(twin).partial_fit(ids, labels), ids)

    def test_clone_copies_parameters_only(self, fitted):
        cloned = clone(fitted)
        assert cloned.get_params() == fitted.get_params()
        assert not hasattr(cloned, "net_")
        assert not hasattr(cloned, "module_")

    def test_fit_copies_callbacks(self, ids, y):
        callback = EpochTimer()
        classifier = small_classifier(callbacks=[callback]).fit(ids, y)
        assert classifier.callbacks == [callback]
        assert vars(callback) == vars(EpochTimer())


class TestErrors:
    @pytest.mark.parametrize(
        ("X", "message"),
        [
            (["a text", "more"], r"contains text.*make_pipeline\(TextVectorizer\(\)"),
            (np.array(["a text", "more"]), "contains text"),
            (np.array(["a text", None], dtype=object), "contains text"),
            (pd.Series(["a text", "more"]), "contains text"),
            (pd.DataFrame({"n": [1, 2], "t": ["a", "b"]}), "contains text"),
            ([["good", "film"], ["bad", "film"]], "contains text"),
            ([["good", "film"], ["bad"]], "contains text"),
            ("a text", "contains text"),
            ([[2, -3], [4, 5]], "Negative values.*row 0 contains -3"),
            ([[2, 3], [4, 2_000_000_000]], "Large values.*input_type='numeric'"),
            (sparse.csr_array([[2.0, 1.5], [1, 1]]), "Fractions.*row 0 contains 1.5"),
            ([[0.5, 2], [np.nan, 1]], "contains NaN in row 1, step 0"),
            ([[0.5, np.inf], [1, 2]], "infinity in row 0"),
            ([[0.5, 1e200], [1, 2]], r"1e\+200 in row 0.*range of float32"),
            ([[0.5 + 1j, 2], [1, 2]], "Complex data not supported"),
            (np.zeros((2, 0)), "0 feature"),
            (np.zeros((0, 2)), "0 sample"),
            (np.zeros(2), "Expected 2D array"),
            (np.zeros((2, 2, 2, 2)), r"2-D, or 3-D.*\(2, 2, 2, 2\)"),
            ([[2, 3]] * 3, r"inconsistent numbers of samples: \[3, 2\]"),
        ],
        ids=lambda x: str(x)[:25],
    )
    def test_invalid_x_raises_with_a_suggestion(self, X, message):
        with pytest.raises(ValueError, match=message):
            small_classifier().fit(X, [0, 1])

    @pytest.mark.parametrize("bad", [1.5, -1.0, 2e9])
    def test_invalid_float_ids_raise(self, ids, y, bad):
        floats = ids.astype(float)
        floats[3, 0] = bad
        with pytest.raises(ValueError, match="row 3 contains"):
            small_classifier(input_type="tokens").fit(floats, y)

    @pytest.mark.parametrize(
        ("labels", "message"),
        [
            ([0.5, 1.5], "Unknown label type"),
            ([np.nan, np.nan], "at least one row: all 2 are missing"),
            ([None, None], "at least one row: all 2 are missing"),
            (["a", 3], "of one type"),
            ([[0, 2], [2, 0]], "zeros and ones.*replace its numbers by strings"),
            ([["a", 0.5], ["b", 1.5]], "Column 1 of y must hold class labels"),
            ([["a", 1], ["b"]], "same number of labels.*row 1 has 1"),
            (None, "requires y"),
        ],
        ids=str,
    )
    def test_invalid_y_raises(self, labels, message):
        if isinstance(labels, list) and "a" in labels:
            labels = np.array(labels, dtype=object)
        with pytest.raises(ValueError, match=message):
            small_classifier().fit([[2, 3], [4, 5]], labels)

    @pytest.mark.parametrize(
        ("weight", "message"),
        [
            ([0, 0], "weights? must contain at least one non-zero|[Zz]ero"),
            ([1, -1], "[Nn]egative"),
            ([1, np.nan], "NaN"),
            ([1, 1, 1], "sample_weight"),
        ],
    )
    def test_invalid_sample_weight_raises(self, weight, message):
        with pytest.raises(ValueError, match=message):
            small_classifier().fit([[2, 3], [4, 5]], [0, 1], sample_weight=weight)

    @pytest.mark.parametrize(
        ("class_weight", "message"),
        [
            (
                {0: 1, 5: 2},
                "'class_weight' parameter must map.*for 5, but none",
            ),
            ({0: 1, 1: -2}, "'class_weight' parameter.*-2 for 1"),
            ({0: 1, 1: "x"}, "'class_weight' parameter.*'x' for 1"),
            ({0: 0, 1: 0}, "class_weight"),
        ],
    )
    def test_invalid_class_weight_raises(self, class_weight, message):
        with pytest.raises(ValueError, match=message):
            small_classifier(class_weight=class_weight).fit([[2, 3], [4, 5]], [0, 1])

    @pytest.mark.parametrize(
        ("params", "message"),
        [
            ({"X_val": [[2, 3]]}, "X_val and y_val must be passed together: y_val"),
            ({"y_val": [0]}, "together: X_val"),
            (
                {"X_val": np.array([[2, 3, 4]]), "y_val": [0]},
                "X_val is invalid.*3 features.*expecting 2",
            ),
            (
                {"X_val": [[2, 3]], "y_val": [0, 1]},
                "y_val must hold one target per.*2 targets for 1",
            ),
            ({"X_val": [[2, 3]], "y_val": [9]}, "y_val must only contain.*got 9"),
            ({"X_val": ["a text"], "y_val": [0]}, "transform_input=.*contains text"),
        ],
    )
    def test_invalid_validation_rows_raise(self, params, message):
        with pytest.raises(ValueError, match=message):
            small_classifier().fit([[2, 3], [4, 5]], [0, 1], **params)

    @pytest.mark.parametrize(
        ("params", "message"),
        [
            ({"input_type": "ids"}, "'input_type' parameter of BiLSTMClassifier must"),
            ({"embedding_dim": 0}, "'embedding_dim' parameter"),
            ({"hidden_layer_sizes": 0}, "'hidden_layer_sizes' parameter"),
            ({"hidden_layer_sizes": ()}, "'hidden_layer_sizes' parameter"),
            ({"hidden_layer_sizes": (8, 0)}, "'hidden_layer_sizes' parameter"),
            ({"hidden_layer_sizes": (8, 2.5)}, "'hidden_layer_sizes' parameter"),
            ({"bidirectional": "yes"}, "'bidirectional' parameter"),
            ({"pooling": "sum"}, "'pooling' parameter"),
            ({"dropout": 1.0}, "'dropout' parameter"),
            ({"embedding_dropout": -0.1}, "'embedding_dropout' parameter"),
            ({"word_dropout": 2}, "'word_dropout' parameter"),
            ({"recurrent_dropout": "0.1"}, "'recurrent_dropout' parameter"),
            ({"weight_decay": -1}, "'weight_decay' parameter"),
            ({"max_epochs": 0}, "'max_epochs' parameter"),
            ({"max_epochs": "many"}, "'max_epochs' parameter"),
            ({"batch_size": 2.5}, "'batch_size' parameter"),
            ({"lr": 0}, "'lr' parameter"),
            ({"optimizer": "lion"}, "'optimizer' parameter"),
            ({"lr_schedule": "cosine"}, "'lr_schedule' parameter"),
            ({"gradient_clip_norm": 0}, "'gradient_clip_norm' parameter"),
            ({"early_stopping": "never"}, "'early_stopping' parameter"),
            ({"validation_fraction": 1.0}, "'validation_fraction' parameter"),
            ({"n_threads": 0}, "'n_threads' parameter"),
            ({"embedding": "glove"}, "'embedding' parameter"),
            ({"linear_ngram_range": 2}, "'linear_ngram_range' parameter"),
            ({"linear_ngram_range": "Auto"}, "'linear_ngram_range' parameter"),
            ({"n_iter_no_change": 0}, "'n_iter_no_change' parameter"),
            ({"tol": -1}, "'tol' parameter"),
            ({"class_weight": "even"}, "'class_weight' parameter"),
            ({"warm_start": 2}, "'warm_start' parameter"),
            ({"device": 3}, "'device' parameter"),
            ({"callbacks": EpochTimer()}, "'callbacks' parameter"),
            ({"net_params": 3}, "'net_params' parameter"),
            ({"verbose": -1}, "'verbose' parameter"),
            ({"random_state": "zero"}, "'random_state' parameter"),
        ],
        ids=lambda x: x if isinstance(x, str) else "-".join(x),
    )
    def test_every_parameter_is_validated_in_fit(self, params, message):
        with pytest.raises(ValueError, match=message):
            small_classifier(**params).fit([[2, 3], [4, 5]], [0, 1])

    def test_auto_params_are_stored_and_printed(self, ids, y, capsys):
        params = {"max_epochs": "auto", "device": "cpu", "precision": "float32"}
        model = small_classifier(verbose=1, **params).fit(ids, y)
        assert model.auto_params_ == {
            "early_stopping": False,
            "input_type": "tokens",
            "max_epochs": model.n_iter_,
            "n_static_features": 0,
        }
        first = capsys.readouterr().out.splitlines()[0]
        for name, value in model.auto_params_.items():
            assert f"{name}={value!r}" in first
        model.set_params(early_stopping="auto").fit(ids, y, X_val=ids, y_val=y)
        assert model.auto_params_["early_stopping"] is True
        assert (
            "max_epochs" not in model.set_params(max_epochs=2).fit(ids, y).auto_params_
        )

    def test_every_parameter_has_a_constraint(self):
        assert (
            BiLSTMClassifier._parameter_constraints.keys()
            == BiLSTMClassifier().get_params().keys()
        )

    @pytest.mark.parametrize(
        "callback", [EpochTimer, "timer", ("name", EpochTimer), ("name",)]
    )
    def test_callbacks_must_be_instances(self, callback):
        with pytest.raises(
            TypeError, match="'callbacks' parameter.*instances.*set_callbacks"
        ):
            small_classifier(callbacks=[callback]).fit([[2, 3], [4, 5]], [0, 1])

    @pytest.mark.parametrize(
        ("net_params", "message"),
        [
            ({"lr": 0.1}, "must not contain 'lr'"),
            ({5: 1}, "names of arguments.*got the name 5"),
            ({"train_split": None}, "must not contain 'train_split'"),
            ({"iterator_trian__num_workers": 1}, "skorch: .*iterator_trian"),
            ({"optimizer__momentum": 1}, "skorch: .*momentum"),
            ({"callbacks": []}, "must not contain 'callbacks'"),
            ({"module__dropout": 0.1}, "must not contain 'module__dropout'"),
            ({"optimizer__lr": 1.0}, "must not contain 'optimizer__lr'"),
            ({"iterator_train__batch_size": 3}, "DataLoader for iterator_train"),
            ({"iterator_train__num_workers": -1}, "DataLoader for iterator_train"),
        ],
    )
    def test_invalid_net_params_raise(self, net_params, message):
        with pytest.raises(ValueError, match=f"'net_params' parameter.*{message}"):
            small_classifier(net_params=net_params).fit([[2, 3], [4, 5]], [0, 1])

    def test_a_scoring_callback_raises(self):
        with pytest.raises(TypeError, match="EpochScoring.*history_"):
            small_classifier(callbacks=[EpochScoring("accuracy")]).fit(
                [[2], [3]], [0, 1]
            )

    def test_non_finite_weights_raise(self, ids, y):
        wild = plain(
            optimizer="sgd", lr=1e30, gradient_clip_norm=None, lr_schedule="constant"
        )
        with pytest.raises(ValueError, match="infinite or NaN. Lower the 'lr'"):
            wild.set_params(max_epochs=30).fit(ids, y)

    @pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
    def test_device_cuda_raises_without_a_gpu(self):
        with pytest.raises(ValueError, match="'device' parameter.*cuda.*device='auto'"):
            small_classifier(device="cuda").fit([[2, 3], [4, 5]], [0, 1])

    @pytest.mark.parametrize(
        "method",
        [
            "predict",
            "predict_proba",
            "predict_log_proba",
            "decision_function",
            "transform",
        ],
    )
    def test_methods_raise_before_fit(self, ids, method):
        with pytest.raises(NotFittedError, match="BiLSTMClassifier"):
            getattr(BiLSTMClassifier(), method)(ids)

    def test_predict_raises_on_another_number_of_features(self, fitted, ids):
        with pytest.raises(ValueError, match="11 features.*expecting 12"):
            fitted.predict(ids[:, 1:])

    def test_predict_keeps_the_fitted_input_type(self, fitted):
        with pytest.raises(ValueError, match="Fractions in data"):
            fitted.predict(np.full((1, 12), 2.5))

    def test_a_failed_fit_leaves_the_classifier_unchanged(self, ids, y):
        classifier = small_classifier().fit(ids, y)
        before = classifier.predict_proba(ids)
        failing = [
            ((np.full((40, 3), 7), [0.5] * 40), {}),
            ((ids[:, :3], y), {"X_val": ids, "y_val": y}),
            ((ids, y), {"sample_weight": np.zeros(40)}),
        ]
        for args, kwargs in failing:
            with pytest.raises(ValueError, match="."):
                classifier.fit(*args, **kwargs)
        assert np.array_equal(classifier.predict_proba(ids), before)


def test_net_params_are_passed_to_skorch(ids, y):
    workers = {"iterator_train__num_workers": 1, "optimizer__betas": (0.5, 0.9)}
    classifier = small_classifier(net_params=workers).fit(ids, y)
    assert classifier.net_.optimizer_.param_groups[0]["betas"] == (0.5, 0.9)
    assert classifier.net_.iterator_train__num_workers == 1
