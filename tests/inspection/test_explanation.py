import re
import sys
from html import escape

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


STATIC = {"static_scores": [0.5, -0.25], "static_names": ["stars", "age"]}


def test_to_frame_has_one_row_per_token_and_static_feature_and_the_baseline():
    frame = make_explanation(**STATIC).to_frame()
    missing = [None] * 3
    expected = pd.DataFrame(
        {
            "kind": ["token"] * 4 + ["static"] * 2 + ["baseline"],
            "token": ["So", "good", "not", "bad", "stars", "age", "baseline"],
            "token_index": pd.array([0, 1, 2, 3, *missing], dtype="Int64"),
            "start": pd.array([0, 3, 9, 13, *missing], dtype="Int64"),
            "end": pd.array([2, 7, 12, 16, *missing], dtype="Int64"),
            "score": [0.5, 2.0, -1.0, 0.25, 0.5, -0.25, -0.5],
            "target": ["positive"] * 7,
        }
    )
    pd.testing.assert_frame_equal(frame, expected)


def test_to_frame_of_attention_has_tokens_only():
    frame = make_explanation(method="attention", baseline=None).to_frame()
    assert frame["kind"].tolist() == ["token"] * 4


@pytest.mark.parametrize("fields", [{"target": None}, {"method": "attention"}])
def test_to_frame_has_no_target_column_without_a_target(fields):
    assert "target" not in make_explanation(**fields).to_frame()


def test_to_frame_of_several_texts_has_a_text_column():
    empty = make_explanation("", ())
    frame = Explanations([make_explanation(), empty, make_explanation()]).to_frame()
    assert frame["text"].tolist() == [0] * 5 + [1] + [2] * 5
    assert list(frame)[:4] == ["text", "kind", "token", "token_index"]
    assert frame.index.tolist() == list(range(11))


def test_to_frame_of_several_columns_has_a_column_name():
    frame = pd.DataFrame({"title": ["good", "bad"] * 3, "review": "it is so"})
    model = small_pipeline(max_epochs=1).fit(frame, ["yes", "no"] * 3)
    found = explain(model, frame[:1], "occlusion").to_frame()[:-1]
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
        "[So +0.5] [good +2], [not -1] [bad +0.25]\n"
        "baseline: -0.50"
    )


def test_str_shows_static_features():
    lines = str(make_explanation(**STATIC)).splitlines()
    assert lines[2:] == ["stars: +0.5", "age: -0.25", "baseline: -0.50"]
    many = {"static_scores": np.arange(12), "static_names": [*"abcdefghijkl"]}
    lines = str(make_explanation(**many)).splitlines()
    assert lines[2:-1] == [
        *(f"{name}: +{score}" for score, name in enumerate("cdefghijkl", start=2)),
        "... 2 static features ...",
    ]


def test_str_of_attention_shows_shares():
    shares = {"method": "attention", "baseline": None}
    one = make_explanation(scores=(0.5, 0.25, 0.125, 0.125), **shares)
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
    text = " ".join(f"[w{n} +{n}]" for n in range(20, 30))
    assert printed.endswith(f"{text}\nbaseline: -0.50")


def test_long_parts_without_notable_scores_are_omitted():
    words = [f"w{number}" for number in range(300)]
    scores = np.where(np.arange(300) == 200, 1.0, 0.01)
    scores[201:210] = 0.02
    one = make_explanation(" ".join(words), scores)
    assert "\n... 192 tokens ... w192" in str(one)
    assert " w199 [w200 +1] [w201 +0.02]" in str(one)
    assert " [w209 +0.02] w210" in str(one)
    assert str(one).endswith(" w217 ... 82 tokens ...\nbaseline: -0.50")
    html = one._repr_html_()
    for part in ("... 192 tokens ...", "... 91 tokens ...", "w192<", "w208<"):
        assert part in html
    assert "w191<" not in html
    assert len(one.to_frame()) == 301


VALUES = {**STATIC, "static_values": [4.0, 33.5]}


def test_static_features_are_shown_with_their_values():
    one = make_explanation(**VALUES)
    assert str(one).splitlines()[2:4] == ["stars = 4: +0.5", "age = 33.5: -0.25"]
    assert ">stars = 4</span>" in one._repr_html_()
    values = one.to_frame()["value"]
    assert values[4:6].tolist() == [4.0, 33.5]
    assert values.isna().sum() == 5


