import numpy as np
import pandas as pd
import pytest

from sklearn_bilstm import TokenImportanceDisplay, explain
from sklearn_bilstm.inspection import Explanations
from tests.helpers import small_pipeline

pyplot = pytest.importorskip("matplotlib.pyplot")

TEXT = "the Plot was NOT good at $5 or $9"


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    pyplot.close("all")


@pytest.fixture(scope="module")
def explanation(fitted_pipeline):
    return explain(fitted_pipeline, [TEXT], "occlusion")[0]


def labels_of(display):
    return [label.get_text() for label in display.ax_.get_yticklabels()]


def test_bars_are_scores_in_reading_order(explanation):
    display = TokenImportanceDisplay.from_explanation(explanation)
    widths = [bar.get_width() for bar in display.bars_]
    np.testing.assert_allclose(widths, explanation.scores)
    assert labels_of(display) == explanation.tokens
    assert display.ax_.yaxis_inverted()
    assert display.ax_.get_title() == explanation.summary
    assert display.figure_ is display.ax_.figure


def test_bar_colour_depends_on_the_sign(explanation):
    display = TokenImportanceDisplay.from_explanation(explanation)
    colours = {
        (bar.get_facecolor(), bool(bar.get_width() > 0)) for bar in display.bars_
    }
    assert len(colours) == len({colour for colour, _ in colours}) == 2


def test_n_tokens_selects_the_largest_scores(explanation):
    display = TokenImportanceDisplay(explanation).plot(n_tokens=3)
    largest = np.sort(np.argsort(-np.abs(explanation.scores))[:3])
    assert labels_of(display) == [explanation.tokens[index] for index in largest]


def test_from_estimator_explains_a_text(fitted_pipeline, explanation):
    _, ax = pyplot.subplots()
    display = TokenImportanceDisplay.from_estimator(
        fitted_pipeline, TEXT, method="occlusion", n_tokens=99, ax=ax
    )
    assert display.ax_ is ax
    np.testing.assert_allclose(display.explanation.scores, explanation.scores)
    other = TokenImportanceDisplay.from_estimator(
        fitted_pipeline, [TEXT], method="occlusion", target="positive"
    )
    assert other.ax_.get_title().startswith("positive")


def test_tokens_without_a_score_have_no_bar(reviews):
    model = small_pipeline().set_params(textvectorizer__max_length=2).fit(*reviews)
    display = TokenImportanceDisplay.from_estimator(model, TEXT, method="occlusion")
    assert labels_of(display) == ["the", "Plot"]
    assert labels_of(display.plot(n_tokens=1)) in (["the"], ["Plot"])


def test_from_estimator_accepts_a_table_of_one_row(reviews):
    frame = pd.DataFrame({"title": "so", "review": reviews[0]})
    model = small_pipeline(max_epochs=1).fit(frame, reviews[1])
    display = TokenImportanceDisplay.from_estimator(
        model, frame[:1], method="occlusion", n_tokens=99
    )
    assert labels_of(display)[:3] == ["<title>", "so", "<review>"]
    with pytest.raises(ValueError, match="single text, or a table of one row: got 2"):
        TokenImportanceDisplay.from_estimator(model, frame[:2], method="occlusion")


@pytest.mark.parametrize("text", ["", TEXT])
def test_display_can_be_drawn(fitted_pipeline, text):
    display = TokenImportanceDisplay.from_estimator(
        fitted_pipeline, text, method="occlusion"
    )
    display.figure_.canvas.draw()


def test_a_list_of_explanations_raises(explanation):
    with pytest.raises(TypeError, match=r"such as explanations\[0\]"):
        TokenImportanceDisplay.from_explanation(Explanations([explanation]))


def test_arguments_are_checked_before_the_model():
    with pytest.raises(ValueError, match="'n_tokens' parameter"):
        TokenImportanceDisplay.from_estimator(None, TEXT, n_tokens=0)
    for texts in ([TEXT, TEXT], [], iter([TEXT, TEXT])):
        with pytest.raises(ValueError, match="must be a single text"):
            TokenImportanceDisplay.from_estimator(None, texts)


def test_attention_bars_have_their_own_colour(reviews, explanation):
    model = small_pipeline(pooling="attention", max_epochs=1).fit(*reviews)
    display = TokenImportanceDisplay.from_estimator(model, TEXT, method="attention")
    signed = TokenImportanceDisplay.from_explanation(explanation)
    (colour,) = {bar.get_facecolor() for bar in display.bars_}
    assert colour not in {bar.get_facecolor() for bar in signed.bars_}
    assert display.ax_.get_xlabel() == "share of attention"
