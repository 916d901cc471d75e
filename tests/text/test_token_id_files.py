import numpy as np
import pytest

from sklearn_bilstm import TextVectorizer
from sklearn_bilstm.text import TextBatches, open_token_ids, write_token_ids


def in_batches(rows, size=7):
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def test_rows_equal_transform_of_all_texts(reviews, tmp_path):
    texts = [*reviews[0], "", "???"]
    vectorizer = TextVectorizer(max_length=9, truncation="middle").fit(texts)
    batches = [[], *in_batches(texts)]
    for source in (batches, iter(batches), lambda: batches, TextBatches(batches)):
        write_token_ids(vectorizer, source, tmp_path / "ids")
        found, expected = open_token_ids(tmp_path / "ids"), vectorizer.transform(texts)
        assert found.shape == expected.shape
        assert np.array_equal(found.tocsr().toarray(), expected.toarray())
        assert np.array_equal(found.fingerprint, expected.fingerprint)


def test_a_vectorizer_with_dense_output_is_not_changed(tmp_path):
    vectorizer = TextVectorizer(sparse_output=False).set_output(transform="pandas")
    vectorizer.fit(["a b"])
    ids = write_token_ids(vectorizer, [["b"]], tmp_path / "ids")
    assert ids[0].tolist() == [3]
    assert ids.fingerprint is not None
    assert vectorizer.sparse_output is False
    assert vectorizer.transform(["b"]).shape == (1, 1024)


def test_an_invalid_batch_is_named_and_leaves_an_older_file(tmp_path):
    vectorizer = TextVectorizer().fit(["a b"])
    write_token_ids(vectorizer, [["a"]], tmp_path / "ids")
    with pytest.raises(
        ValueError, match="Batch 1, which starts with row 2 .*row 0 hol"
    ):
        write_token_ids(vectorizer, [["a", "b"], [3]], tmp_path / "ids")
    assert len(open_token_ids(tmp_path / "ids")) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["ids"]


def test_no_texts_are_an_error(tmp_path):
    vectorizer = TextVectorizer().fit(["a"])
    with pytest.raises(ValueError, match="at least one text"):
        write_token_ids(vectorizer, [[]], tmp_path / "ids")


def test_a_folder_that_does_not_exist_is_an_error(tmp_path):
    vectorizer = TextVectorizer().fit(["a"])
    with pytest.raises(FileNotFoundError, match="create it first"):
        write_token_ids(vectorizer, [["a"]], tmp_path / "none" / "ids")
