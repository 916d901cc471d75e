from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_bilstm.text._vocabulary import (
    TokenCounts,
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
    return [encode(corpus, list, counting=True).counts for corpus in corpora]


@given(corpus=CORPUS)
def test_encoding_keeps_every_token_in_its_place(corpus):
    encoded = encode(corpus, list)
    assert decoded(encoded) == corpus
    assert len(set(encoded.tokens)) == len(encoded.tokens)


def test_a_document_that_is_none_is_empty():
    assert decoded(encode(["ab", None, "c"], list)) == [["a", "b"], [], ["c"]]


def test_ids_are_looked_up_and_unknown_tokens_are_one():
    encoded = encode(["abca"], list)
    assert encoded.ids({"a": 5, "c": 2}).tolist() == [5, 1, 2, 5]


@given(corpus=CORPUS, cut=st.integers(0, 8))
def test_counts_equal_those_of_a_counter_at_once_or_in_parts(corpus, cut):
    counts = sum(counted(corpus[:cut], corpus[cut:]), TokenCounts())
    occurrences = Counter(token for document in corpus for token in document)
    documents = Counter(token for document in corpus for token in set(document))
    assert counts.n_documents == len(corpus)
    for token, code in counts.codes.items():
        assert counts.occurrences[code] == occurrences[token]
        assert counts.documents[code] == documents[token]
    assert counts.codes.keys() == occurrences.keys()


def test_counting_leaves_the_earlier_counts_alone():
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
def test_tokens_are_ranked_by_occurrence_and_cut_by_document_frequency(
    min_df, max_df, kept
):
    [counts] = counted(["aaab", "ab", "abcc", "acd"])
    assert counts.ranked(min_df, max_df) == list(kept)


@given(
    st.lists(st.text("abcdef"), min_size=1).flatmap(
        lambda x: st.tuples(st.just(x), st.permutations(x))
    )
)
def test_the_order_of_the_documents_does_not_matter(corpora):
    ranks = [counts.ranked(1, 1.0) for counts in counted(*corpora)]
    assert ranks[0] == ranks[1]


@given(corpus=CORPUS, known=st.sets(st.sampled_from("abcx")), n=st.integers(0, 6))
def test_a_cut_takes_the_first_of_the_tokens_that_are_not_known(corpus, known, n):
    [counts] = counted(corpus)
    new = [token for token in counts.ranked(1, 1.0) if token not in known]
    assert counts.ranked(1, 1.0, max_features=n, known=known) == new[:n]


def test_tokens_that_cannot_be_compared_keep_the_order_in_which_they_were_met():
    tokens = [object(), "b", 1, object(), "a"]
    [counts] = counted([tokens])
    assert counts.ranked(1, 1.0) == tokens


def test_new_tokens_get_the_next_ids():
    assert extend_vocabulary({}, "ab") == {"a": 2, "b": 3}
    assert extend_vocabulary({"x": 7, "y": 4}, "axb") == {
        "x": 7,
        "y": 4,
        "a": 8,
        "b": 9,
    }


@pytest.mark.parametrize("vocabulary", [["b", "a"], ("b", "a"), {"b": 2, "a": 3}])
def test_a_vocabulary_may_be_tokens_or_a_mapping(vocabulary):
    assert check_vocabulary(vocabulary) == {"b": 2, "a": 3}


def test_a_set_is_sorted_so_that_every_process_gives_the_same_ids():
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
def test_a_bad_vocabulary_is_refused(vocabulary, message):
    with pytest.raises(ValueError, match=message):
        check_vocabulary(vocabulary)
