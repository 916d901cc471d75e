import pickle
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer

from sklearn_bilstm.sequences import HashedNgramVocabulary, _ngrams
from sklearn_bilstm.sequences._ngrams import hashed_ngrams
from tests.helpers import ragged

ROWS = st.lists(st.lists(st.integers(1, 9), max_size=8), min_size=1, max_size=5)


@given(rows=ROWS, lengths=st.sampled_from([(1, 1), (1, 2), (2, 3), (3, 3)]))
def test_equal_ngrams_share_a_bucket_at_their_last_step(rows, lengths):
    buckets = hashed_ngrams(ragged(rows), lengths, 31)
    bucket_of = {}
    for length, found in zip(range(lengths[0], lengths[1] + 1), buckets, strict=True):
        ends = iter(found.tolist())
        for row in rows:
            for end in range(1, len(row) + 1):
                bucket = next(ends)
                if end < length:
                    assert bucket == -1
                else:
                    ngram = tuple(row[end - length : end])
                    assert bucket_of.setdefault(ngram, bucket) == bucket
        assert next(ends, None) is None
    assert len(set(bucket_of.values())) == len(bucket_of)
    assert min(bucket_of.values(), default=0) >= 0


def test_buckets_depend_on_the_order_of_tokens_only():
    buckets = hashed_ngrams(ragged([[2, 3], [3, 2], [2, 3]]), (2, 2), 30)[0]
    _, ab, _, ba, _, also_ab = buckets
    assert ab == also_ab != ba


@given(rows=ROWS, lengths=st.sampled_from([(1, 1), (1, 2), (2, 3)]))
def test_counts_equal_countvectorizer(rows, lengths):
    texts = [" ".join(map(str, row)) for row in rows]
    counter = CountVectorizer(ngram_range=lengths, token_pattern=r"\S+")
    counts = (
        HashedNgramVocabulary(lengths).fit(ragged(rows)).counts(ragged(rows)).toarray()
    )
    try:
        expected = counter.fit_transform(texts).toarray()
    except ValueError:  # no n-gram at all
        assert not counts.any()
        return
    assert sorted(map(tuple, counts.T)) == sorted(map(tuple, expected.T))


def test_unseen_ngrams_have_no_column_and_unseen_ids_are_unknown():
    columns = HashedNgramVocabulary((1, 2)).fit(ragged([[1, 2], [3]]))
    assert columns.n_columns == 4
    unknown, two = columns.at_steps(ragged([[1, 2]]))[0]
    found = columns.at_steps(ragged([[4, 2], [2, 3]]))
    assert found[0].tolist()[:2] == [unknown, two]
    assert found[1].tolist() == [-1, *columns.at_steps(ragged([[1, 2]]))[1, 1:], -1, -1]


def test_counts_reuse_given_columns():
    rows = ragged([[1, 2], [2, 2, 3]])
    columns = HashedNgramVocabulary((1, 2)).fit(rows)
    found = columns.at_steps(rows)
    assert np.array_equal(
        columns.counts(rows, found).toarray(), columns.counts(rows).toarray()
    )
    assert columns.counts(rows, np.full_like(found, -1)).nnz == 0


@pytest.fixture
def many_columns(monkeypatch):
    """Look up even few columns by rank."""
    monkeypatch.setattr(_ngrams, "_FEW_COLUMNS", 1)


def test_a_refit_resets_the_columns(many_columns):
    rows, others = ragged([[1, 2], [2, 2, 3]]), ragged([[5, 1, 2]])
    columns = HashedNgramVocabulary((1, 2)).fit(rows)
    columns.at_steps(rows)
    found = columns.fit(others).at_steps(others)
    assert np.array_equal(
        found, HashedNgramVocabulary((1, 2)).fit(others).at_steps(others)
    )


def test_lookup_table_is_not_pickled(many_columns):
    rows = ragged([[1, 2], [2, 2, 3]])
    columns = HashedNgramVocabulary((1, 2)).fit(rows)
    stored = pickle.dumps(columns)
    found = columns.at_steps(rows)
    assert pickle.dumps(columns) == stored
    assert np.array_equal(pickle.loads(stored).at_steps(rows), found)


@pytest.mark.parametrize("n_bits", [1, 3, 8, 17, 19])
def test_column_of_a_bucket_is_its_rank(n_bits):
    random = np.random.RandomState(0)
    fitted = np.flatnonzero(random.rand(2**n_bits) < 0.5).astype(np.int32)
    columns = HashedNgramVocabulary((1, 1), n_bits)
    columns.buckets = fitted
    wanted = np.arange(-1, 2**n_bits, dtype=np.int32)
    expected = np.where(np.isin(wanted, fitted), np.searchsorted(fitted, wanted), -1)
    assert np.array_equal(columns._of_buckets(wanted), expected)


