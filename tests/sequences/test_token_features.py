import numpy as np
import pytest

from sklearn_bilstm.sequences import (
    N_TOKEN_FEATURES,
    RaggedArray,
    TokenTexts,
    token_features,
)

SENTENCES = [
    ["Anna", "met", "anna", "in", "New-York", "on", "3.10.2021", "!"],
    [],
    ["anna"],
    ["ANNA", "AnnA", "B2B", "b2b", "naïve", "東京", "は"],
    ["x" * 60, "x" * 61, "x" * 24 + "y" * 9 + "x" * 24, "in", "in", "in"],
    ["\ud800", "annex", "Annex", "a", "an", "ann"],
]


def texts_of(sentences):
    texts = sorted({token for row in sentences for token in row})
    codes = [texts.index(token) for row in sentences for token in row]
    offsets = np.cumsum([0, *map(len, sentences)])
    return TokenTexts(RaggedArray(np.array(codes, int), offsets), texts)


def class_of(character):
    for name in ("isupper", "islower", "isdigit", "isalpha"):
        if getattr(character, name)():
            return name
    return character


def cut(text):
    return text if len(text) <= 48 else text[:24] + text[-24:]


def own_features(token):
    """Return the features of a token by plain string operations."""
    text, lower = cut(token), cut(token.lower())
    classes = [class_of(c) for c in text]
    runs = [c for i, c in enumerate(classes) if i == 0 or c != classes[i - 1]]
    prefixes = [lower[:n] if len(lower) >= n else None for n in range(1, 5)]
    suffixes = [lower[-n:][::-1] if len(lower) >= n else None for n in range(1, 5)]
    return [text, lower, tuple(runs), tuple(classes[:12]), *prefixes, *suffixes]


def slow_features(row, i):
    """Return the features of a token of a sentence, None if there is none."""

    def at(offset, column):
        place = i + offset
        if 0 <= place < len(row):
            return own_features(row[place])[column]
        return "before" if place < 0 else "after"

    def all_of(*pairs):
        found = tuple(at(*pair) for pair in pairs)
        return None if None in found else found

    lower, shape, suffix = 1, 2, 10
    near = [at(d, column) for d in (-2, -1, 1, 2) for column in (lower, shape)]
    return [
        *own_features(row[i]),
        *near,
        at(-1, suffix),
        at(1, suffix),
        all_of((-1, lower), (0, lower)),
        all_of((0, lower), (1, lower)),
        all_of((-1, lower), (1, lower)),
        all_of((-2, lower), (-1, lower)),
        all_of((1, lower), (2, lower)),
        all_of((-1, shape), (0, shape), (1, shape)),
        (at(0, shape), i == 0),
        "bias",
    ]


def test_features_are_equal_exactly_if_strings_are():
    found = token_features(texts_of(SENTENCES))
    expected = [slow_features(row, i) for row in SENTENCES for i in range(len(row))]
    assert found.shape == (len(expected), len(expected[0]))
    for column, strings in zip(found.T, zip(*expected, strict=True), strict=True):
        same = [[a == b for a in strings] for b in strings]
        np.testing.assert_array_equal(column[:, None] == column, same)
        np.testing.assert_array_equal(column == 0, [s is None for s in strings])


def test_features_of_different_columns_differ():
    found = token_features(texts_of(SENTENCES))
    columns = [set(column.tolist()) - {0} for column in found.T]
    assert len(set.union(*columns)) == sum(map(len, columns))


def test_features_do_not_depend_on_other_rows():
    texts = texts_of(SENTENCES)
    whole = RaggedArray(token_features(texts), texts.codes.offsets)
    for rows in ([3], [5, 0], [1], [4, 2, 1]):
        some = np.array(rows)
        np.testing.assert_array_equal(
            token_features(texts.take(some)), whole.take(some).values
        )


def test_an_empty_token_has_no_features_but_those_of_its_place():
    ((first, second),) = [token_features(texts_of([["", "left"]]))]
    no_place = slow_features(["", "left"], 0)
    assert not first[:12].any()
    assert first[-1] == second[-1] > 0
    assert len(no_place) == len(first)
    alone = token_features(texts_of([["left"]]))[0]
    np.testing.assert_array_equal(second[:12], alone[:12])


@pytest.mark.parametrize("sentences", [[], [[]], [[], []]])
def test_no_tokens_have_no_features(sentences):
    assert token_features(texts_of(sentences)).shape == (0, N_TOKEN_FEATURES)
