import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sklearn_bilstm import TextVectorizer
from sklearn_bilstm.inspection._text_spans import TextSpan, split_into_columns
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
    assert first == ("a", pieces, [TextSpan("<a>", 1.0)])
    assert second.name == "b"
    assert [p for p in second.pieces if p.score] == [TextSpan("y", -3.0)]
    assert second.elsewhere == []
