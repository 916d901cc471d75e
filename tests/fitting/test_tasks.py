from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.multioutput import MultiOutputClassifier

from sklearn_bilstm.fitting import TasksTarget
from tests.helpers import small_classifier

CONFIG = SimpleNamespace(class_weight=None, task_weight=None)


def with_gaps(y, missing=None):
    """Return labels without the first of each fourth row, and the second of row 1."""
    gaps = y.astype(object)
    gaps[::4, 0] = missing
    gaps[1, 1] = missing
    return gaps


@pytest.fixture(scope="module")
def y(ids):
    """Labels of three tasks: strings, strings and numbers."""
    first = np.where(ids[:, 0] > 15, "high", "low")
    length = np.where((ids > 0).sum(1) > 6, "long", "short")
    return np.column_stack(
        [column.astype(object) for column in (first, length, ids[:, 0] % 3)]
    )


@pytest.fixture(scope="module")
def tasks(ids, y):
    no_dropout = {"dropout": 0.0, "embedding_dropout": 0.0, "word_dropout": 0.0}
    params = {"hidden_layer_sizes": 16, "max_epochs": 60, "lr": 0.02, **no_dropout}
    return small_classifier(**params).fit(ids, y)


class TestOutputs:
    def test_all_tasks_are_fitted(self, tasks, ids, y):
        assert tasks.score(ids, y) > 0.9

    def test_outputs_have_the_format_of_a_random_forest(self, tasks, ids, y):
        y = y.astype(str)
        forest = RandomForestClassifier(n_estimators=2, random_state=0).fit(ids, y)
        model = clone(tasks).set_params(max_epochs=1).fit(ids, y)
        assert model.predict(ids).shape == forest.predict(ids).shape
        for found, expected in zip(model.classes_, forest.classes_, strict=True):
            assert found.tolist() == expected.tolist()
        found, expected = model.predict_proba(ids), forest.predict_proba(ids)
        assert isinstance(found, list)
        assert [p.shape for p in found] == [p.shape for p in expected]

    def test_predictions_are_the_most_probable_classes(self, tasks, ids):
        predictions = tasks.predict(ids)
        probabilities = tasks.predict_proba(ids)
        for j, (of_task, classes) in enumerate(
            zip(probabilities, tasks.classes_, strict=True)
        ):
            np.testing.assert_allclose(of_task.sum(1), 1)
            assert (classes[of_task.argmax(1)] == predictions[:, j]).all()

    def test_logarithms_and_log_odds_match_the_probabilities(self, tasks, ids):
        both = zip(
            *(tasks.predict_proba(ids), tasks.predict_log_proba(ids)),
            tasks.decision_function(ids),
            strict=True,
        )
        for p, log_p, decision in both:
            np.testing.assert_allclose(np.exp(log_p), p)
            if p.shape[1] == 2:
                np.testing.assert_allclose(np.log(p[:, 1] / p[:, 0]), decision)
            else:
                assert (decision.argmax(1) == p.argmax(1)).all()

    def test_predictions_keep_the_types_of_labels(self, tasks, ids):
        first = tasks.predict(ids[:1]).tolist()[0]
        assert [type(label) for label in first] == [str, str, int]


class TestScore:
    def test_it_equals_that_of_multi_output_classifier(self, tasks, ids, y):
        wrong = y.copy()
        wrong[:9, 1] = "long"
        several = MultiOutputClassifier(RandomForestClassifier(random_state=0))
        several.fit(ids, wrong.astype(str))
        several.predict = tasks.predict
        assert tasks.score(ids, wrong) == several.score(ids, wrong)

    def test_missing_labels_are_ignored(self, tasks, ids):
        y = tasks.predict(ids)
        y[::2, 0], y[::2, 1] = None, "neither"
        assert tasks.score(ids, y) == 0.5
        assert tasks.score(ids, y, np.arange(40) % 2) == 1.0

    def test_another_number_of_columns_raises(self, tasks, ids, y):
        with pytest.raises(ValueError, match="must have 3 columns, one per task"):
            tasks.score(ids, y[:, :2])

    def test_searches_and_cross_validation_use_it(self, ids, y):
        model, y = small_classifier(max_epochs=1), y.astype(str)
        scores = cross_val_score(model, ids, y, cv=2, error_score="raise")
        assert np.isfinite(scores).all()
        search = GridSearchCV(model, {"lr": [1e-3, 1e-2]}, cv=2).fit(ids, y)
        assert search.predict(ids).shape == y.shape

    def test_gaps_are_supported_in_cross_validation(self, ids, y):
        model, cv = small_classifier(max_epochs=1), KFold(2)
        scores = cross_val_score(model, ids, with_gaps(y), cv=cv, error_score="raise")
        assert np.isfinite(scores).all()


