from itertools import pairwise

import numpy as np
import pytest
from sklearn.frozen import FrozenEstimator

from sklearn_bilstm import EntityRecognizer, LabelConfusionDisplay
from sklearn_bilstm.metrics import find_spans
from tests.helpers import small_classifier, small_tagger

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


def labels_of(n):
    names = [f"B-a-long-name-{i}" for i in range(n)]
    return [names], [names[::-1]]


def test_numbers_are_shown_for_few_labels_only():
    assert LabelConfusionDisplay.from_predictions(*labels_of(8)).text_.shape == (8, 8)
    display = LabelConfusionDisplay.from_predictions(*labels_of(9))
    assert display.text_ is None
    shown = LabelConfusionDisplay.from_predictions(*labels_of(9), include_values=True)
    assert shown.text_.shape == (9, 9)
    assert display.plot().text_ is None


def test_names_of_many_labels_neither_overlap_nor_leave_the_figure():
    display = LabelConfusionDisplay.from_predictions(*labels_of(20))
    display.figure_.canvas.draw()
    inside = display.figure_.bbox
    for axis in (display.ax_.xaxis, display.ax_.yaxis):
        boxes = [label.get_window_extent() for label in axis.get_ticklabels()]
        for first, second in pairwise(boxes):
            assert not first.overlaps(second)
        assert all(inside.x0 <= b.x0 and inside.y0 <= b.y0 for b in boxes)


def test_the_label_outside_of_spans_can_be_left_out():
    true = [["O", "O", "B-X", "B-Y"]]
    found = [["O", "B-X", "B-X", "B-X"]]
    display = LabelConfusionDisplay.from_predictions(true, found, include_outside=False)
    assert list(display.display_labels) == ["B-X", "B-Y"]
    assert display.confusion_matrix.tolist() == [[1, 0], [1, 0]]
    ordered = LabelConfusionDisplay.from_predictions(
        true, found, labels=["B-Y", "O", "B-X"], include_outside=False
    )
    assert ordered.confusion_matrix.tolist() == [[0, 1], [0, 1]]


def test_tokens_without_a_label_do_not_count():
    display = LabelConfusionDisplay.from_predictions(
        [["X", None], ["Y", -100]], [["X", "Y"], ["X", "X"]], sample_weight=[1.0, 2.0]
    )
    assert display.confusion_matrix.tolist() == [[1, 0], [2, 0]]


def test_spans_are_counted_by_their_kinds():
    true = [["B-X", "I-X", "O", "B-Y", "O"], ["B-X", "O"]]
    found = [["B-X", "O", "O", "B-X", "B-Y"], ["O", "O"]]
    # wrong border of X, Y as X, spurious Y, and missed X
    expected = [[1, 0, 1], [1, 0, 0], [0, 1, 0]]
    display = LabelConfusionDisplay.from_predictions(true, found, unit="span")
    assert list(display.display_labels) == ["X", "Y", "O"]
    assert display.confusion_matrix.tolist() == expected
    weighted = LabelConfusionDisplay.from_predictions(
        true, found, unit="span", sample_weight=[1.0, 3.0], include_outside=False
    )
    assert weighted.confusion_matrix.tolist() == [[1.0, 0.0], [1.0, 0.0]]
    weighted = LabelConfusionDisplay.from_predictions(
        true, found, unit="span", sample_weight=[1.0, 3.0]
    )
    assert weighted.confusion_matrix[0, 2] == 3.0


def test_every_span_is_in_one_row_and_one_column():
    rng = np.random.default_rng(0)
    labels = ["O", "B-X", "I-X", "B-Y", "I-Y"]
    true, found = rng.choice(labels, (2, 30, 8)).tolist()
    matrix = LabelConfusionDisplay.from_predictions(
        true, found, unit="span"
    ).confusion_matrix
    for rows, counts in ((true, matrix.sum(1)), (found, matrix.sum(0))):
        kinds = [span.kind for row in rows for span in find_spans(row)]
        assert counts[:2].tolist() == [kinds.count("X"), kinds.count("Y")]
    assert matrix[2, 2] == 0


def test_spans_of_characters_are_counted():
    tagger = small_tagger(max_epochs=20, lr=0.05)
    texts, spans = ["Anna left", "It rains"] * 6, [[(0, 4, "P")], []] * 6
    model = EntityRecognizer(tagger).fit(texts, spans)
    display = LabelConfusionDisplay.from_estimator(model, texts, spans, unit="span")
    assert display.display_labels.tolist() == ["P", "O"]
    assert display.confusion_matrix.tolist() == [[6, 0], [0, 0]]


def test_invalid_units_and_rows_without_spans_raise():
    with pytest.raises(ValueError, match="unit must be 'token' or 'span': got 'kind'"):
        LabelConfusionDisplay.from_predictions(TRUE, PREDICTED, unit="kind")
    with pytest.raises(ValueError, match="at least one span: got none"):
        LabelConfusionDisplay.from_predictions([["O"]], [["O"]], unit="span")
    with pytest.raises(ValueError, match="A label of spans must be"):
        LabelConfusionDisplay.from_predictions(TRUE, PREDICTED, unit="span")


@pytest.mark.parametrize(
    "rows", [([[(0, 4, "O")]], [[]]), ([["B-O"]], [["O"]]), ([["B-O"]], [["B-O"]])]
)
def test_spans_of_a_kind_that_stands_for_no_span_raise(rows):
    for y_true, y_pred in (rows, rows[::-1]):
        with pytest.raises(ValueError, match="other kinds than 'O'.*row 0"):
            LabelConfusionDisplay.from_predictions(y_true, y_pred, unit="span")
