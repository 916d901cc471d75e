import sys

import numpy as np
import pandas as pd
import pytest

from sklearn_bilstm import TextVectorizer, explain
from sklearn_bilstm.inspection import Explanation, Explanations
from tests.helpers import small_pipeline


def make_explanation(text="So good, not bad", scores=(0.5, 2.0, -1.0, 0.25), **fields):
    """An explanation with given scores."""
    (document,) = TextVectorizer(vocabulary=["good"]).fit([text]).locate([text])
    known = {
        "method": "occlusion",
        "target": "positive",
        "output": 1.5,
        "baseline": -0.5,
        "probability": 0.8176,
    }
    return Explanation(document, np.array(scores), **{**known, **fields})


def test_to_frame_has_one_row_per_token():
    frame = make_explanation().to_frame()
    expected = pd.DataFrame(
        {
            "token": ["So", "good", "not", "bad"],
            "start": pd.array([0, 3, 9, 13], dtype="Int64"),
            "end": pd.array([2, 7, 12, 16], dtype="Int64"),
            "score": [0.5, 2.0, -1.0, 0.25],
            "target": ["positive"] * 4,
        }
    )
    pd.testing.assert_frame_equal(frame, expected)


@pytest.mark.parametrize("fields", [{"target": None}, {"method": "attention"}])
def test_to_frame_has_no_target_column_without_a_target(fields):
    assert "target" not in make_explanation(**fields).to_frame()


def test_to_frame_of_several_texts_has_a_text_column():
    empty = make_explanation("", ())
    frame = Explanations([make_explanation(), empty, make_explanation()]).to_frame()
    assert frame["text"].tolist() == [0] * 4 + [2] * 4
    assert list(frame) == ["text", "token", "start", "end", "score", "target"]
    assert frame.index.tolist() == list(range(8))


def test_to_frame_of_several_columns_has_a_column_name():
    frame = pd.DataFrame({"title": ["good", "bad"] * 3, "review": "it is so"})
    model = small_pipeline(max_epochs=1).fit(frame, ["yes", "no"] * 3)
    found = explain(model, frame[:1], "occlusion").to_frame()
    assert found["column"].tolist() == ["title"] * 2 + ["review"] * 4
    assert found["token"].tolist() == ["<title>", "good", "<review>", "it", "is", "so"]
    assert found["start"].isna().tolist() == [True, False, True, False, False, False]


def test_to_frame_raises_without_pandas(monkeypatch):
    explanation = make_explanation()
    monkeypatch.setitem(sys.modules, "pandas", None)
    for shown in (explanation, Explanations([explanation])):
        with pytest.raises(ImportError, match="pip install pandas"):
            shown.to_frame()


def test_str_shows_the_text_with_scores():
    assert str(make_explanation()) == (
        "positive: log odds +1.50, probability 0.818 (occlusion)\n"
        "[So +0.5] [good +2], [not -1] [bad +0.25]"
    )


def test_str_of_attention_shows_shares():
    one = make_explanation(scores=(0.5, 0.25, 0.125, 0.125), method="attention")
    assert str(one) == (
        "share of attention (most probable: positive, 0.818)\n"
        "[So 0.5] [good 0.25], [not 0.12] [bad 0.12]"
    )
    number = {"probability": None, "output": 3.25, "target": None}
    other = make_explanation(method="attention", **number)
    assert other.summary == "share of attention (prediction 3.25)"


def test_str_of_a_long_text_shows_the_largest_scores_only():
    words = [f"w{number}" for number in range(30)]
    scores = np.arange(30.0)
    scores[0] = np.nan
    printed = str(make_explanation(" ".join(words), scores))
    assert "(occlusion), scores of 10 of 29 tokens shown\n" in printed
    assert printed.count("[") == 10
    assert printed.endswith(" ".join(f"[w{n} +{n}]" for n in range(20, 30)))


def test_repr_is_short():
    expected = "<Explanation of 4 tokens, positive: log odds +1.50, probability 0.818>"
    assert repr(make_explanation()) == expected
    assert repr(Explanations([make_explanation()])) == "<Explanations of 1 texts>"


def test_summary_of_a_regression_has_no_probability():
    number = {"probability": None, "output": 3.25}
    assert make_explanation(**number, target=None).summary == "prediction 3.25"
    assert make_explanation(**number, target=1).summary == "prediction of output 1 3.25"


@pytest.mark.parametrize(
    ("fields", "legend"),
    [
        ({}, ["raises the odds of the class", "lowers them"]),
        ({"probability": None}, ["raises the prediction", "lowers it"]),
        ({"method": "attention"}, ["share of attention"]),
    ],
)
def test_legend_states_the_meaning_of_scores(fields, legend):
    html = make_explanation(**fields)._repr_html_()
    for meaning in legend:
        assert f" {meaning} </span>" in html


def test_explanations_are_a_sequence():
    one, other = make_explanation(), make_explanation("", ())
    both = Explanations([one, other])
    assert len(both) == 2
    assert list(both) == [one, other]
    assert both[-1] is other
    assert both[:1] == [one]
    assert str(both) == f"{one}\n\n{other}"


def test_html_shows_one_legend_per_kind_of_scores():
    counts = make_explanation(target="negative"), make_explanation()
    html = Explanations([*counts, make_explanation(method="attention")])._repr_html_()
    assert html.count("So") == 3
    assert html.count(" raises the odds of the class </span>") == 1
    assert html.count(" share of attention </span>") == 1


def test_a_text_without_tokens_is_shown():
    empty = make_explanation("...", ())
    assert "..." in empty._repr_html_()
    assert str(empty).endswith("\n...")
