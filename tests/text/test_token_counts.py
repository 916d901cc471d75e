from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from sklearn_bilstm.text._token_counts import count_tokens
from sklearn_bilstm.text._vocabulary import TokenCounts, encode

CORPUS = st.lists(
    st.lists(st.sampled_from("abcde"), max_size=6), min_size=1, max_size=8
)


def counted(*corpora):
    return [count_tokens(encode(corpus, list)) for corpus in corpora]


@given(corpus=CORPUS, cut=st.integers(0, 8))
def test_counts_of_parts_add_up_to_a_counter(corpus, cut):
    counts = sum(counted(corpus[:cut], corpus[cut:]), TokenCounts())
    occurrences = Counter(token for document in corpus for token in document)
    documents = Counter(token for document in corpus for token in set(document))
    assert counts.n_documents == len(corpus)
    for token, code in counts.codes.items():
        assert counts.occurrences[code] == occurrences[token]
        assert counts.documents[code] == documents[token]
    assert counts.codes.keys() == occurrences.keys()