class TestMissingLabels:
    @pytest.mark.parametrize("missing", [np.nan, pd.NA])
    def test_all_kinds_of_gaps_give_equal_models(self, ids, y, missing):
        expected = small_classifier().fit(ids, with_gaps(y)).predict_proba(ids)
        model = small_classifier().fit(ids, with_gaps(y, missing))
        assert np.array_equal(np.hstack(model.predict_proba(ids)), np.hstack(expected))

    def test_a_frame_with_gaps_equals_an_array(self, ids, y):
        expected = small_classifier().fit(ids, with_gaps(y)).predict_proba(ids)
        frame = pd.DataFrame(with_gaps(y), columns=["size", "length", "rest"])
        found = small_classifier().fit(ids, frame.convert_dtypes()).predict_proba(ids)
        assert np.array_equal(np.hstack(found), np.hstack(expected))

    def test_they_have_no_weight_and_others_one(self, y):
        gaps = with_gaps(y)
        target = TasksTarget.fit(gaps)
        codes = target.encode(gaps, "y")
        weights = target.row_weights(codes, np.ones(40), CONFIG)
        assert np.array_equal(weights, [[v is not None for v in row] for row in gaps])

    def test_rows_without_any_label_are_unlabelled_rows(self, ids, y):
        gaps = y.copy()
        gaps[:5] = None
        found = small_classifier(embedding="svd").fit(ids, gaps).predict_proba(ids)
        model = small_classifier(embedding="svd")
        model.fit(ids[5:], y[5:], X_unlabelled=ids[:5])
        expected = model.predict_proba(ids)
        assert np.array_equal(np.hstack(found), np.hstack(expected))

    def test_validation_rows_can_have_gaps(self, ids, y):
        gaps = with_gaps(y)
        model = small_classifier(max_epochs=4)
        model.fit(ids, y, X_val=ids, y_val=gaps)
        epoch = model.history_[model.best_epoch_ - 1]
        known = np.array([[v is not None for v in row] for row in gaps])
        expected = (model.predict(ids) == gaps)[known].mean()
        assert epoch["valid_accuracy"] == pytest.approx(expected)


