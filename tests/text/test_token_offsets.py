import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_bilstm.text import token_offsets


def tokens_of(text, tokenizer=None):
    return [text[start:end] for start, end in token_offsets(text, tokenizer)]


@given(text=st.text())
def test_tokens_contain_all_characters_but_white_space(text):
    assert "".join(tokens_of(text)) == "".join(text.split())


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Anna's dog, (7.5 kg)", ["Anna", "'s", "dog", *",(", "7.5", "kg", ")"]),
        ("I'm @anna_1: #tag #1", ["I", "'m", "@anna_1", ":", "#tag", "#", "1"]),
        (
            "don\u2019t, CAN'T, 'so'",
            ["do", "n\u2019t", ",", "CA", "N'T", *",'", "so", "'"],
        ),
        ("(see http://a.b/c?d=1).", ["(", "see", "http://a.b/c?d=1", ")", "."]),
        ("www.a.org, a@b", ["www.a.org", ",", "a", "@", "b"]),
        ("\u597d@anna", ["\u597d", "@anna"]),
        ("1,000.50 in 2020.", ["1,000.50", "in", "2020", "."]),
        ("北京 is 大", ["北", "京", "is", "大"]),
        (
            "e\u0301t\u00e9 \U0001f468\u200d\U0001f469",
            ["e\u0301t\u00e9", "\U0001f468\u200d\U0001f469"],
        ),
        ("", []),
        (" \n", []),
    ],
)
def test_default_tokens(text, tokens):
    assert tokens_of(text) == tokens


def test_tokens_of_a_tokenizer_are_found_in_order():
    assert token_offsets("a b  a", str.split) == [(0, 1), (2, 3), (5, 6)]
    pairs = [(0, 1), (1, 4)]
    assert token_offsets("a bc", lambda text: pairs) == pairs


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (["a", "``"], "token '``' was not found in 'a \"b'"),
        ([(2, 1)], "ascending order.*got"),
        ([(0, 2), (1, 3)], "ascending order"),
        ([(0, 99)], "within the text"),
        ([None], "strings or pairs"),
        (["a", (2, 3)], "strings or pairs"),
    ],
)
def test_invalid_tokens_raise(found, message):
    with pytest.raises(ValueError, match=message):
        token_offsets('a "b', lambda text: found)