def numbers_after(lines, names):
    found = dict(line.rsplit(": ", 1) for line in lines if ": " in line)
    return [float(found[name]) for name in names]


def test_what_is_shown_of_integrated_gradients_sums_to_the_output():
    words = [f"w{number}" for number in range(30)]
    scores = np.linspace(-1, 2, 30)
    static = {"static_scores": np.arange(12) / 8, "static_names": [*"abcdefghijkl"]}
    output = -0.5 + scores.sum() + static["static_scores"].sum() + 0.04
    one = make_explanation(
        " ".join(words), scores, method="integrated_gradients", output=output, **static
    )
    lines = str(one).splitlines()
    names = ["other tokens", "not attributed", "baseline", "... 2 static features ..."]
    rest = numbers_after(lines, [*names, *"cdefghijkl"])
    tokens = [float(part.split()[1]) for part in re.findall(r"\[(.*?)\]", lines[1])]
    assert len(tokens) == 10
    assert sum(rest) + sum(tokens) == pytest.approx(output, abs=0.2)  # two digits each
    assert numbers_after(lines, ["sum"]) == [pytest.approx(output, abs=0.005)]
    html = one._repr_html_()
    for name, value in [
        ("all tokens", scores.sum()),
        ("baseline", -0.5),
        ("not attributed", 0.04),
        ("sum", output),
    ]:
        assert f"<div>{name} <small>{value:+.2f}</small></div>" in html


def test_an_invisible_error_of_sums_is_not_shown():
    output = 1.75 - 0.5 + 0.004
    one = make_explanation(method="integrated_gradients", output=output)
    assert "not attributed" not in str(one) + one._repr_html_()
    assert str(one).endswith("\nbaseline: -0.50\nsum: +1.25")


@pytest.mark.parametrize("method", ["occlusion", "attention"])
def test_other_scores_are_not_summed(method):
    assert "sum:" not in str(make_explanation(method=method, **STATIC))


@pytest.mark.parametrize(
    ("fields", "end"),
    [
        ({"truth": "negative"}, "probability 0.818, true class: negative"),
        ({"truth": 0}, ", true class: 0"),
        ({"truth": 1.5}, ", true class: 1.5"),
        ({"truth": float("nan")}, "probability 0.818"),
        ({"truth": ("a", "b"), "multilabel": True}, ", true labels: a, b"),
        ({"truth": (), "multilabel": True}, ", true labels: none"),
        ({"truth": "O", "position": 0}, ", true label: O"),
        ({"truth": 2.5, "probability": None}, ", true value 2.5"),
        ({"truth": "a", "method": "attention"}, "0.818), true class: a"),
        ({}, "probability 0.818"),
    ],
)
def test_the_summary_ends_with_the_truth(fields, end):
    one = make_explanation(**fields)
    assert one.summary.endswith(end)
    assert escape(one.summary) in one._repr_html_()


def test_the_summary_names_the_task():
    assert make_explanation(task=1).summary.startswith("task 1, positive: log odds")
    shares = make_explanation(task=0, method="attention").summary
    assert shares.startswith("task 0, share of attention (most probable: positive")
    assert make_explanation(task=1).to_frame()["task"].tolist() == [1] * 5


def labels_of_sentence(labels):
    text = "Ben left Rome"
    found = [
        make_explanation(text, (0.5, 0.25, 1), target=label, position=position)
        for position, label in enumerate(labels)
    ]
    return Explanations(found, of="position")


def test_labels_of_entities_are_shown_and_others_can_be_unfolded():
    found = labels_of_sentence(["B-PER", "O", "B-LOC"])
    assert (
        str(found) == f"{found[0]}\n\n{found[2]}\n\n... 1 token with the label 'O' ..."
    )
    html = found._repr_html_()
    before, after = html.split("<details>")
    assert "B-PER" in before
    assert "B-LOC" in before
    assert "O of" not in before
    assert "1 token with the label &#x27;O&#x27;</summary>" in after
    assert "O of &#x27;left&#x27;" in after
    assert [one.target for one in found] == ["B-PER", "O", "B-LOC"]
    assert len(found.to_frame()) == 12


