import pickle
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer

from sklearn_bilstm.text import TextVectorizer, make_analyzer, tokenize
from sklearn_bilstm.text._analysis import analyze_fields

SETTINGS = {
    "lowercase": True,
    "strip_accents": None,
    "preprocessor": None,
    "stop_words": None,
}


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("I am a fan", ["I", "am", "a", "fan"]),
        ("not bad, isn't it?", ["not", "bad", "isn't", "it", "?"]),
        ("don\N{RIGHT SINGLE QUOTATION MARK}t", ["don't"]),
        ("'quoted' rock 'n' roll", ["quoted", "rock", "n", "roll"]),
        ("great!!", ["great", "!", "!"]),
        ("¿qué? ¡sí!", ["¿", "qué", "?", "¡", "sí", "!"]),
        ("7/10 - well-made (really).", ["7", "10", "well", "made", "really"]),
        ("", []),
        (" ,. \t\n", []),
    ],
)
def test_tokenize_splits_words_and_punctuation(text, tokens):
    assert tokenize(text) == tokens


@pytest.mark.parametrize(
    "emoticon", [":)", ":-(", ";)", ":'(", "=]", ":D", ":-p", ":/", "<3", "^_^", "-_-"]
)
def test_tokenize_keeps_emoticons(emoticon):
    assert tokenize(f"nice {emoticon} film") == ["nice", emoticon, "film"]


def test_tokenize_keeps_emoticons_after_words_but_not_in_urls_and_times():
    assert tokenize("great:) film") == ["great", ":)", "film"]
    assert tokenize("http://x.org at 10:30") == ["http", "x", "org", "at", "10", "30"]


@pytest.mark.parametrize(
    "emoji",
    [
        "\U0001f600",
        "\u2764\ufe0f",
        "\U0001f44d\U0001f3fd",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467",
        "\U0001f1e9\U0001f1ea",
    ],
    ids=["smile", "heart", "skin tone", "family", "flag"],
)
def test_tokenize_keeps_composed_emoji(emoji):
    assert tokenize(f"so{emoji}{emoji}good") == ["so", emoji, emoji, "good"]


@given(st.text(st.characters(codec="ascii")))
def test_tokenize_gives_equal_tokens_before_non_ascii_text(text):
    assert tokenize(f"{text} \N{LATIN SMALL LETTER E WITH ACUTE}") == [
        *tokenize(text),
        "\N{LATIN SMALL LETTER E WITH ACUTE}",
    ]


def test_tokenize_splits_every_cjk_character():
    assert tokenize("这部电影a好") == ["这", "部", "电", "影", "a", "好"]
    assert tokenize("すごいカメラ") == list("すごいカメラ")
    assert tokenize("영화") == ["영", "화"]


@pytest.mark.parametrize("word", ["नमस्ते", "cafe\u0301", "שָׁלוֹם", "தமிழ்"])
def test_tokenize_keeps_combining_marks(word):
    assert tokenize(f"{word} {word}") == [word, word]


def test_default_analyzer_is_the_lowercasing_tokenizer():
    analyze = make_analyzer(
        analyzer="word", tokenizer=None, token_pattern=None, **SETTINGS
    )
    assert list(analyze("I DON'T!")) == ["i", "don't", "!"]


@pytest.mark.parametrize(
    "changed",
    [
        {"analyzer": "char"},
        {"token_pattern": r"(?u)\b\w\w+\b"},
        {"token_pattern": r"(?u)\b\w\w+\b", "stop_words": "english"},
        {"token_pattern": r"(\w)\w+", "strip_accents": "unicode", "lowercase": False},
        {"tokenizer": str.split, "preprocessor": str.swapcase},
    ],
    ids=str,
)
def test_analyzer_parameters_agree_with_countvectorizer(changed):
    text = "The  Café isn't\nTHAT bad, is it?"
    settings = {"analyzer": "word", "tokenizer": None, "token_pattern": None}
    analyze = make_analyzer(**{**SETTINGS, **settings, **changed})
    reference = CountVectorizer(**changed).build_analyzer()
    assert list(analyze(text)) == list(reference(text))


