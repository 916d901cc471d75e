from html.parser import HTMLParser

import pytest

from sklearn_bilstm import highlight_spans
from sklearn_bilstm.inspection._highlight import _COLOURS


class Marks(HTMLParser):
    """Text of an HTML page, with the marked parts in brackets."""

    def __init__(self, page):
        super().__init__()
        self.text, self.titles, self.open = "", [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.open.append(tag)
        if tag == "mark":
            self.text += "["
            self.titles.append(dict(attributes).get("title"))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        self.text += "]" if tag == "mark" else ""

    def handle_data(self, data):
        self.text += f"|{data}" if self.open[-1] == "span" else data


TEXT = "Anna & <b>Ben</b>"
SPANS = [{"start": 0, "end": 4, "label": "<PER>", "score": 0.75}, (10, 13, "LOC")]


def test_spans_are_marked_and_all_text_is_escaped():
    page = highlight_spans([TEXT], [SPANS])._repr_html_()
    found = Marks(page)
    legend = "[<PER> (1)] [LOC (1)]"
    assert found.text == f"{legend}[Anna|<PER>] & <b>[Ben|LOC]</b>"
    assert found.titles == [None, None, "<PER> 0.750", "LOC"]
    assert "<b>" not in page
    assert "<PER>" not in page


def test_labels_of_tokens_are_shown_as_spans():
    found = highlight_spans([["Anna", "Ray", "left"]], [["B-PER", "E-PER", "O"]])
    assert repr(found) == "[Anna Ray]PER left"
    assert found.spans == [[(0, 8, "PER")]]


def test_a_single_text_needs_no_list():
    assert repr(highlight_spans("Anna left", [(0, 4, "PER")])) == "[Anna]PER left"


def test_a_page_contains_the_texts():
    page = highlight_spans(["a", "b"], [[], [(0, 1, "X")]]).to_html()
    assert page.startswith("<!DOCTYPE html>")
    assert '<meta charset="utf-8">' in page
    assert highlight_spans([], []).to_html() != page


def test_each_label_has_its_colour():
    spans = [(i, i + 1, f"L{i}") for i in range(len(_COLOURS))]
    page = highlight_spans(["a" * 20], [spans])._repr_html_()
    for colour in _COLOURS:
        assert page.count(f"rgba({colour}, 0.45)") == 2  # of the legend and the text


@pytest.mark.parametrize(
    ("X", "spans", "message"),
    [
        (["Anna"], [[(0, 9, "PER")]], "within their texts: row 0"),
        (["Anna"], [[(0, 2, "A"), (1, 3, "B")]], "do not overlap: row 0"),
        ([["Anna"]], [["O", "O"]], "row 0 has 2 for 1 tokens"),
        ([["Anna"]], [[(0, 4, "PER")]], "X must hold texts"),
        (["Anna"], [["B-PER"]], "spans must hold spans, each"),
        (["Anna"], [], "inconsistent numbers"),
    ],
)
def test_invalid_spans_raise(X, spans, message):
    with pytest.raises(ValueError, match=message):
        highlight_spans(X, spans)


@pytest.mark.parametrize("spans", [SPANS, [], [[0, 4, "LOC"]], [(0, 4, "LOC")]])
def test_a_single_text_has_its_spans_or_the_list_of_a_prediction(spans):
    expected = highlight_spans([TEXT], [spans]).to_html()
    assert highlight_spans(TEXT, spans).to_html() == expected
    assert highlight_spans(TEXT, [spans]).to_html() == expected
