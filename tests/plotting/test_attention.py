import numpy as np
import pytest

from sklearn_bilstm import AttentionDisplay
from tests.helpers import small_pipeline

pyplot = pytest.importorskip("matplotlib.pyplot")

TEXTS = ["the Plot was NOT good at $5 or $9", "", "extraordinarily brilliant"]


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    pyplot.close("all")


@pytest.fixture(scope="module")
def attentive(reviews):
    return small_pipeline(pooling="attention").fit(*reviews)


def test_cells_are_attention_weights_in_lines(attentive):
    display = AttentionDisplay.from_estimator(attentive, TEXTS, tokens_per_line=4)
    cells = display.image_.get_array()
    assert cells.shape == (3 + 1 + 1, 4)
    weights = attentive[-1].attention_weights(attentive[:-1].transform(TEXTS))
    np.testing.assert_allclose(cells[:3].compressed(), weights[0], rtol=1e-6)
    assert cells.mask[3].all()  # an empty text
    np.testing.assert_allclose(cells[4].compressed(), weights[2], rtol=1e-6)


def test_tokens_are_drawn_in_the_cells_of_their_weights(attentive):
    display = AttentionDisplay.from_estimator(attentive, TEXTS, tokens_per_line=4)
    written = [text.get_text() for text in display.texts_]
    assert " ".join(written[:9]) == "the Plot was NOT good at 5 or 9"
    assert written[9:] == ["extraordina…", "brilliant"]
    positions = [text.get_position() for text in display.texts_]
    assert positions[:6] == [(0, 0), (1, 0), (2, 0), (3, 0), (0, 1), (1, 1)]
    assert positions[-2:] == [(0, 4), (1, 4)]


def test_first_line_of_every_text_is_labelled(attentive):
    display = AttentionDisplay.from_estimator(attentive, TEXTS, tokens_per_line=4)
    assert display.ax_.get_yticks().tolist() == [0, 3, 4]
    labels = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert labels == ["text 0", "text 1", "text 2"]


def test_text_colour_contrasts_with_the_cell(attentive):
    display = AttentionDisplay.from_estimator(attentive, TEXTS)
    for text in display.texts_:
        column, line = text.get_position()
        weight = display.image_.get_array()[line, column]
        background = np.mean(display.image_.to_rgba(weight)[:3])
        assert text.get_color() == ("white" if background < 0.5 else "black")


def test_display_uses_given_axes(attentive):
    figure, ax = pyplot.subplots(figsize=(3, 2))
    display = AttentionDisplay.from_estimator(attentive, TEXTS, ax=ax)
    assert display.ax_ is ax
    assert display.figure_ is figure
    assert figure.get_size_inches().tolist() == [3, 2]


@pytest.mark.parametrize("texts", [TEXTS, [""]])
def test_display_can_be_drawn(attentive, texts):
    AttentionDisplay.from_estimator(attentive, texts).figure_.canvas.draw()


def test_display_raises_without_attention_pooling(fitted_pipeline):
    with pytest.raises(ValueError, match="pooling='attention'"):
        AttentionDisplay.from_estimator(fitted_pipeline, TEXTS)


def test_a_single_text_is_accepted(attentive):
    display = AttentionDisplay.from_estimator(attentive, "not good")
    assert [text.get_text() for text in display.texts_] == ["not", "good"]


def test_text_is_clipped_to_its_cell(attentive):
    _, ax = pyplot.subplots(figsize=(2, 2))
    display = AttentionDisplay.from_estimator(attentive, [12 * "W", "W"], ax=ax)
    display.figure_.canvas.draw()
    for text in display.texts_:
        column, line = text.get_position()
        corners = [(column - 0.5, line + 0.5), (column + 0.5, line - 0.5)]
        cell = ax.transData.transform(corners)
        np.testing.assert_allclose(text.get_clip_box().get_points(), cell)


@pytest.mark.parametrize("n_texts", [1, 20])
def test_colour_bar_height_does_not_depend_on_the_number_of_texts(attentive, n_texts):
    display = AttentionDisplay.from_estimator(attentive, ["not good"] * n_texts)
    display.figure_.canvas.draw()
    bar = display.image_.colorbar.ax.get_window_extent()
    assert 0.05 < bar.height / display.figure_.dpi < 0.2


def test_tokens_per_line_must_be_positive(attentive):
    with pytest.raises(ValueError, match="'tokens_per_line' parameter"):
        AttentionDisplay.from_estimator(None, "good", tokens_per_line=0)
    with pytest.raises(ValueError, match="'tokens_per_line' parameter"):
        AttentionDisplay([]).plot(tokens_per_line=0)


def test_the_task_of_several_is_a_target(reviews):
    texts, labels = reviews
    y = np.column_stack([labels, [str(len(text) % 3) for text in texts]])
    model = small_pipeline(pooling="attention").fit(texts, y)
    first, second = (
        AttentionDisplay.from_estimator(model, TEXTS, target=(task, None))
        for task in (0, 1)
    )
    assert np.ma.allequal(first.image_.get_array(), second.image_.get_array())
    with pytest.raises(ValueError, match="target must be a tuple"):
        AttentionDisplay.from_estimator(model, TEXTS)
