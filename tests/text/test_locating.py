import itertools
import unicodedata

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_bilstm import TextVectorizer
from sklearn_bilstm.text import LocatedToken
from sklearn_bilstm.text._locating import find_in_order

# Characters that normalisation deletes, expands or replaces, and token boundaries.
TRICKY = st.text(
    st.sampled_from(
        [
            *"aBcΣ\u03c3ςİ\u0131ßﬁéÉ\u0301\u0308ñ很好한'\u2019!?.:)( \n\t😀👍🏽7",
            "\u200d",
        ]
    )
)
TEXTS = st.one_of(TRICKY, st.text())


def stems(text):
    """A tokenizer that truncates words."""
    return [word[:3] for word in text.split()]


def without_tags(text):
    return text.lower().replace("<br />", " ")


def uppercase_words(document):
    return [word + "!" for word in document.upper().split()]


ANALYSES = {
    "default": {},
    "case kept": {"lowercase": False},
    "accents to ascii": {"strip_accents": "ascii"},
    "accents off": {"strip_accents": "unicode"},
    "pattern": {"token_pattern": r"(?u)\b\w\w+\b"},
    "group": {"token_pattern": r"(\w+)s?\b|!"},
    "characters": {"analyzer": "char", "strip_accents": "unicode"},
    "stop words": {"stop_words": ["a", "the"]},
}
SEARCHED = {
    "tokenizer": {"tokenizer": stems},
    "preprocessor": {"preprocessor": without_tags},
    "accent function": {"strip_accents": str.swapcase},
    "analyzer": {"analyzer": str.split},
    "changing analyzer": {"analyzer": uppercase_words},
}


def located(text, **settings):
    """Return a fitted vectorizer and the located tokens of a text."""
    vectorizer = TextVectorizer(**settings).fit(["some words abc", text])
    (document,) = vectorizer.locate([text])
    return vectorizer, document.tokens


def prepared(text, settings):
    """Return a text after preprocessing with the given settings."""
    reading = TextVectorizer(**{**settings, "stop_words": None, "analyzer": "char"})
    return "".join(reading.build_analyzer()(text))


def alike(text):
    """Normalise the two characters whose case or form depends on their context."""
    return text.replace("ς", "\u03c3").replace("\u2019", "'")


any_analysis = pytest.mark.parametrize(
    "settings", [*ANALYSES.values(), *SEARCHED.values()], ids=[*ANALYSES, *SEARCHED]
)


@any_analysis
@given(text=TEXTS)
def test_located_tokens_equal_the_analyzer_and_spans_ascend(settings, text):
    vectorizer, tokens = located(text, **settings)
    assert [t.token for t in tokens] == list(vectorizer.build_analyzer()(text))
    spans = [(t.start, t.end) for t in tokens if t.start is not None]
    for (start, end), (next_start, next_end) in itertools.pairwise(spans):
        assert start <= next_start
        assert end <= next_end
    assert all(0 <= start <= end <= len(text) for start, end in spans)


@pytest.mark.parametrize("settings", ANALYSES.values(), ids=ANALYSES)
@given(text=TEXTS)
def test_a_located_token_equals_its_span_after_preprocessing(settings, text):
    _, tokens = located(text, **settings)
    for token in tokens:
        if token.start is None:  # a group that did not match
            assert token.token == ""
            continue
        part = prepared(text[token.start : token.end], settings)
        # one character may have become the letters of two tokens
        assert alike(token.token) in alike(part)


@given(text=TEXTS)
def test_tokens_of_a_callable_analyzer_are_located_by_search(text):
    _, tokens = located(text, analyzer=str.split)
    assert [text[t.start : t.end] for t in tokens] == text.split()


