from dataclasses import replace

import pytest

from sklearn_bilstm.text._counting import DocumentCounts, encode_documents
from sklearn_bilstm.text._documents import read_documents

SETTINGS = {
    "lowercase": True,
    "strip_accents": None,
    "preprocessor": None,
    "tokenizer": None,
    "token_pattern": None,
    "analyzer": "word",
    "stop_words": None,
}
TEXTS = ["a good film", "a bad, bad film", "dull"]


def counts_of(texts):
    documents = read_documents(texts, missing="empty", any_type=False)
    parts = encode_documents(documents, SETTINGS, n_jobs=None, counting=True)
    return DocumentCounts.of(documents, parts)


def test_documents_and_the_longest_one_are_counted():
    found = counts_of(TEXTS)
    assert (found.n_documents, found.longest) == (3, 4)
    codes = found.counts.codes
    assert found.counts.occurrences[codes["bad"]] == 2
    assert found.counts.documents[codes["bad"]] == 1


def test_counts_of_several_processes_are_those_of_all_documents():
    whole = counts_of(TEXTS)
    joined = DocumentCounts._joined([counts_of(TEXTS[:1]), counts_of(TEXTS[1:])])
    assert (joined.n_documents, joined.longest) == (3, 4)
    assert joined.counts.codes == whole.counts.codes
    assert joined.counts.occurrences.tolist() == whole.counts.occurrences.tolist()
    assert joined.counts.documents.tolist() == whole.counts.documents.tolist()


def test_a_process_without_documents_adds_nothing():
    joined = DocumentCounts._joined([counts_of([]), counts_of(TEXTS)])
    assert joined.n_documents == 3
    assert joined.counts.codes == counts_of(TEXTS).counts.codes


def test_other_columns_in_another_process_raise():
    counts = counts_of(TEXTS)
    parts = [counts, replace(counts, names=["title", "text"])]
    with pytest.raises(ValueError, match="same text columns.*None and .*'title'"):
        DocumentCounts._joined(parts)
