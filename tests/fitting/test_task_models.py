from copy import copy

import numpy as np
import pytest
from scipy.special import log_softmax

from sklearn_bilstm import BiLSTMClassifier, load, save
from sklearn_bilstm.fitting import TasksTarget
from sklearn_bilstm.fitting._task_models import TaskSeriesModels
from sklearn_bilstm.sequences import SequenceDataset, ragged_from_numbers
from sklearn_bilstm.training import SeriesModel
from tests.helpers import small_classifier

WHOLE = {"log_odds_ngram_range": (1, 2), "linear_ngram_range": (1, 2)}


def two_tasks(ids):
    """Labels of two tasks, with gaps in both."""
    first = np.where(ids[:, 0] > 15, "high", "low").astype(object)
    second = ids[:, 1].astype(object) % 3
    first[::4], second[1::4] = None, None
    return np.column_stack([first, second])


@pytest.fixture(scope="module")
def rows(ids):
    """200 rows of ids."""
    random = np.random.RandomState(0)
    return ids[random.randint(0, 40, 200)]


@pytest.fixture(scope="module")
def tasks(rows):
    return small_classifier(**WHOLE, embedding="svd").fit(rows, two_tasks(rows))


@pytest.fixture(scope="module")
def waves():
    """Series with one of three frequencies, and a rising or a falling trend."""
    random = np.random.RandomState(0)
    y = np.column_stack([np.arange(120) % 3, np.arange(120) // 60])
    time = np.arange(30)
    waves = np.sin(time * np.array([0.4, 1.0, 2.0])[y[:, :1]])
    trend = 0.1 * time * np.where(y[:, 1:], 1, -1)
    return waves + trend + 0.3 * random.normal(size=(120, 30)), y


@pytest.mark.parametrize("task", [0, 1])
def test_the_linear_model_of_a_task_is_that_of_its_labelled_rows(tasks, rows, task):
    y = two_tasks(rows)[:, task]
    known = np.array([label is not None for label in y])
    single = small_classifier(**WHOLE, embedding="svd")
    labels = np.array(y[known].tolist())
    single.fit(rows[known], labels, X_unlabelled=rows[~known])
    sequences = single.model_.read(rows).sequences
    np.testing.assert_allclose(
        tasks.linear_model_[task].ngram_model.logits(sequences),
        single.linear_model_.ngram_model.logits(sequences),
    )


@pytest.mark.parametrize("task", [0, 1])
def test_the_log_odds_of_a_task_are_those_of_its_labelled_rows(rows, task):
    y = two_tasks(rows)
    few = np.arange(200) >= 60
    y[few, 1] = None
    params = {"log_odds_ngram_range": (1, 1)}
    model = small_classifier(**params, task_weight=[0.1, 1]).fit(rows, y)
    known = np.array([label is not None for label in y[:, task]])
    labels = np.array(y[known, task].tolist())
    single = small_classifier(**params).fit(rows[known], labels)
    sequences = single.model_.read(rows[:60]).sequences
    expected = single.log_odds_.transform(sequences).values
    found = model.log_odds_.transform(sequences).values
    columns = slice(0, 1) if task == 0 else slice(1, None)
    np.testing.assert_allclose(found[:, columns], expected, atol=1e-3)


@pytest.mark.parametrize("task", [0, 1])
def test_the_logits_of_a_task_combine_its_models(tasks, rows, task):
    model = tasks.model_
    read = model.with_features(model.read(rows))
    network = [*model.target.split(model.net.logits(read))][task]
    models = model.auxiliary_models.models[task]
    linear = models.linear.logits(read.sequences)
    expected = (models.network_scale * network + linear) / 2
    expected /= models.linear.temperature_
    found = [*model.target.split(model.logits(model.read(rows)))][task]
    np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize("task", [0, 1])
def test_the_model_of_a_task_has_its_probabilities(tasks, rows, task):
    single = tasks.model_.of_task(task)
    found = single.target.probabilities(single.logits(single.read(rows)))
    np.testing.assert_allclose(found, tasks.predict_proba(rows)[task], rtol=1e-6)


def test_the_model_of_a_task_leaves_the_whole_one_unchanged(tasks, rows):
    before = np.hstack(tasks.predict_proba(rows))
    tasks.model_.of_task(0).network.head.set_constant({0: 9.0})
    assert np.array_equal(np.hstack(tasks.predict_proba(rows)), before)


def test_a_copy_has_factors_of_its_own(tasks):
    models = tasks.model_.auxiliary_models
    copied = copy(models)
    copied.models[0].network_scale = 0.25
    assert models.models[0].network_scale != 0.25


def test_attributes_have_an_item_for_each_task(tasks):
    assert len(tasks.linear_model_) == len(tasks.network_scale_) == 2
    assert tasks.log_odds_.n_channels == 2 * (1 + 3)


def test_identical_tasks_have_identical_linear_models(rows):
    y = np.where(rows[:, 0] > 15, "high", "low")
    model = small_classifier(**WHOLE).fit(rows, np.column_stack([y, y]))
    first, second = model.linear_model_
    sequences = model.model_.read(rows).sequences
    assert np.array_equal(first.logits(sequences), second.logits(sequences))


def test_tasks_without_gaps_share_one_vocabulary_in_files_too(rows, tmp_path):
    y = np.where(rows[:, :2] > 15, "high", "low")
    model = small_classifier(**WHOLE).fit(rows, y)
    save(model, tmp_path / "tasks.zip")
    for fitted in (model, load(tmp_path / "tasks.zip")):
        linear = [of_task.ngram_model for of_task in fitted.linear_model_]
        assert len({id(m.vocabulary) for m in [fitted.log_odds_, *linear]}) == 1


def test_only_equal_vocabularies_are_shared(tasks):
    linear = [of_task.ngram_model for of_task in tasks.linear_model_]
    vocabularies = [model.vocabulary for model in [tasks.log_odds_, *linear]]
    distinct = {vocabulary.buckets.tobytes() for vocabulary in vocabularies}
    assert 1 < len(distinct) == len({*map(id, vocabularies)})


def test_a_pretrained_classifier_keeps_its_log_odds(rows):
    y = np.where(rows[:, 0] > 15, "high", "low")
    pretrained = small_classifier(log_odds_ngram_range=(1, 2)).fit(rows, y)
    params = {"log_odds_ngram_range": (1, 2), "pretrained": pretrained}
    model = small_classifier(**params).fit(rows, two_tasks(rows))
    assert model.log_odds_ is pretrained.log_odds_
    again = small_classifier(log_odds_ngram_range=(1, 2), pretrained=model)
    assert again.fit(rows, y).log_odds_ is pretrained.log_odds_


def fitted_models(y):
    """Return 100 series, whose value at one step depends on the row, and models."""
    X = np.random.RandomState(0).rand(100, 9).astype(np.float32)
    X[:, 4] += np.arange(100) % 2
    target = TasksTarget.fit(y)
    codes = target.encode(y, "y")
    rows = SequenceDataset(ragged_from_numbers(X), codes, (codes >= 0).astype(float))
    models = TaskSeriesModels.unfitted(Config(), target, rows)
    for of_task, size in zip(models.models, target.n_classes, strict=True):
        of_task.linear = SeriesModel(84, size, "classes")
    models.fit(rows, seed=0, n_threads=1)
    return rows, models


class TestSeries:
    def test_all_tasks_have_a_linear_model(self, waves):
        X, y = waves
        model = BiLSTMClassifier(max_epochs=1, random_state=0).fit(X, y)
        assert None not in model.linear_model_
        assert model.score(X, y) > 0.95

    def test_factors_of_a_task_do_not_depend_on_other_tasks_with_validation_rows(
        self, waves
    ):
        X, y = waves
        params = {"linear_kernels": 168, "early_stopping": False}
        model = small_classifier(**params).fit(X, y, X_val=X, y_val=y)
        whole = model.model_
        read = whole.read(X)
        network = [*whole.target.split(whole.net.logits(read))]
        codes = whole.target.encode(y, "y")
        for task, (models, of_task) in enumerate(
            zip(whole.auxiliary_models.models, network, strict=True)
        ):
            linear = models.linear.logits(read.sequences)
            found = models.linear_scale * linear + models.network_scale * of_task
            losses = {}
            for name, logits in (("found", found), ("linear", linear)):
                log_p = log_softmax(logits, axis=1)
                losses[name] = -log_p[np.arange(120), codes[:, task]].mean()
            assert losses["found"] <= losses["linear"] + 1e-6

    def test_the_same_rows_are_held_out_for_all_tasks(self):
        y = np.column_stack([np.arange(100) % 2, np.arange(100) % 3]).astype(object)
        y[::5, 1] = None
        rows, models = fitted_models(y)
        train, held_out = models.hold_out_rows(rows, None)
        assert len(train) == 80
        kept = {row.tobytes() for row in train.sequences.values.reshape(80, -1)}
        for of_task in held_out:
            if of_task is not None:
                values = of_task.rows.sequences.values
                values = values.reshape(len(of_task.rows), -1)
                assert not kept & {row.tobytes() for row in values}

    def test_too_few_labels_of_all_tasks_hold_no_row_out(self):
        y = np.full((100, 2), None, object)
        y[:30, 0], y[:30, 1] = np.arange(30) % 2, np.arange(30) % 3
        rows, models = fitted_models(y)
        assert models.models[0].linear is not None
        train, held_out = models.hold_out_rows(rows, None)
        assert len(train) == 100
        assert held_out == [None, None]

    def test_a_task_without_validation_labels_uses_its_linear_model(self, waves):
        X, y = waves
        y_val = y.astype(object)
        y_val[:, 1] = None
        params = {"linear_kernels": 168, "early_stopping": False}
        model = small_classifier(**params).fit(X, y, X_val=X, y_val=y_val)
        models = model.model_.auxiliary_models.models[1]
        assert (models.linear_scale, models.network_scale) == (1.0, 0.0)

    def test_a_task_with_gaps_is_fitted_to_its_labelled_rows(self, waves):
        X, y = waves
        gaps = y.astype(object)
        gaps[:20, 1] = None
        model = small_classifier(linear_kernels=168).fit(X, gaps)
        single = small_classifier(linear_kernels=168).fit(X[20:], y[20:, 1])
        scaled = [m.model_.read(X).sequences for m in (model, single)]
        found = model.linear_model_[1].logits(scaled[0])
        expected = single.linear_model_.logits(scaled[1])
        assert (found.argmax(1) == expected.argmax(1)).mean() > 0.95


class Config:
    """Parameters that the models of series read."""

    linear_kernels = 84
    loss = "squared_error"
    quantile = 0.5
