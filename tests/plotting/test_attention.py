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


def test_cells_are_the_weights_line_by_line(attentive):
    display = AttentionDisplay.from_estimator(attentive, TEXTS, tokens_per_line=4)
    cells = display.image_.get_array()
    assert cells.shape == (3 + 1 + 1, 4)
    weights = attentive[-1].attention_weights(attentive[:-1].transform(TEXTS))
    np.testing.assert_allclose(cells[:3].compressed(), weights[0], rtol=1e-6)
    assert cells.mask[3].all()  # an empty text
    np.testing.assert_allclose(cells[4].compressed(), weights[2], rtol=1e-6)


def test_tokens_are_written_where_their_weights_are(attentive):
    display = AttentionDisplay.from_estimator(attentive, TEXTS, tokens_per_line=4)
    written = [text.get_text() for text in display.texts_]
    assert " ".join(written[:9]) == "the Plot was NOT good at 5 or 9"
    assert written[9:] == ["extraordina…", "brilliant"]
    places = [text.get_position() for text in display.texts_]
    assert places[:6] == [(0, 0), (1, 0), (2, 0), (3, 0), (0, 1), (1, 1)]
    assert places[-2:] == [(0, 4), (1, 4)]


def test_every_text_has_a_label_at_its_first_line(attentive):
    display = AttentionDisplay.from_estimator(attentive, TEXTS, tokens_per_line=4)
    assert display.ax_.get_yticks().tolist() == [0, 3, 4]
    labels = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert labels == ["text 0", "text 1", "text 2"]


def test_tokens_are_dark_on_light_cells_and_light_on_dark_ones(attentive):
    display = AttentionDisplay.from_estimator(attentive, TEXTS)
    for text in display.texts_:
        column, line = text.get_position()
        weight = display.image_.get_array()[line, column]
        ground = np.mean(display.image_.to_rgba(weight)[:3])
        assert text.get_color() == ("white" if ground < 0.5 else "black")


def test_it_draws_on_given_axes(attentive):
    figure, ax = pyplot.subplots(figsize=(3, 2))
    display = AttentionDisplay.from_estimator(attentive, TEXTS, ax=ax)
    assert display.ax_ is ax
    assert display.figure_ is figure
    assert figure.get_size_inches().tolist() == [3, 2]


@pytest.mark.parametrize("texts", [TEXTS, [""]])
def test_it_can_be_drawn(attentive, texts):
    AttentionDisplay.from_estimator(attentive, texts).figure_.canvas.draw()


def test_a_network_without_attention_has_no_picture(fitted_pipeline):
    with pytest.raises(ValueError, match="pooling='attention'"):
        AttentionDisplay.from_estimator(fitted_pipeline, TEXTS)


def test_one_text_needs_no_list(attentive):
    display = AttentionDisplay.from_estimator(attentive, "not good")
    assert [text.get_text() for text in display.texts_] == ["not", "good"]


def test_words_stay_in_their_cells(attentive):
    _, ax = pyplot.subplots(figsize=(2, 2))
    display = AttentionDisplay.from_estimator(attentive, [12 * "W", "W"], ax=ax)
    display.figure_.canvas.draw()
    for text in display.texts_:
        column, line = text.get_position()
        corners = [(column - 0.5, line + 0.5), (column + 0.5, line - 0.5)]
        cell = ax.transData.transform(corners)
        np.testing.assert_allclose(text.get_clip_box().get_points(), cell)


@pytest.mark.parametrize("n_texts", [1, 20])
def test_the_legend_of_colours_is_as_large_for_a_text_as_for_many(attentive, n_texts):
    display = AttentionDisplay.from_estimator(attentive, ["not good"] * n_texts)
    display.figure_.canvas.draw()
    bar = display.image_.colorbar.ax.get_window_extent()
    assert 0.05 < bar.height / display.figure_.dpi < 0.2


def test_lines_hold_a_token_at_least(attentive):
    with pytest.raises(ValueError, match="'tokens_per_line' parameter"):
        AttentionDisplay.from_estimator(None, "good", tokens_per_line=0)
    with pytest.raises(ValueError, match="'tokens_per_line' parameter"):
        AttentionDisplay([]).plot(tokens_per_line=0)
