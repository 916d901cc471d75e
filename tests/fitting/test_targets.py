import numpy as np
import pytest
from scipy import sparse
from scipy.special import expit
from sklearn.metrics import accuracy_score
from skorch.callbacks import Callback

from sklearn_bilstm import BiLSTMClassifier
from sklearn_bilstm.fitting import label_target_of_stream
from tests.helpers import small_classifier


@pytest.fixture(scope="module")
def several(ids):
    """An indicator matrix: which of three tokens are in a row."""
    return np.stack([(ids == token).any(1) for token in (5, 9, 14)], axis=1).astype(int)


@pytest.fixture(scope="module")
def fitted_to_several(ids, several):
    nothing = {"dropout": 0.0, "embedding_dropout": 0.0, "word_dropout": 0.0}
    params = {"hidden_layer_sizes": 12, "max_epochs": 40, "lr": 0.05, **nothing}
    return small_classifier(**params).fit(ids, several)


def test_several_labels_are_learnt_at_once(fitted_to_several, ids, several):
    assert fitted_to_several.score(ids, several) > 0.9
    assert fitted_to_several.classes_.tolist() == [0, 1, 2]


def test_what_is_predicted_is_more_probable_than_not(fitted_to_several, ids):
    logits = fitted_to_several.decision_function(ids)
    probabilities = fitted_to_several.predict_proba(ids)
    np.testing.assert_allclose(probabilities, expit(logits))
    np.testing.assert_allclose(
        np.exp(fitted_to_several.predict_log_proba(ids)), probabilities
    )
    assert np.array_equal(fitted_to_several.predict(ids), probabilities > 0.5)


def test_the_default_with_all_its_paths_learns_several_labels(ids, several):
    model = BiLSTMClassifier(random_state=0).fit(ids, several)
    assert model.linear_model_ is not None
    assert model.log_odds_ is not None
    assert model.score(ids, several) > 0.9


@pytest.mark.parametrize("container", [np.ndarray.tolist, sparse.csr_array, np.float64])
def test_indicators_may_come_in_any_container(ids, several, container):
    expected = small_classifier().fit(ids, several).predict_proba(ids)
    found = small_classifier().fit(ids, container(several)).predict_proba(ids)
    assert np.array_equal(found, expected)


def test_the_score_of_held_out_rows_is_in_the_history(ids, several):
    model = small_classifier(early_stopping=True, n_iter_no_change=9)
    model.fit(ids, several, X_val=ids, y_val=several)
    last = small_classifier().fit(ids, several)  # without a look at validation rows
    expected = accuracy_score(several, last.predict(ids))
    assert model.history_[-1]["valid_accuracy"] == pytest.approx(expected)


def test_a_label_that_no_row_has_is_not_predicted(ids, several):
    never = np.column_stack([several, np.zeros(40, int)])
    model = small_classifier(linear_ngram_range=(1, 1), max_epochs=10).fit(ids, never)
    assert not model.predict(ids)[:, 3].any()


def test_a_stream_of_several_labels_needs_no_classes(ids, several):
    model = small_classifier()
    for _ in range(3):
        model.partial_fit(ids, several)
    assert model.predict(ids).shape == several.shape


def test_class_weights_have_no_meaning_for_several_labels(ids, several):
    with pytest.raises(ValueError, match="'class_weight' parameter must be None"):
        small_classifier(class_weight={0: 2.0}).fit(ids, several)


def test_a_stream_keeps_to_its_kind_of_labels(ids, several):
    model = small_classifier(warm_start=True).fit(ids, several)
    for other in (several[:, :2], several[:, 0]):
        with pytest.raises(ValueError, match="must hold an indicator matrix of 3 col"):
            model.fit(ids, other)
    one_each = small_classifier(warm_start=True).fit(ids, several[:, 0])
    with pytest.raises(ValueError, match="must hold a label for each row.*got an indi"):
        one_each.fit(ids, several)


@pytest.mark.parametrize("factor", [2, -1])
def test_indicators_are_zeros_and_ones(ids, several, factor):
    with pytest.raises(ValueError, match=f"zeros and ones.*got {factor}"):
        small_classifier().fit(ids, factor * several)


def test_a_label_that_all_rows_have_is_predicted_without_a_doubt(ids, several):
    always = np.column_stack([several[:, 0], np.ones(40, int), np.zeros(40, int)])
    model = BiLSTMClassifier(max_epochs=10, random_state=0).fit(ids, always)
    probabilities = model.predict_proba(ids)
    assert probabilities[:, 1].min() > 0.8
    assert probabilities[:, 2].max() < 0.2


def test_several_labels_of_more_than_two_values_are_refused(ids, several):
    with pytest.raises(ValueError, match="MultiOutputClassifier, which fits one"):
        small_classifier().fit(ids, several * np.array([1, 2, 3]))


def test_the_classes_of_a_stream_are_those_of_its_first_batch():
    y = np.array(["a"])
    first = label_target_of_stream(y, ["b", "a"], None)
    assert first.classes.tolist() == ["a", "b"]
    for classes in (None, ["a", "b"]):
        assert label_target_of_stream(y, classes, first) is first
    with pytest.raises(ValueError, match="same in every call.*'c'.*after"):
        label_target_of_stream(y, ["a", "c"], first)


class ValidationTarget(Callback):
    """Keep the targets of the validation rows."""

    found = []

    def on_epoch_begin(self, net, dataset_valid=None, **kwargs):
        self.found.append(dataset_valid.target)


@pytest.mark.parametrize("seed", range(5))
def test_rows_held_out_have_the_shares_of_the_classes(ids, seed):
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