@pytest.mark.parametrize(
    ("text", "settings", "parts"),
    [
        (
            "It wasn\u2019t İzmir\u2019s BEST.",
            {},
            ["It", "wasn\u2019t", "İzmir\u2019s", "BEST"],
        ),
        ("ΟΔΟΣ ΟΔΟΣ", {}, ["ΟΔΟΣ", "ΟΔΟΣ"]),
        ("很 好👍🏽:)", {}, ["很", "好", "👍🏽", ":)"]),
        ("Cafe\u0301 à", {"strip_accents": "ascii"}, ["Cafe\u0301", "à"]),
        ("très 好 ﬁn", {"strip_accents": "ascii"}, ["très", "ﬁn"]),
        ("a  b", {"analyzer": "char"}, ["a", "  ", "b"]),
        ("Studies went on", {"tokenizer": stems}, ["Stu", "wen", "on"]),
        ("It<br />WAS", {"preprocessor": without_tags}, ["It", "WAS"]),
        ("that hat", {"analyzer": lambda text: ["hat"]}, ["hat"]),
    ],
)
def test_spans_refer_to_the_original_text(text, settings, parts):
    _, tokens = located(text, **settings)
    assert [text[t.start : t.end] for t in tokens] == parts


def test_search_prefers_whole_words():
    _, (token,) = located("that hat", analyzer=lambda text: ["hat"])
    assert (token.start, token.end) == (5, 8)


def test_a_token_absent_from_the_text_has_no_span():
    _, tokens = located("better", analyzer=lambda text: ["good"])
    assert tokens == [LocatedToken("good", None, None)]


def test_locate_omits_stop_words():
    _, tokens = located("a bad one", stop_words=["a"])
    assert [t.token for t in tokens] == ["bad", "one"]


@given(
    tokens=st.lists(st.text("ab", min_size=1, max_size=2), max_size=5),
    text=st.text("ab ", max_size=8),
)
def test_search_finds_the_largest_number_of_tokens(tokens, text):
    spans = find_in_order(tokens, text)
    found = [(t, span) for t, span in zip(tokens, spans, strict=True) if span]
    assert all(text[slice(*span)] == token for token, span in found)
    assert all(a[1] <= b[0] for (_, a), (_, b) in itertools.pairwise(found))
    assert len(found) == most_in_order(tokens, text)


def most_in_order(tokens, text):
    """Try every choice of tokens, the largest first."""
    for n_tokens in range(len(tokens), 0, -1):
        for chosen in itertools.combinations(tokens, n_tokens):
            start = 0
            for token in chosen:
                start = text.find(token, start) + len(token)
                if start < len(token):
                    break
            else:
                return n_tokens
    return 0


@pytest.mark.parametrize(
    ("truncation", "read"), [("post", "abc"), ("pre", "cde"), ("middle", "abe")]
)
def test_is_read_is_false_for_truncated_tokens(truncation, read):
    vectorizer = TextVectorizer(max_length=3, truncation=truncation)
    ids = vectorizer.fit_transform(["a b c d e", "a"])
    long, short = vectorizer.locate(["a b c d e", "a"])
    assert "".join(t.token for t in long.tokens if t.is_read) == read
    assert [t.is_read for t in short.tokens] == [True]
    assert vectorizer.inverse_transform(ids)[0] == list(read)


def test_locate_returns_columns_and_markers():
    frame = pd.DataFrame({"title": ["Bad", None], "review": ["so bad", "good"]})
    vectorizer = TextVectorizer().fit(frame)
    first, second = vectorizer.locate(frame)
    assert first.columns == ["title", "review"]
    assert first.texts == ["Bad", "so bad"]
    assert [(t.token, t.column, t.start) for t in first.tokens] == [
        ("<title>", 0, None),
        ("bad", 0, 0),
        ("<review>", 1, None),
        ("so", 1, 0),
        ("bad", 1, 3),
    ]
    assert second.texts == ["", "good"]


def test_locate_of_a_single_column_has_no_marker():
    frame = pd.DataFrame({"review": ["so bad"]})
    (document,) = TextVectorizer().fit(frame).locate(frame)
    assert document.columns == []
    assert [t.token for t in document.tokens] == ["so", "bad"]


def test_locate_joins_documents_given_as_tokens():
    vectorizer = TextVectorizer(analyzer=list).fit([["not", "bad"]])
    (document,) = vectorizer.locate([["not", "bad", 7]])
    assert document.texts == ["not bad 7"]
    assert [(t.start, t.end) for t in document.tokens] == [(0, 3), (4, 7), (8, 9)]


def test_lower_is_context_free_for_all_other_characters():
    # an assumption of locate, checked for all of Unicode
    for code in range(0x110000):
        character = chr(code)
        if character == "Σ" or unicodedata.category(character) == "Cs":
            continue
        assert ("a" + character + "b").lower() == "a" + character.lower() + "b"