class TestWeights:
    def test_balanced_classes_have_equal_weights_and_tasks_too(self, y):
        config = SimpleNamespace(class_weight="balanced", task_weight=None)
        target = TasksTarget.fit(y)
        codes = target.encode(y, "y")
        weights = target.row_weights(codes, np.ones(40), config)
        np.testing.assert_allclose(weights.sum(0), 40)
        for j, n_classes in enumerate(target.n_classes):
            totals = np.bincount(codes[:, j], weights[:, j])
            np.testing.assert_allclose(totals, 40 / n_classes)

    def test_weights_of_classes_and_tasks_are_multiplied(self, y):
        class_weight = [{"high": 2.0}, None, {0: 0.5}]
        config = SimpleNamespace(class_weight=class_weight, task_weight=[1, 3, 2])
        target = TasksTarget.fit(y)
        weights = target.row_weights(target.encode(y, "y"), np.ones(40), config)
        expected = [
            [1 + (first == "high"), 3, 1 if rest == 0 else 2] for first, _, rest in y
        ]
        np.testing.assert_allclose(weights, expected)

    def test_a_task_of_little_weight_is_not_learnt(self, ids, y):
        params = {"max_epochs": 30, "lr": 0.02, "dropout": 0.0, "word_dropout": 0.0}
        model = small_classifier(**params, task_weight=[1, 1e-9, 1]).fit(ids, y)
        equal = small_classifier(**params).fit(ids, y)
        scores = [
            accuracy_score(y[:, 1].tolist(), m.predict(ids)[:, 1].tolist())
            for m in (model, equal)
        ]
        assert scores[0] < scores[1]

    @pytest.mark.parametrize(
        ("params", "message"),
        [
            ({"task_weight": [1, 2]}, "'task_weight'.*must hold 3 positive numbers"),
            ({"task_weight": [1, 0, 1]}, "'task_weight'.*must hold 3 positive"),
            ({"class_weight": {"high": 2}}, "'class_weight'.*list of 3 dicts"),
            ({"task_weight": [1, 1, "x"]}, "'task_weight'.*must hold 3 positive"),
            ({"task_weight": [1, 1, np.nan]}, "'task_weight'.*must hold 3 positive"),
            ({"class_weight": [None, None]}, "'class_weight'.*list of 3 dicts"),
            ({"class_weight": ["equal", None, None]}, "must be a dict.*got 'equal'"),
            ({"class_weight": [{"low": -1}, None, None]}, "non-negative"),
        ],
    )
    def test_invalid_weights_raise(self, ids, y, params, message):
        with pytest.raises(ValueError, match=message):
            small_classifier(**params).fit(ids, y)

    @pytest.mark.parametrize("params", [{}, {"linear_ngram_range": (1, 2)}])
    def test_a_task_whose_labels_have_no_weight_raises(self, ids, y, params):
        few = y.copy()
        few[3:, 1] = None
        weight = np.arange(40) > 2
        with pytest.raises(ValueError, match="Column 1 of y must have a label with a"):
            small_classifier(**params).fit(ids, few, sample_weight=weight)
        without = [None, {"long": 0, "short": 0}, None]
        with pytest.raises(ValueError, match="Column 1 of y must have a label with a"):
            small_classifier(**params, class_weight=without).fit(ids, y)

    def test_weights_of_tasks_without_several_tasks_raise(self, ids, y):
        model = small_classifier(task_weight=[1, 2])
        for other in (y[:, 0].astype(str), (ids[:, :2] > 9).astype(int)):
            with pytest.raises(ValueError, match="'task_weight'.*must be None unless"):
                model.fit(ids, other)

    def test_weights_of_classes_in_a_list_require_several_tasks(self, ids, y):
        model = small_classifier(class_weight=[{"high": 2}, None])
        with pytest.raises(ValueError, match="list of them if y has a column for each"):
            model.fit(ids, y[:, 0].astype(str))


class TestStreams:
    def test_partial_fit_learns_all_tasks(self, ids, y):
        classes = [sorted(set(column)) for column in y.T]
        model = small_classifier(hidden_layer_sizes=16, lr=0.01, dropout=0.0)
        for _ in range(60):
            model.partial_fit(ids, with_gaps(y), classes=classes)
        assert model.score(ids, with_gaps(y)) > 0.9

    def test_the_first_batch_requires_classes(self, ids, y):
        with pytest.raises(ValueError, match="classes must be passed"):
            small_classifier().partial_fit(ids, y)

    def test_balanced_weights_of_a_task_raise(self, ids, y):
        model = small_classifier(class_weight=["balanced", None, None])
        with pytest.raises(ValueError, match="'balanced' is not supported"):
            model.partial_fit(ids, y, classes=[["high", "low"], ["long"], [0]])

    def test_a_warm_start_continues(self, ids, y):
        model = small_classifier(warm_start=True).fit(ids, y)
        loss = model.history_[-1]["train_loss"]
        for _ in range(5):
            model.fit(ids, y)
        assert model.history_[-1]["train_loss"] < loss


class TestErrors:
    def test_a_column_without_labels_raises(self, ids, y):
        gaps = y.copy()
        gaps[:, 1] = None
        with pytest.raises(ValueError, match="all labels of column 1 are missing"):
            small_classifier().fit(ids, gaps)

    def test_a_new_label_in_validation_rows_raises(self, ids, y):
        other = y.copy()
        other[3, 1] = "medium"
        with pytest.raises(ValueError, match="Column 1 of y_val.*got 'medium'"):
            small_classifier().fit(ids, y, X_val=ids, y_val=other)

    def test_another_number_of_columns_in_a_warm_start_raises(self, ids, y):
        model = small_classifier(warm_start=True).fit(ids, y)
        for other in (y[:, :2], y[:, 0].astype(str)):
            with pytest.raises(ValueError, match="y must have 3 columns, one per task"):
                model.fit(ids, other)

    def test_a_task_of_one_class_is_predicted(self, ids, y):
        constant = y.copy()
        constant[:, 1] = "same"
        model = small_classifier(linear_ngram_range=(1, 1)).fit(ids, constant)
        assert set(model.predict(ids)[:, 1]) == {"same"}
        assert model.predict_proba(ids)[1].tolist() == [[1.0]] * 40