# The parameters of both analyzers, but for `tokenize`, which only one has.
SETTINGS_OF_BOTH = st.fixed_dictionaries(
    {
        "analyzer": st.sampled_from(["word", "char"]),
        "lowercase": st.booleans(),
        "strip_accents": st.sampled_from([None, "ascii", "unicode", str.swapcase]),
        "token_pattern": st.sampled_from(
            [r"(?u)\b\w\w+\b", r"(\w)\w*", r"[^\W\d]+|\d", r"\S*"]
        ),
        "tokenizer": st.sampled_from([None, str.split, tokenize]),
        "preprocessor": st.sampled_from([None, str.title]),
        "stop_words": st.sampled_from([None, "english", ["a", "the", "İ"]]),
    }
)
# Characters whose case, accents and widths are special, and white space of all kinds.
TEXTS = st.text() | st.text(
    "aAéÉe\u0301ßİ\u0131\u03c3\u03c2\u03a3ﬁ½Å\u00a0\u2003 \t\n.!'1the"
)


@given(settings=SETTINGS_OF_BOTH, text=TEXTS)
@example(
    settings={**SETTINGS, "analyzer": "char", "token_pattern": ".", "tokenizer": None},
    text="a\u2003\n b",
)
@pytest.mark.filterwarnings("ignore:Your stop_words may be inconsistent")
def test_tokens_equal_those_of_countvectorizer(settings, text):
    reference = CountVectorizer(**settings).build_analyzer()
    assert list(make_analyzer(**settings)(text)) == list(reference(text))


@pytest.mark.parametrize("analyzer", ["word", "char", str.split])
def test_bytes_are_decoded_as_by_countvectorizer(analyzer):
    settings = {"analyzer": analyzer, "tokenizer": None, "token_pattern": r"\w+"}
    document = "Été café".encode()
    reference = CountVectorizer(**settings).build_analyzer()
    assert make_analyzer(**settings)(document) == reference(document)


@pytest.mark.parametrize(
    "changed",
    [
        {"strip_accents": "all"},
        {"stop_words": "german"},
        {"analyzer": "words"},
        {"token_pattern": r"(\w)(\w)"},
    ],
    ids=str,
)
def test_invalid_settings_raise_as_by_countvectorizer(changed):
    settings = {**SETTINGS, "analyzer": "word", "tokenizer": None}
    settings = {**settings, "token_pattern": r"\w+", **changed}
    with pytest.raises(ValueError, match=".") as expected:
        CountVectorizer(**settings).build_analyzer()
    with pytest.raises(ValueError, match=re.escape(str(expected.value))):
        make_analyzer(**settings)


def test_inconsistent_stop_words_warn_as_by_countvectorizer():
    settings = {**SETTINGS, "analyzer": "word", "tokenizer": None}
    settings = {**settings, "token_pattern": r"\w", "stop_words": ["the", "t"]}
    with pytest.warns(UserWarning, match="stop_words") as expected:
        CountVectorizer(**settings).build_analyzer()
    with pytest.warns(UserWarning, match=re.escape(str(expected[0].message))):
        make_analyzer(**settings)


def test_analyzer_can_be_pickled():
    analyze = make_analyzer(
        analyzer="word", tokenizer=None, token_pattern=None, **SETTINGS
    )
    assert list(pickle.loads(pickle.dumps(analyze))("Good!")) == ["good", "!"]


def test_fields_follow_their_markers():
    tokens = analyze_fields(
        ("a b", None, "c"), markers=["<x>", "<y>", "<z>"], analyze=str.split
    )
    assert tokens == ["<x>", "a", "b", "<y>", "<z>", "c"]


def test_a_preprocessor_that_returns_nothing_is_an_error():
    vectorizer = TextVectorizer(preprocessor=lambda text: None)
    with pytest.raises(ValueError, match="'preprocessor' parameter.*None.*'a text'"):
        vectorizer.fit(["a text"])