@pytest.mark.parametrize("labels", [["O", "O", "O"], ["NOUN", "VERB", "NOUN"]])
def test_labels_are_all_shown_if_none_or_all_are_outside(labels):
    found = labels_of_sentence(labels)
    assert str(found) == "\n\n".join(map(str, found))
    assert "details" not in found._repr_html_()


def test_repr_is_short():
    summary = "positive: log odds +1.50, probability 0.818, baseline -0.50>"
    assert repr(make_explanation()) == f"<Explanation of 4 tokens, {summary}"
    expected = f"<Explanation of 4 tokens and 2 static features, {summary}"
    assert repr(make_explanation(**STATIC)) == expected
    assert repr(Explanations([make_explanation()])) == "<Explanations of 1 texts>"


def test_summary_of_a_regression_has_no_probability():
    number = {"probability": None, "output": 3.25}
    assert make_explanation(**number, target=None).summary == "prediction 3.25"
    assert make_explanation(**number, target=1).summary == "prediction of output 1 3.25"


@pytest.mark.parametrize(
    ("fields", "legend"),
    [
        ({}, ["raises the log odds of 'positive'", "lowers them"]),
        (
            {"target": 1, "other": 0},
            ["raises the log odds of class 1", "raises those of class 0"],
        ),
        (
            {"target": 1, "multilabel": True},
            ["raises the log odds of label 1", "lowers them"],
        ),
        (
            {"target": "B-PER", "position": 0},
            ["raises the log odds of label 'B-PER'", "lowers them"],
        ),
        ({"probability": None}, ["raises the prediction", "lowers it"]),
        ({"method": "attention"}, ["share of attention"]),
    ],
)
def test_legend_states_the_meaning_of_scores(fields, legend):
    explanation = make_explanation(**fields)
    assert explanation.legend == legend
    html = explanation._repr_html_()
    for meaning in legend:
        assert f">{escape(meaning)}</span>" in html


@pytest.mark.parametrize(
    ("fields", "summary"),
    [
        ({"target": 1}, "class 1: log odds"),
        ({"target": True}, "class True: log odds"),
        ({"target": 1, "multilabel": True}, "label 1: log odds"),
        ({"target": 1, "position": 0}, "label 1 of 'So', token 0: log odds"),
        ({"target": 1, "method": "attention"}, "share of attention (most probable: cl"),
    ],
)
def test_a_class_that_is_no_string_is_named_as_a_class_or_label(fields, summary):
    assert make_explanation(**fields).summary.startswith(summary)


@pytest.mark.parametrize(
    ("fields", "parts"),
    [
        ({}, ["log odds", "token is removed.", "with no tokens."]),
        ({"method": "integrated_gradients"}, ["sum to the log odds", "zero token"]),
        (
            {"probability": None},
            ["unit of the prediction", "prediction with no tokens"],
        ),
        ({"position": 0}, ["token is masked.", "with all tokens masked."]),
        (STATIC, ["set to its mean", "mean static features"]),
        ({"method": "attention"}, ["sum to one"]),
    ],
)
def test_note_states_the_unit_and_the_baseline(fields, parts):
    explanation = make_explanation(**fields)
    for part in parts:
        assert part in explanation.note
    assert escape(explanation.note) in explanation._repr_html_()


def test_repeated_tokens_have_numbered_labels():
    one = make_explanation("not good, NOT bad, not so good")
    labels = ["not (1)", "good (1)", "NOT", "bad", "not (2)", "so", "good (2)"]
    assert one.token_labels == labels


def test_explanations_are_a_sequence():
    one, other = make_explanation(), make_explanation("", ())
    both = Explanations([one, other])
    assert len(both) == 2
    assert list(both) == [one, other]
    assert both[-1] is other
    assert both[:1] == [one]
    assert str(both) == f"{one}\n\n{other}"


def test_html_shows_one_note_per_kind_of_scores():
    counts = make_explanation(target="negative"), make_explanation()
    html = Explanations([*counts, make_explanation(method="attention")])._repr_html_()
    assert html.count("So") == 3
    assert html.count("Scores are in log odds") == 1
    assert html.count("sum to one") == 1


def test_a_text_without_tokens_is_shown():
    empty = make_explanation("...", ())
    assert "..." in empty._repr_html_()
    assert "\n...\n" in str(empty)
