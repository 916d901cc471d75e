from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from sklearn_bilstm.onnx._sentences import Words, describe_words, sentences_of
from sklearn_bilstm.text import WordReader
from tests.helpers import rows_of

SENTENCES = [["The", "cat"], [], ["the", "dog", "The"]]
OTHERS = [["THE", "Cat", "cat"], [], ["", "bird", "é"], ["abcdefghijklm" * 3]]
WITH_CHARACTERS = SimpleNamespace(characters="an encoder")
WITHOUT = SimpleNamespace(characters=None)


@pytest.mark.parametrize("lowercase", [True, False])
def test_restored_words_read_sentences_as_the_word_reader(lowercase):
    reader = WordReader(lowercase=lowercase).fit(SENTENCES)
    words = Words.from_description(describe_words(reader, WITH_CHARACTERS))
    for sentences in (SENTENCES, OTHERS, [[]]):
        expected = reader.read(sentences)
        ids, characters, texts = words.read(sentences)
        assert ids.values.tolist() == expected.ids.tolist()
        assert ids.lengths.tolist() == expected.lengths.tolist()
        spellings = expected.spellings[expected.codes]
        assert characters.values.tolist() == spellings.tolist()
        tokens = [[texts.texts[code] for code in row] for row in rows_of(texts.codes)]
        assert tokens == sentences


def test_words_are_described_in_the_order_of_their_ids():
    reader = WordReader().fit(SENTENCES)
    reader.vocabulary_ = {"dog": 4, "the": 2, "cat": 3}
    described = describe_words(reader, WITHOUT)
    assert described == {"vocabulary": ["the", "cat", "dog"], "characters": None}
    ids, characters, _ = Words.from_description(described).read([["dog", "the", "x"]])
    assert rows_of(ids) == [[4, 2, 1]]
    assert characters is None


def test_a_tagger_of_ids_has_no_words():
    assert describe_words(None, WITHOUT) is None


@pytest.mark.parametrize(
    "X",
    [
        SENTENCES,
        tuple(map(tuple, SENTENCES)),
        pd.Series(SENTENCES),
        pd.DataFrame({"tokens": SENTENCES}),
        [np.array(row, dtype=object) for row in SENTENCES],
    ],
    ids=lambda X: type(X).__name__,
)
def test_sentences_in_any_container_are_read(X):
    assert sentences_of(X, Words({}, None)) == SENTENCES


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ([[3, 4]], "X must hold lists of tokens, as in fit"),
        (np.zeros((2, 3)), "X must hold lists of tokens, as in fit"),
        (["a b"], "row 0 is 'a b'. Split it"),
        ("a b", "a list of tokens for each sentence"),
        ([], "at least one row"),
        ([["a", 3]], "row 0 holds 3"),
    ],
)
def test_other_input_of_a_tagger_of_words_raises(X, message):
    with pytest.raises(ValueError, match=message):
        sentences_of(X, Words({}, None))


def test_words_for_a_tagger_of_ids_raise():
    assert sentences_of([[3, 4]], None) is None
    with pytest.raises(ValueError, match="token ids or numbers, as in fit: got lists"):
        sentences_of(SENTENCES, None)
