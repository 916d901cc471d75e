import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sklearn_bilstm import TextVectorizer
from sklearn_bilstm.inspection._text_spans import (
    TextColumn,
    TextSpan,
    numbered_tokens,
    shortened,
    split_into_columns,
)
from sklearn_bilstm.text import LocatedDocument, LocatedToken


@given(text=st.text(), settings=st.sampled_from([{}, {"strip_accents": "unicode"}]))
def test_spans_concatenate_to_the_text(text, settings):
    vectorizer = TextVectorizer(**settings, token_pattern=".").fit(["a"])
    (document,) = vectorizer.locate([text])
    (field,) = split_into_columns(document, np.arange(1.0, len(document.tokens) + 1))
    assert "".join(piece.text for piece in field.pieces) == text
    shown = [p.score for p in [*field.pieces, *field.elsewhere] if p.score]
    assert sorted(shown) == list(range(1, len(document.tokens) + 1))


def test_columns_contain_markers_and_unscored_tokens():
    tokens = [
        LocatedToken("<a>", None, None, 0),
        LocatedToken("x", 0, 1, 0),
        LocatedToken("y", 2, 3, 1),
        LocatedToken("z", 4, 5, 1),
    ]
    document = LocatedDocument(["x.", "- y z"], ["a", "b"], tokens)
    first, second = split_into_columns(document, np.array([1.0, 2.0, -3.0, np.nan]))
    pieces = [TextSpan("", None), TextSpan("x", 2.0), TextSpan(".", None)]
    assert first == TextColumn("a", pieces, [], 1.0)
    assert second.name == "b"
    assert [p for p in second.pieces if p.score] == [TextSpan("y", -3.0)]
    assert second.elsewhere == []


def test_markers_are_labelled_by_the_name_of_their_column():
    tokens = [
        LocatedToken("<Title>", None, None, 0),
        LocatedToken("<Title>", 0, 7, 0),
        LocatedToken("<Body>", None, None, 1),
    ]
    document = LocatedDocument(["<Title>", ""], ["Title", "Body"], tokens)
    labels = numbered_tokens(document, ["<Title>", "<Title>", "<Body>"])
    assert labels == ["Title:", "<Title>", "Body:"]


@given(
    scores=st.lists(st.sampled_from([0.0, 0.0, 1.0, np.nan]), max_size=200),
    stretch=st.integers(1, 30),
)
def test_shortened_texts_keep_all_notable_tokens(scores, stretch):
    scores = np.repeat(np.array(scores, float), stretch)
    text = " ".join(f"t{number}" for number in range(len(scores)))
    vectorizer = TextVectorizer().fit(["a"])
    (document,) = vectorizer.locate([text])
    (column,) = split_into_columns(document, scores)
    short = shortened(column, min_score=0.5)
    notable = [p for p in column.pieces if p.score == 1.0]
    assert [p for p in short.pieces if p.score == 1.0] == notable
    omitted = [int(p.text.split()[1]) for p in short.pieces if p.is_omission]
    n_shown = sum(p.text.startswith("t") for p in short.pieces)
    assert n_shown + sum(omitted) == len(scores)
    assert len(scores) > 40 or not omitted
