import numpy as np
import pytest

from sklearn_bilstm.text import WordReader

SENTENCES = [["The", "cat"], [], ["the", "dog", "The"]]


def tokens_of(reader, sentences):
    """Return the vocabulary entries of sentences, None for unknown tokens."""
    token_of = {id_: token for token, id_ in reader.vocabulary_.items()}
    words = reader.read(sentences)
    bounds = np.cumsum(words.lengths)[:-1]
    return [[token_of.get(i) for i in row] for row in np.split(words.ids, bounds)]


def spellings_of(reader, sentences):
    """Return the encoded characters of each token, ? for unknown ones."""
    character_of = {0: "", 1: "?"} | {i: c for c, i in reader.characters_.items()}
    words = reader.read(sentences)
    return [
        "".join(character_of[i] for i in words.spellings[row]) for row in words.codes
    ]


def test_lowercase_merges_tokens_that_differ_in_case():
    reader = WordReader().fit(SENTENCES)
    assert set(reader.vocabulary_) == {"the", "cat", "dog"}
    assert tokens_of(reader, [["THE", "Cat"]]) == [["the", "cat"]]


def test_lowercase_false_keeps_case_and_falls_back_to_lowercase():
    reader = WordReader(lowercase=False).fit(SENTENCES)
    assert set(reader.vocabulary_) == {"The", "the", "cat", "dog"}
    assert tokens_of(reader, [["The", "the", "THE", "Cat"]]) == [
        ["The", "the", "the", "cat"]
    ]


def test_max_features_keeps_the_most_frequent_and_ids_follow_the_reserved():
    reader = WordReader(max_features=2).fit(SENTENCES)
    assert reader.vocabulary_ == {"the": 2, "cat": 3}
    assert reader.n_ids == 4
    assert tokens_of(reader, [["dog", "the"]]) == [[None, "the"]]


def test_min_df_makes_rare_tokens_unknown_but_keeps_characters():
    reader = WordReader(min_df=2).fit(SENTENCES)
    assert tokens_of(reader, SENTENCES) == [["the", None], [], ["the", None, "the"]]
    assert spellings_of(reader, SENTENCES) == ["The", "cat", "the", "dog", "The"]


def test_known_words_are_added_to_the_vocabulary():
    reader = WordReader().fit(SENTENCES, included=["bird", "dog", "Paris"])
    assert reader.vocabulary_ == {"bird": 2, "dog": 3, "the": 4, "cat": 5}
    kept = WordReader(lowercase=False).fit(SENTENCES, included=["Paris"])
    assert tokens_of(kept, [["Paris"]]) == [["Paris"]]


def test_read_keeps_the_lengths_of_sentences():
    words = WordReader().fit(SENTENCES).read(SENTENCES)
    assert words.lengths.tolist() == [2, 0, 3]
    assert len(words.ids) == len(words.codes) == 5


def test_characters_keep_case_and_unknown_ones_share_an_id():
    reader = WordReader().fit(SENTENCES)
    assert spellings_of(reader, [["The", "Tho", "§€"]]) == ["The", "Tho", "??"]
    assert reader.n_characters == len(set("Thecatdoge")) + 2


@pytest.mark.parametrize("length", [19, 20, 21, 1000])
def test_long_tokens_keep_their_first_and_last_ten_characters(length):
    token = "a" * (length // 2) + "b" * (length - length // 2)
    (spelled,) = spellings_of(WordReader().fit([[token]]), [[token]])
    half = min(10, length // 2)
    assert spelled.startswith("a" * half)
    assert spelled.endswith("b" * half)
    assert len(spelled) == min(length, 20)


def test_vocabulary_does_not_depend_on_the_order_of_sentences():
    first, second = (WordReader().fit(rows) for rows in (SENTENCES, SENTENCES[::-1]))
    assert first.vocabulary_ == second.vocabulary_
    assert first.characters_ == second.characters_


def test_empty_sentences_and_tokens_are_read():
    reader = WordReader().fit([[]])
    assert tokens_of(reader, [[], ["", "a"]]) == [[], [None, None]]
    assert reader.read([[]]).ids.shape == (0,)


def test_removed_tokens_are_unknown_and_characters_stay():
    reader = WordReader().fit(SENTENCES)
    smaller = reader.with_first_tokens(3)
    (first,) = smaller.vocabulary_
    assert reader.vocabulary_[first] == smaller.vocabulary_[first] == 2
    others = [[token for token in reader.vocabulary_ if token != first]]
    assert tokens_of(smaller, [*others, [first]]) == [[None, None], [first]]
    assert spellings_of(smaller, SENTENCES) == spellings_of(reader, SENTENCES)
    assert len(reader.vocabulary_) == 3


@pytest.mark.parametrize("lowercase", [True, False])
@pytest.mark.parametrize("n_ids", [2, 3, 4, 5, 6])
def test_ids_of_a_larger_reader_are_converted_to_those_of_new_readings(
    lowercase, n_ids
):
    # without `lowercase`, a removed "The" is read as "the"
    sentences = [["the", "the", "the", "The", "Dog"], ["The", "cat", "THE", "dog"]]
    reader = WordReader(lowercase).fit(sentences)
    smaller = reader.with_first_tokens(n_ids)
    ids = smaller.ids_of(reader)
    assert ids[0] == 0
    found = ids[reader.read(sentences).ids]
    assert found.tolist() == smaller.read(sentences).ids.tolist()
    assert found.max() < n_ids
