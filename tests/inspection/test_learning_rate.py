import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from skorch.callbacks import Callback

from sklearn_bilstm import BiLSTMClassifier, find_learning_rate
from sklearn_bilstm.inspection._learning_rate import _GrowingRate
from tests.helpers import SMALL, small_classifier, small_pipeline, small_regressor

Y = [0, 1] * 20
NO_DROPOUT = {
    "word_dropout": 0.0,
    "embedding_dropout": 0.0,
    "dropout": 0.0,
    "precision": "float32",
}


@pytest.fixture(scope="module")
def range_test(ids):
    return find_learning_rate(small_classifier(**NO_DROPOUT), ids, Y)


def test_rates_grow_geometrically_from_lowest_to_highest(ids):
    rates = {"lowest": 1e-6, "highest": 1e-4, "n_steps": 21}
    found = find_learning_rate(small_classifier(), ids, Y, **rates)
    assert found.rates == pytest.approx(np.geomspace(1e-6, 1e-4, 21))
    assert found.losses.shape == found.smoothed_losses.shape == (21,)


def test_losses_equal_the_training_losses_of_fit(ids):
    rates = {"lowest": 1e-13, "highest": 1e-12, "n_steps": 40}
    model = small_classifier(**NO_DROPOUT, batch_size=2, lr=1e-12, max_epochs=2)
    found = find_learning_rate(model, ids, Y, **rates)
    expected = [epoch["train_loss"] for epoch in model.fit(ids, Y).history_]
    assert found.losses.reshape(2, 20).mean(1) == pytest.approx(expected)


def test_smoothed_losses_are_exponentially_weighted_averages(range_test):
    for n_done in (1, 2, 30, len(range_test.losses)):
        weights = 0.95 ** np.arange(n_done)[::-1]
        expected = np.average(range_test.losses[:n_done], weights=weights)
        assert range_test.smoothed_losses[n_done - 1] == pytest.approx(expected)


def test_suggestion_is_a_tenth_of_the_rate_with_the_lowest_loss(range_test):
    best = range_test.smoothed_losses[10:].argmin() + 10
    assert range_test.suggestion == pytest.approx(range_test.rates[best] / 10)
    assert 1e-4 < range_test.suggestion < 1


def test_no_checkpoint_is_written(ids, tmp_path):
    path = tmp_path / "training.zip"
    model = small_classifier(checkpoint=path, random_state=None)
    find_learning_rate(model, ids, Y, n_steps=20)
    assert model.checkpoint == path
    assert not path.exists()


def test_range_test_stops_if_the_loss_diverges(ids):
    y = ids[:, 0].astype(float)
    wild = small_regressor(**NO_DROPOUT, optimizer="sgd", gradient_clip_norm=None)
    found = find_learning_rate(wild, ids, y, highest=1e9)
    *before, last = found.smoothed_losses
    assert len(before) < 149
    assert not last <= 4 * min(before)
    assert max(before) <= 4 * min(before)
    assert found.rates[10] / 10 <= found.suggestion < found.rates[-1]


def test_model_is_unchanged(reviews):
    model = small_pipeline()
    params = model.get_params()
    find_learning_rate(model, *reviews, n_steps=20)
    assert model.get_params() == params
    assert not hasattr(model[0], "vocabulary_")
    assert not hasattr(model[-1], "net_")


class NeverCalled(Callback):
    def on_train_begin(self, net, **kwargs):
        raise AssertionError


def test_callbacks_of_the_model_are_not_called(ids):
    model = small_classifier(callbacks=[NeverCalled()])
    assert find_learning_rate(model, ids, Y, n_steps=20).rates.shape == (20,)


def test_losses_do_not_depend_on_the_number_of_threads(ids, range_test):
    model = small_classifier(**NO_DROPOUT, n_threads=2)
    again = find_learning_rate(model, ids, Y)
    assert np.array_equal(again.losses, range_test.losses)


