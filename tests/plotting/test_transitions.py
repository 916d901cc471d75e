import numpy as np
import pytest
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline

from sklearn_bilstm import TransitionDisplay
from tests.helpers import small_tagger

pyplot = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    pyplot.close("all")


def texts_of(labels):
    return [text.get_text() for text in labels]


def test_cells_are_transition_weights(fitted_tagger):
    display = TransitionDisplay.from_estimator(fitted_tagger)
    cells = display.image_.get_array()
    labels = fitted_tagger.classes_.tolist()
    weights = fitted_tagger.module_.decoder.weight.detach().numpy()
    first, then = labels.index("B-PER"), labels.index("I-PER")
    assert cells[first, then] == weights[first, then]
    assert texts_of(display.ax_.get_xticklabels()) == [*labels, "end"]
    assert texts_of(display.ax_.get_yticklabels()) == [*labels, "start"]
    # I-PER after O, I-PER at the start, and an empty sentence
    outside = labels.index("O")
    impossible = {(outside, then), (3, then), (3, 3)}
    assert set(map(tuple, np.argwhere(cells.mask).tolist())) == impossible


def test_display_accepts_a_frozen_tagger_in_a_pipeline_and_axes(fitted_tagger):
    _, ax = pyplot.subplots()
    pipeline = make_pipeline(FrozenEstimator(fitted_tagger))
    display = TransitionDisplay.from_estimator(pipeline, ax=ax)
    assert display.ax_ is ax
    again = display.plot()
    assert again.ax_ is not ax


def test_display_raises_without_a_crf(sentences, fitted):
    without_crf = small_tagger(crf=False, max_epochs=1).fit(*sentences)
    for model in (without_crf, fitted, object()):
        with pytest.raises(ValueError, match="fitted BiLSTMTagger with crf=True"):
            TransitionDisplay.from_estimator(model)


def test_integer_labels_and_zero_weights_are_drawn():
    display = TransitionDisplay(np.zeros((3, 3)), np.array([0, 1])).plot()
    assert display.image_.norm(0.0) == 0.5  # the middle of the colours
    assert texts_of(display.ax_.get_xticklabels()) == ["0", "1", "end"]
