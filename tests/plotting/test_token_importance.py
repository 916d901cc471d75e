from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sklearn_bilstm import TokenImportanceDisplay, explain
from sklearn_bilstm.inspection import Explanations
from tests.helpers import small_pipeline, small_tagger

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
    assert labels_of(display) == [*explanation.tokens, "baseline"]
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
    labels = [explanation.tokens[index] for index in largest]
    omitted = [f"... {largest[0]} tokens ..."] * int(largest[0] > 0)
    assert labels_of(display) == [*omitted, *labels, "baseline"]
    assert "largest 3 of 9 tokens" in display.ax_.get_xlabel()


def test_legend_names_the_classes(explanation):
    display = TokenImportanceDisplay.from_explanation(explanation)
    texts = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert texts == explanation.legend
    colours = [
        patch.get_facecolor() for patch in display.ax_.get_legend().get_patches()
    ]
    scores = explanation.scores
    for bar, score in zip(display.bars_, scores, strict=True):
        assert bar.get_facecolor() == colours[0 if score > 0 else 1]


def test_the_baseline_is_written_and_explained(explanation):
    display = TokenImportanceDisplay.from_explanation(explanation)
    (text,) = [text.get_text() for text in display.ax_.texts]
    assert text == f"{explanation.baseline:+.2f}, with no tokens"


@pytest.mark.parametrize("baseline", [-np.inf, None])
def test_an_infinite_or_missing_baseline_is_drawn(explanation, baseline):
    other = replace(explanation, baseline=baseline)
    display = TokenImportanceDisplay.from_explanation(other)
    display.figure_.canvas.draw()
    assert ("baseline" in labels_of(display)) == (baseline is not None)


def test_static_features_follow_the_tokens(explanation):
    other = replace(
        explanation, static_scores=[0.5, -0.25], static_names=["$stars$", "age"]
    )
    display = TokenImportanceDisplay.from_explanation(other)
    assert labels_of(display)[-3:] == ["$stars$", "age", "baseline"]
    assert [bar.get_width() for bar in display.bars_][-2:] == [0.5, -0.25]
    display.figure_.canvas.draw()


def test_repeated_tokens_are_numbered(fitted_pipeline):
    display = TokenImportanceDisplay.from_estimator(
        fitted_pipeline, "good good plot", method="occlusion"
    )
    assert labels_of(display) == ["good (1)", "good (2)", "plot", "baseline"]


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
    assert labels_of(display) == ["the", "Plot", "baseline"]
    *_, token, _ = labels_of(display.plot(n_tokens=1))
    assert token in ("the", "Plot")


def test_from_estimator_accepts_a_table_of_one_row(reviews):
    frame = pd.DataFrame({"title": "so", "review": reviews[0]})
    model = small_pipeline(max_epochs=1).fit(frame, reviews[1])
    display = TokenImportanceDisplay.from_estimator(
        model, frame[:1], method="occlusion", n_tokens=99
    )
    assert labels_of(display)[:3] == ["title:", "so", "review:"]
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


def test_arguments_are_checked_before_texts_are_explained(fitted_pipeline):
    with pytest.raises(ValueError, match="'n_tokens' parameter"):
        TokenImportanceDisplay.from_estimator(None, TEXT, n_tokens=0)
    for texts in ([TEXT, TEXT], [], iter([TEXT, TEXT])):
        with pytest.raises(ValueError, match="must be a single text"):
            TokenImportanceDisplay.from_estimator(fitted_pipeline, texts)


def test_attention_bars_have_their_own_colour(reviews, explanation):
    model = small_pipeline(pooling="attention", max_epochs=1).fit(*reviews)
    display = TokenImportanceDisplay.from_estimator(model, TEXT, method="attention")
    signed = TokenImportanceDisplay.from_explanation(explanation)
    (colour,) = {bar.get_facecolor() for bar in display.bars_}
    assert colour not in {bar.get_facecolor() for bar in signed.bars_}
    assert display.ax_.get_xlabel() == "share of attention"


def test_from_estimator_explains_a_label_of_a_tagger(fitted_tagger, sentences):
    sentence = next(row for row in sentences[0] if len(row) > 1)
    (expected,) = explain(fitted_tagger, [sentence])
    last = len(sentence) - 1
    display = TokenImportanceDisplay.from_estimator(
        fitted_tagger, sentence, position=last
    )
    np.testing.assert_allclose(display.explanation.scores, expected[last].scores)
    nested = TokenImportanceDisplay.from_estimator(
        fitted_tagger, [sentence], position=-1
    )
    assert nested.explanation.position == last


def test_the_first_label_of_a_span_is_explained_by_default():
    X, y = [["met", "Ben", "Ray"], ["left"]] * 8, [["O", "B-P", "I-P"], ["O"]] * 8
    tagger = small_tagger(max_epochs=20, lr=0.05).fit(X, y)
    display = TokenImportanceDisplay.from_estimator(tagger, X[0])
    assert display.explanation.position == 1
    outside = TokenImportanceDisplay.from_estimator(tagger, ["left"])
    assert outside.explanation.position == 0


@pytest.mark.parametrize(
    ("text", "params", "message"),
    [
        (["a", "b"], {"position": 2}, "index of one of 2 tokens: got 2"),
        ("a b", {}, "must be a list of tokens for a tagger"),
        ([], {}, "at least one token"),
        (["a"], {"method": "attention"}, "must be 'auto' or 'occlusion'"),
        (["a"], {"position": "a"}, "'position' parameter"),
    ],
)
def test_invalid_sentences_and_positions_raise(fitted_tagger, text, params, message):
    with pytest.raises(ValueError, match=message):
        TokenImportanceDisplay.from_estimator(fitted_tagger, text, **params)


def test_a_position_requires_a_tagger(fitted_pipeline):
    with pytest.raises(ValueError, match="unless model is a tagger: got 0"):
        TokenImportanceDisplay.from_estimator(fitted_pipeline, TEXT, position=0)
