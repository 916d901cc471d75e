import numpy as np
import pytest

from sklearn_bilstm.text import WordReader

SENTENCES = [["The", "cat"], [], ["the", "dog", "The"]]


def tokens_of(reader, sentences):
    """Return what the ids of tokens stand for, None for the unknown one."""
    token_of = {id_: token for token, id_ in reader.vocabulary_.items()}
    words = reader.read(sentences)
    bounds = np.cumsum(words.lengths)[:-1]
    return [[token_of.get(i) for i in row] for row in np.split(words.ids, bounds)]


def spellings_of(reader, sentences):
    """Return the characters that each token is spelled with, ? for unknown ones."""
    character_of = {0: "", 1: "?"} | {i: c for c, i in reader.characters_.items()}
    words = reader.read(sentences)
    return [
        "".join(character_of[i] for i in words.spellings[row]) for row in words.spelled
    ]


def test_tokens_that_differ_in_case_share_an_id():
    reader = WordReader().fit(SENTENCES)
    assert set(reader.vocabulary_) == {"the", "cat", "dog"}
    assert tokens_of(reader, [["THE", "Cat"]]) == [["the", "cat"]]


def test_case_may_be_kept_and_helps_where_it_is_not_known():
    reader = WordReader(lowercase=False).fit(SENTENCES)
    assert set(reader.vocabulary_) == {"The", "the", "cat", "dog"}
    assert tokens_of(reader, [["The", "the", "THE", "Cat"]]) == [
        ["The", "the", "the", "cat"]
    ]


def test_the_most_frequent_come_first_and_ids_begin_behind_the_reserved():
    reader = WordReader(max_features=2).fit(SENTENCES)
    assert reader.vocabulary_ == {"the": 2, "cat": 3}
    assert reader.n_ids == 4
    assert tokens_of(reader, [["dog", "the"]]) == [[None, "the"]]


def test_rare_tokens_are_unknown_but_spelled():
    reader = WordReader(min_df=2).fit(SENTENCES)
    assert tokens_of(reader, SENTENCES) == [["the", None], [], ["the", None, "the"]]
    assert spellings_of(reader, SENTENCES) == ["The", "cat", "the", "dog", "The"]


def test_known_words_have_ids_although_no_sentence_has_them():
    reader = WordReader().fit(SENTENCES, known=["bird", "dog", "Paris"])
    assert reader.vocabulary_ == {"bird": 2, "dog": 3, "the": 4, "cat": 5}
    kept = WordReader(lowercase=False).fit(SENTENCES, known=["Paris"])
    assert tokens_of(kept, [["Paris"]]) == [["Paris"]]


def test_sentences_keep_their_lengths():
    words = WordReader().fit(SENTENCES).read(SENTENCES)
    assert words.lengths.tolist() == [2, 0, 3]
    assert len(words.ids) == len(words.spelled) == 5


def test_an_unknown_character_is_one_for_all_and_case_is_kept():
    reader = WordReader().fit(SENTENCES)
    assert spellings_of(reader, [["The", "Tho", "§€"]]) == ["The", "Tho", "??"]
    assert reader.n_characters == len(set("Thecatdoge")) + 2


@pytest.mark.parametrize("length", [19, 20, 21, 1000])
def test_of_a_long_token_the_ends_are_spelled(length):
    token = "a" * (length // 2) + "b" * (length - length // 2)
    (spelled,) = spellings_of(WordReader().fit([[token]]), [[token]])
    half = min(10, length // 2)
    assert spelled.startswith("a" * half)
    assert spelled.endswith("b" * half)
    assert len(spelled) == min(length, 20)


def test_the_order_of_sentences_decides_nothing():
    first, second = (WordReader().fit(rows) for rows in (SENTENCES, SENTENCES[::-1]))
    assert first.vocabulary_ == second.vocabulary_
    assert first.characters_ == second.characters_


def test_what_is_empty_can_be_read():
    reader = WordReader().fit([[]])
    assert tokens_of(reader, [[], ["", "a"]]) == [[], [None, None]]
    assert reader.read([[]]).ids.shape == (0,)
