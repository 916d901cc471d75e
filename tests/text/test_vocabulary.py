from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_bilstm.text._token_counts import count_tokens
from sklearn_bilstm.text._vocabulary import (
    check_vocabulary,
    encode,
    extend_vocabulary,
)

CORPUS = st.lists(
    st.lists(st.sampled_from("abcde"), max_size=6), min_size=1, max_size=8
)


def decoded(encoded):
    tokens = [encoded.tokens[code] for code in encoded.codes]
    starts = np.concatenate([[0], np.cumsum(encoded.lengths)])
    return [tokens[a:b] for a, b in pairwise(starts)]


def counted(*corpora):
    return [count_tokens(encode(corpus, list)) for corpus in corpora]


@given(corpus=CORPUS)
def test_encode_preserves_every_token(corpus):
    encoded = encode(corpus, list)
    assert decoded(encoded) == corpus
    assert len(set(encoded.tokens)) == len(encoded.tokens)


def test_a_missing_document_has_no_tokens():
    assert decoded(encode(["ab", None, "c"], list)) == [["a", "b"], [], ["c"]]


def test_unknown_tokens_have_id_one():
    encoded = encode(["abca"], list)
    assert encoded.ids({"a": 5, "c": 2}).tolist() == [5, 1, 2, 5]


def test_adding_counts_does_not_change_the_summands():
    first, second = counted(["ab"], ["bbc"])
    assert (first + second).codes == {"a": 0, "b": 1, "c": 2}
    assert first.codes == {"a": 0, "b": 1}
    assert first.occurrences.tolist() == [1, 1]


@pytest.mark.parametrize(
    ("min_df", "max_df", "kept"),
    [
        (1, 1.0, "abcd"),
        (2, 1.0, "abc"),
        (0.75, 1.0, "ab"),
        (1, 3, "bcd"),
        (1, 0.5, "cd"),
    ],
)
def test_ranked_sorts_by_occurrence_and_cuts_by_document_frequency(
    min_df, max_df, kept
):
    [counts] = counted(["aaab", "ab", "abcc", "acd"])
    assert counts.ranked(min_df, max_df) == list(kept)


@given(
    st.lists(st.text("abcdef"), min_size=1).flatmap(
        lambda x: st.tuples(st.just(x), st.permutations(x))
    )
)
def test_ranked_does_not_depend_on_the_order_of_documents(corpora):
    ranks = [counts.ranked(1, 1.0) for counts in counted(*corpora)]
    assert ranks[0] == ranks[1]


@given(corpus=CORPUS, known=st.sets(st.sampled_from("abcx")), n=st.integers(0, 6))
def test_max_features_counts_unknown_tokens_only(corpus, known, n):
    [counts] = counted(corpus)
    new = [token for token in counts.ranked(1, 1.0) if token not in known]
    assert counts.ranked(1, 1.0, max_features=n, excluded=known) == new[:n]


def test_incomparable_tokens_keep_the_order_of_appearance():
    tokens = [object(), "b", 1, object(), "a"]
    [counts] = counted([tokens])
    assert counts.ranked(1, 1.0) == tokens


def test_extend_vocabulary_assigns_the_next_ids():
    assert extend_vocabulary({}, "ab") == {"a": 2, "b": 3}
    assert extend_vocabulary({"x": 7, "y": 4}, "axb") == {
        "x": 7,
        "y": 4,
        "a": 8,
        "b": 9,
    }


@pytest.mark.parametrize("vocabulary", [["b", "a"], ("b", "a"), {"b": 2, "a": 3}])
def test_a_vocabulary_may_be_a_sequence_or_a_mapping(vocabulary):
    assert check_vocabulary(vocabulary) == {"b": 2, "a": 3}


def test_a_set_vocabulary_is_sorted():
    assert check_vocabulary({"b", "a"}) == {"a": 2, "b": 3}


@pytest.mark.parametrize(
    ("vocabulary", "message"),
    [
        ([], "not be empty"),
        (["a", "b", "a"], "'a' is duplicated"),
        ({"a": 1}, "at least 2.*'a' has 1"),
        ({"a": 2.5}, "'a' has 2.5"),
        ({"a": 2, "b": 2}, "each id once"),
    ],
)
def test_an_invalid_vocabulary_raises(vocabulary, message):
    with pytest.raises(ValueError, match=message):
        check_vocabulary(vocabulary)


def test_a_vocabulary_without_an_id_left_for_markers_is_an_error():
    largest = np.iinfo(np.int32).max
    assert extend_vocabulary({"a": largest}, ["a"]) == {"a": largest}
    with pytest.raises(ValueError, match="'vocabulary' parameter.*2147483647"):
        extend_vocabulary({"a": largest}, ["<title>"])