def test_rare_ngrams_have_no_column_with_many_rows():
    X = np.random.RandomState(0).randint(2, 2000, size=(2500, 3))
    n_rows_with = Counter(token for row in X for token in set(row.tolist()))
    columns = HashedNgramVocabulary((1, 1)).fit(ragged(X.tolist()))
    assert columns.n_columns == sum(n >= 2 for n in n_rows_with.values())


def test_rarity_counts_rows_rather_than_occurrences():
    rows = [[1, 2]] * 2500 + [[3, 3]]
    assert HashedNgramVocabulary((1, 1)).fit(ragged(rows)).n_columns == 2


def test_few_of_many_ngrams_collide():
    columns = HashedNgramVocabulary((1, 1)).fit(
        ragged([np.arange(2, 100_002).tolist()])
    )
    assert 99_500 < columns.n_columns <= 100_000


def test_columns_do_not_depend_on_the_number_of_rows():
    random = np.random.RandomState(0)
    columns = HashedNgramVocabulary((1, 3)).fit(
        ragged(random.randint(1, 50, size=(100, 20)))
    )
    rows = random.randint(1, 60, size=(2000, 20))
    found = columns.at_steps(ragged(rows))
    parts = [columns.at_steps(ragged(part)) for part in np.split(rows, 20)]
    assert np.array_equal(found, np.concatenate(parts, axis=1))
    assert (found[2] == -1).any()
    assert (found[2] >= 0).any()


@pytest.mark.parametrize("n_bits", [1, 10, 24])
def test_buckets_are_filled_evenly(n_bits):
    tokens = np.arange(2, 60_000)
    buckets = hashed_ngrams(ragged([tokens.tolist()]), (1, 2), n_bits)
    buckets = buckets[buckets >= 0]
    assert len(buckets) == 2 * len(tokens) - 1
    assert buckets.max() < 2**n_bits
    n_balls, n_bins = len(buckets), 2**n_bits
    n_hit = len(np.unique(buckets))
    expected = n_bins * (1 - np.exp(-n_balls / n_bins))
    assert abs(n_hit - expected) <= 0.01 * expected


@given(rows=ROWS, least=st.sampled_from([1, 2]))
def test_vocabulary_and_counts_do_not_depend_on_the_parts(rows, least):
    sequences = ragged(rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_ngrams, "_MANY_SEQUENCES", 0 if least == 2 else 9)
        whole = HashedNgramVocabulary((1, 2), 16).fit(sequences)
        expected = whole.counts(sequences)
        patch.setattr(_ngrams, "_STEPS_AT_A_TIME", 3)
        in_parts = HashedNgramVocabulary((1, 2), 16).fit(sequences)
        found = in_parts.counts(sequences)
    assert np.array_equal(in_parts.buckets, whole.buckets)
    assert in_parts.buckets.dtype == whole.buckets.dtype
    for name in ("data", "indices", "indptr"):
        assert np.array_equal(getattr(found, name), getattr(expected, name))


@given(rows=ROWS, lengths=st.sampled_from([(1, 1), (1, 2), (2, 3)]), data=st.data())
def test_a_part_of_the_ngrams_has_their_columns_of_counts(rows, lengths, data):
    vocabulary = HashedNgramVocabulary(lengths).fit(ragged(rows))
    whole = vocabulary.counts(ragged(rows)).toarray()
    chosen = data.draw(st.sets(st.integers(0, max(0, vocabulary.n_columns - 1))))
    columns = np.array(sorted(chosen if vocabulary.n_columns else []), int)
    part = vocabulary.take(columns)
    assert part.n_columns == len(columns)
    found = part.counts(ragged(rows)).toarray()
    expected = whole[:, columns] if len(columns) else np.zeros((len(rows), 1))
    assert np.array_equal(found, expected)
    assert np.array_equal(vocabulary.counts(ragged(rows)).toarray(), whole)


@given(rows=ROWS, largest=st.integers(1, 12))
def test_ids_above_the_largest_are_read_as_the_unknown_id(rows, largest):
    vocabulary = HashedNgramVocabulary((1, 2)).fit(ragged([*rows, [1, 1]]))
    smaller = vocabulary.take(np.arange(vocabulary.n_columns), largest)
    known = [[token if token <= largest else 1 for token in row] for row in rows]
    expected = vocabulary.at_steps(ragged(known))
    assert np.array_equal(smaller.at_steps(ragged(rows)), expected)
