import numpy as np
import pytest
from scipy import sparse
from scipy.special import expit
from sklearn.metrics import accuracy_score
from skorch.callbacks import Callback

from sklearn_bilstm import BiLSTMClassifier
from tests.helpers import small_classifier


@pytest.fixture(scope="module")
def y_multilabel(ids):
    """An indicator matrix: whether a row contains each of three tokens."""
    return np.stack([(ids == token).any(1) for token in (5, 9, 14)], axis=1).astype(int)


@pytest.fixture(scope="module")
def multilabel_classifier(ids, y_multilabel):
    no_dropout = {"dropout": 0.0, "embedding_dropout": 0.0, "word_dropout": 0.0}
    params = {"hidden_layer_sizes": 12, "max_epochs": 40, "lr": 0.05, **no_dropout}
    return small_classifier(**params).fit(ids, y_multilabel)


def test_multilabel_classifier_fits_the_training_rows(
    multilabel_classifier, ids, y_multilabel
):
    assert multilabel_classifier.score(ids, y_multilabel) > 0.9
    assert multilabel_classifier.classes_.tolist() == [0, 1, 2]


def test_multilabel_predictions_are_probabilities_above_one_half(
    multilabel_classifier, ids
):
    logits = multilabel_classifier.decision_function(ids)
    probabilities = multilabel_classifier.predict_proba(ids)
    np.testing.assert_allclose(probabilities, expit(logits))
    np.testing.assert_allclose(
        np.exp(multilabel_classifier.predict_log_proba(ids)), probabilities
    )
    assert np.array_equal(multilabel_classifier.predict(ids), probabilities > 0.5)


def test_multilabel_fit_with_default_parameters_fits_the_training_rows(
    ids, y_multilabel
):
    model = BiLSTMClassifier(random_state=0).fit(ids, y_multilabel)
    assert model.linear_model_ is not None
    assert model.log_odds_ is not None
    assert model.score(ids, y_multilabel) > 0.9


@pytest.mark.parametrize("container", [np.ndarray.tolist, sparse.csr_array, np.object_])
def test_the_score_does_not_depend_on_the_container(
    multilabel_classifier, ids, y_multilabel, container
):
    wrong = 1 - y_multilabel[:3]
    y = np.concatenate([wrong, multilabel_classifier.predict(ids[3:])])
    assert multilabel_classifier.score(ids, container(y)) == 1 - 3 / 40


@pytest.mark.parametrize("container", [np.ndarray.tolist, sparse.csr_array, np.float64])
def test_indicators_in_any_container_give_equal_predictions(
    ids, y_multilabel, container
):
    expected = small_classifier().fit(ids, y_multilabel).predict_proba(ids)
    found = small_classifier().fit(ids, container(y_multilabel)).predict_proba(ids)
    assert np.array_equal(found, expected)


def test_valid_accuracy_is_in_the_history(ids, y_multilabel):
    model = small_classifier(early_stopping=True, n_iter_no_change=9)
    model.fit(ids, y_multilabel, X_val=ids, y_val=y_multilabel)
    last = small_classifier().fit(ids, y_multilabel)  # without validation rows
    expected = accuracy_score(y_multilabel, last.predict(ids))
    assert model.history_[-1]["valid_accuracy"] == pytest.approx(expected)


def test_an_absent_label_is_not_predicted(ids, y_multilabel):
    never = np.column_stack([y_multilabel, np.zeros(40, int)])
    model = small_classifier(linear_ngram_range=(1, 1), max_epochs=10).fit(ids, never)
    assert not model.predict(ids)[:, 3].any()


def test_multilabel_partial_fit_requires_no_classes(ids, y_multilabel):
    model = small_classifier()
    for _ in range(3):
        model.partial_fit(ids, y_multilabel)
    assert model.predict(ids).shape == y_multilabel.shape


def test_class_weight_raises_for_multilabel_y(ids, y_multilabel):
    with pytest.raises(ValueError, match="'class_weight' parameter must be None"):
        small_classifier(class_weight={0: 2.0}).fit(ids, y_multilabel)


def test_warm_start_raises_on_another_kind_of_labels(ids, y_multilabel):
    model = small_classifier(warm_start=True).fit(ids, y_multilabel)
    for other in (y_multilabel[:, :2], y_multilabel[:, 0]):
        with pytest.raises(ValueError, match="must hold an indicator matrix of 3 col"):
            model.fit(ids, other)
    single_label = small_classifier(warm_start=True).fit(ids, y_multilabel[:, 0])
    with pytest.raises(ValueError, match="must hold a label for each row.*got a mat"):
        single_label.fit(ids, y_multilabel)


@pytest.mark.parametrize("factor", [2, -1])
def test_indicators_other_than_zero_and_one_raise(ids, y_multilabel, factor):
    with pytest.raises(ValueError, match=f"zeros and ones.*got {factor}"):
        small_classifier().fit(ids, factor * y_multilabel)


def test_a_constant_label_is_predicted_with_high_probability(ids, y_multilabel):
    always = np.column_stack([y_multilabel[:, 0], np.ones(40, int), np.zeros(40, int)])
    model = BiLSTMClassifier(max_epochs=10, random_state=0).fit(ids, always)
    probabilities = model.predict_proba(ids)
    assert probabilities[:, 1].min() > 0.8
    assert probabilities[:, 2].max() < 0.2


class ValidationTarget(Callback):
    """Store the targets of the validation rows."""

    found = []

    def on_epoch_begin(self, net, dataset_valid=None, **kwargs):
        self.found.append(dataset_valid.target)


@pytest.mark.parametrize("seed", range(5))
def test_validation_split_is_stratified(ids, seed):
    callback = ValidationTarget()
    model = small_classifier(
        early_stopping=True,
        validation_fraction=0.5,
        callbacks=[callback],
        max_epochs=1,
        random_state=seed,
    )
    model.fit(ids, np.arange(40) < 4)
    assert np.bincount(callback.found[-1]).tolist() == [18, 2]
