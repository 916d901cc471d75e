import re
from html.parser import HTMLParser

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.pipeline import make_pipeline

from sklearn_bilstm import TextVectorizer, explain
from sklearn_bilstm.inspection._html import box, folded, note
from sklearn_bilstm.inspection._text_spans import TextColumn, TextSpan
from tests.helpers import small_classifier

ALLOWED = {"details", "div", "em", "small", "span", "strong", "summary"}


class Reader(HTMLParser):
    """Parse HTML as a browser does: text, tags and their attributes."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.text, self.tags, self.open, self.spans = "", [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attributes):
        assert {name for name, _ in attributes} <= {"dir", "style", "title"}
        self.tags.append(tag)
        self.open.append(tag)
        if tag == "span":
            self.spans.append([dict(attributes), ""])

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data
        if self.open[-1:] == ["span"]:
            self.spans[-1][1] += data


def read(html):
    reader = Reader(html)
    assert not reader.open
    assert set(reader.tags) <= ALLOWED
    return reader


SIGNED, SHARE = ["for", "against"], ["share"]


PARTS = st.text().map(
    lambda text: text.replace("\r", "").replace("\0", "")  # parsers may change these
)


@given(heading=PARTS, text=PARTS, name=PARTS, meaning=PARTS, feature=PARTS)
def test_all_text_is_shown_and_escaped(heading, text, name, meaning, feature):
    pieces = [TextSpan(text, 1.0), TextSpan(text, None)]
    field = TextColumn(name, pieces, [TextSpan(text, -2.0)], 0.5)
    static = [(feature, 1.0), (feature, None)]
    totals = [(name, heading)]
    html = box(heading, [meaning, "against"], [field], static=static, totals=totals)
    shown = read(html + note(meaning) + folded(feature, "<div></div>")).text
    total = f"{name} {heading}"
    for part in (heading, 2 * text, meaning, f"{name}:", f"{feature} +1.00", total):
        assert part in shown


def test_scripts_in_texts_and_labels_are_escaped():
    script = "<script>alert('x')</script> & \"so\" <b onload=run()>"
    texts = [f"{script} good", "bad film"] * 4
    frame = pd.DataFrame({"<img src=x>": texts, "more": "fine"})
    labels = ["</div><script>", "other"] * 4
    model = make_pipeline(TextVectorizer(), small_classifier(max_epochs=1))
    explanations = explain(model.fit(frame, labels), frame[:2], "occlusion")
    reader = read(explanations._repr_html_())
    assert script in reader.text
    assert "<img src=x>" in reader.text
    assert "</div><script>" in reader.text


def test_colours_show_sign_and_size():
    pieces = [TextSpan("good", 2.0), TextSpan("bad", -1.0), TextSpan("not read", None)]
    spans = read(box("", SIGNED, [TextColumn(None, pieces, [])])).spans
    swatches, (good, bad) = spans[:2], spans[2:]
    alpha = re.compile(r"rgba\((.*), ([\d.]+)\)")
    colour, strongest = alpha.search(good[0]["style"]).groups()
    other, half = alpha.search(bad[0]["style"]).groups()
    assert colour != other
    assert float(half) == pytest.approx(float(strongest) / 2)
    assert [good[0]["title"], bad[0]["title"]] == ["+2", "-1"]
    assert [text for _, text in swatches] == ["for", "against"]
    assert alpha.search(swatches[0][0]["style"]).groups() == (colour, strongest)


def test_shares_and_signed_scores_have_different_colours():
    fields = [TextColumn(None, [TextSpan("good", 0.75)], [])]
    colour = re.compile(r"rgba\(.*\)")
    spans = read(box("", SHARE, fields) + box("", SIGNED, fields)).spans
    assert spans[1][0]["title"] == "0.75"
    of_share, share, positive, negative, signed = [
        colour.search(attributes["style"])[0] for attributes, _ in spans
    ]
    assert (of_share, positive) == (share, signed)
    assert share not in (positive, negative)


def test_colours_of_adjacent_tokens_are_apart():
    pieces = [TextSpan("good", 2.0), TextSpan("", None), TextSpan("!", 1.0)]
    spans = read(box("", SIGNED, [TextColumn(None, pieces, [])])).spans
    for attributes, _ in spans[2:]:
        (margin,) = re.findall(r"margin: 0 (\d+)px", attributes["style"])
        assert int(margin) > 0


def test_omitted_tokens_have_no_colour():
    pieces = [TextSpan("... 40 tokens ...", None, is_omission=True)]
    *_, (omitted, text) = read(box("", SIGNED, [TextColumn(None, pieces, [])])).spans
    assert text == "... 40 tokens ..."
    assert "background" not in omitted["style"]


def test_static_features_have_the_colours_of_tokens():
    static = [("stars", -0.5), ("<age>", 0.25)]
    reader = read(box("", SIGNED, [], static=static, totals=[("baseline", "+1.50")]))
    (_, against, stars, age), names = zip(*reader.spans, strict=True)
    assert names[2:] == ("stars", "<age>")
    assert (stars["title"], age["title"]) == ("-0.5", "+0.25")
    assert re.findall(r"rgba\(.*\)", stars["style"]) == re.findall(
        r"rgba\(.*\)", against["style"]
    )
    assert reader.text.endswith("stars -0.50<age> +0.25baseline +1.50")


def test_a_single_column_has_no_heading():
    pieces = [TextSpan("good", 1.0)]
    plain = box("", SIGNED, [TextColumn(None, pieces, [])])
    named = box("", SIGNED, [TextColumn("title", pieces, [TextSpan("lemma", 1.0)])])
    assert "<div></div>" not in plain
    assert plain.count("<div") == named.count("<div") - 1


@pytest.mark.parametrize("page", [0, 255])
def test_contrast_of_text_is_sufficient_on_white_and_on_black(page):
    spans = read(box("", SIGNED, []) + box("", SHARE, [])).spans
    assert len(spans) == 3
    for attributes, _ in spans:
        *rgb, alpha = map(
            float, re.search(r"\((.*)\)", attributes["style"])[1].split(",")
        )
        ground = [alpha * c + (1 - alpha) * page for c in rgb]
        lighter, darker = sorted([luminance(ground), luminance([255 - page] * 3)])[::-1]
        # required by the Web Content Accessibility Guidelines
        assert (lighter + 0.05) / (darker + 0.05) >= 4.5


def luminance(rgb):
    """The relative luminance of sRGB."""
    parts = [c / 255 for c in rgb]
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
