import numpy as np
import pytest
from sklearn.frozen import FrozenEstimator

from sklearn_bilstm import LabelConfusionDisplay
from tests.helpers import small_classifier

pyplot = pytest.importorskip("matplotlib.pyplot")

TRUE = [["DET", "NOUN"], [], ["NOUN", "VERB", "DET"]]
PREDICTED = [["DET", "VERB"], [], ["NOUN", "VERB", "VERB"]]


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    pyplot.close("all")


def test_cells_count_tokens():
    display = LabelConfusionDisplay.from_predictions(TRUE, PREDICTED)
    assert isinstance(display, LabelConfusionDisplay)
    assert display.display_labels.tolist() == ["DET", "NOUN", "VERB"]
    assert display.confusion_matrix.tolist() == [[1, 0, 1], [0, 1, 1], [0, 0, 1]]
    assert display.ax_.get_xticklabels()[0].get_rotation() == 90


def test_sample_weight_weights_rows():
    display = LabelConfusionDisplay.from_predictions(
        TRUE, PREDICTED, sample_weight=[2.0, 5.0, 3.0], labels=["NOUN", "VERB"]
    )
    assert display.confusion_matrix.tolist() == [[3.0, 2.0], [0.0, 3.0]]


def test_from_estimator_uses_predictions_of_the_model(fitted_tagger, sentences):
    X, y = sentences
    _, ax = pyplot.subplots()
    model = FrozenEstimator(fitted_tagger)
    display = LabelConfusionDisplay.from_estimator(
        model, X, y, normalize="all", ax=ax, include_values=False
    )
    assert display.ax_ is ax
    found = np.concatenate(fitted_tagger.predict(X))
    accuracy = np.mean(np.concatenate(y) == found)
    assert np.trace(display.confusion_matrix) == pytest.approx(accuracy)


def test_rows_that_are_not_lists_of_labels_raise():
    with pytest.raises(ValueError, match="row 0 is 'NOUN'"):
        LabelConfusionDisplay.from_predictions(["NOUN", "VERB"], ["NOUN", "NOUN"])


def test_rows_of_unequal_length_raise():
    with pytest.raises(ValueError, match="row 2 has 3 labels for 2 tokens"):
        LabelConfusionDisplay.from_predictions(TRUE, [*PREDICTED[:2], ["DET", "DET"]])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        LabelConfusionDisplay.from_predictions(TRUE, PREDICTED[:2])


def test_a_classifier_of_several_tasks_raises(ids):
    y = np.column_stack([ids[:, 0] % 2, ids[:, 1] % 3])
    model = small_classifier().fit(ids, y)
    with pytest.raises(ValueError, match=r"several tasks.*pass y\[:, j\]"):
        LabelConfusionDisplay.from_estimator(model, ids, y)