def test_rows_of_zero_weight_equal_absent_rows(ids):
    weight = np.array([0, 0, 1, 3] * 10)
    rows, model = weight > 0, small_classifier()
    weighted = find_learning_rate(model, ids, Y, sample_weight=weight, n_steps=20)
    without = find_learning_rate(
        model, ids[rows], np.array(Y)[rows], sample_weight=weight[rows], n_steps=20
    )
    assert np.array_equal(weighted.losses, without.losses)


def test_pipelines_and_nested_pipelines_give_equal_losses(reviews):
    pipeline = small_pipeline()
    plain = find_learning_rate(pipeline, *reviews, n_steps=20)
    nested = make_pipeline(pipeline[0], make_pipeline(pipeline[1]))
    found = find_learning_rate(nested, *reviews, n_steps=20)
    assert np.array_equal(found.losses, plain.losses)


def test_warm_start_continues_from_the_fitted_weights(ids):
    model = small_classifier(**NO_DROPOUT, warm_start=True, max_epochs=60, lr=0.02)
    initial_loss = find_learning_rate(model, ids, Y, n_steps=20).losses[0]
    model.fit(ids, Y)
    before = model.predict_proba(ids)
    assert find_learning_rate(model, ids, Y, n_steps=20).losses[0] < 0.5 * initial_loss
    assert np.array_equal(model.predict_proba(ids), before)


class Rates(Callback):
    """Record the rates of all parameter groups after every batch."""

    def __init__(self):
        self.seen = []  # shared with the copy that fit makes

    def on_batch_end(self, net, **kwargs):
        self.seen.append({group["lr"] for group in net.optimizer_.param_groups})


def test_pretrained_token_vectors_keep_their_relative_rate(ids):
    rates = Rates()
    model = small_classifier(
        embedding="svd",
        lr=0.01,
        lr_schedule="constant",
        max_epochs=1,
        callbacks=[_GrowingRate(2.0, 2), rates],
    )
    model.set_params(batch_size=10).fit(ids, Y)
    first, second = (sorted(seen) for seen in rates.seen)
    assert first == pytest.approx([0.002, 0.01])
    assert second == pytest.approx([0.004, 0.02])


def test_suggestion_is_below_the_lowest_rate_if_the_loss_is_nan():
    y = np.arange(40.0)
    model = small_regressor(optimizer="sgd", gradient_clip_norm=None, batch_size=4)
    found = find_learning_rate(
        model, y[:, None], y, lowest=1e30, highest=1e300, n_steps=20
    )
    assert found.suggestion == pytest.approx(1e29)


@pytest.mark.parametrize(
    ("model", "params", "message"),
    [
        (LogisticRegression(), {}, "model must be a BiLSTM.*got LogisticRegression"),
        (make_pipeline(LogisticRegression()), {}, "Pipeline that ends with one"),
        (small_classifier(), {"lowest": 1.0, "highest": 0.1}, "lowest must be below"),
        (small_classifier(), {"n_steps": 3}, "'n_steps' parameter"),
        (small_classifier(), {"lowest": 0}, "'lowest' parameter"),
    ],
)
def test_invalid_arguments_raise(ids, model, params, message):
    with pytest.raises(ValueError, match=message):
        find_learning_rate(model, ids, Y, **params)


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode])
def test_range_test_does_not_depend_on_the_gradient_context(ids, context):
    expected = find_learning_rate(small_classifier(), ids, Y, n_steps=20)
    with context():
        found = find_learning_rate(small_classifier(), ids, Y, n_steps=20)
    assert np.array_equal(found.losses, expected.losses)


class FewParameters(BiLSTMClassifier):
    def __init__(self, random_state=0):
        bare = {"log_odds_ngram_range": None, "linear_ngram_range": None}
        params = {**SMALL, **NO_DROPOUT, **bare, "random_state": random_state}
        super().__init__(input_type="tokens", **params)


def test_range_test_accepts_a_subclass_with_fewer_parameters(ids, range_test):
    found = find_learning_rate(FewParameters(), ids, Y)
    assert np.array_equal(found.losses, range_test.losses)
