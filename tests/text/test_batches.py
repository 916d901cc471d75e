from itertools import chain

import numpy as np
import pandas as pd
import pytest

from sklearn_bilstm import TextVectorizer
from sklearn_bilstm.text import TextBatches


@pytest.fixture
def frame(reviews):
    texts, labels = reviews
    return pd.DataFrame({"text": texts, "label": labels})


def in_batches(rows, size=7):
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def test_texts_and_labels_are_those_of_the_columns(frame, reviews):
    corpus = TextBatches(frame, text="text", label="label", batch_size=7)
    texts, labels = zip(*corpus.with_labels(), strict=True)
    assert [*chain(*texts)] == [*chain(*corpus)] == list(reviews[0])
    assert [*map(len, texts)] == [7] * 8 + [4]
    assert np.array_equal(np.concatenate(labels), reviews[1])
    assert np.array_equal(corpus.labels(), reviews[1])


@pytest.mark.parametrize("wrap", [list, lambda batches: lambda: iter(batches)])
def test_every_pass_starts_anew(reviews, wrap):
    corpus = TextBatches(wrap(in_batches(reviews[0])))
    assert [*corpus] == [*corpus] == in_batches(reviews[0])


def test_an_iterator_is_refused():
    with pytest.raises(
        ValueError, match="used up by the first pass. Pass the function"
    ):
        TextBatches(iter([["a"]]))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"missing": "drop"}, "missing must be 'error' or 'empty'"),
        ({"batch_size": 0}, "batch_size must be an int of at least 1"),
        ({"text": None}, "text must be the name of the column"),
    ],
)
def test_invalid_arguments_are_refused(frame, params, message):
    with pytest.raises(ValueError, match=message):
        TextBatches(frame, **{"text": "text", **params})


def test_labels_require_the_names_of_columns(frame):
    corpus = TextBatches(frame, text="text")
    with pytest.raises(ValueError, match="label must be the name"):
        corpus.labels()
    with pytest.raises(ValueError, match="text and label must be names"):
        next(corpus.with_labels())


def test_labels_of_several_types_stay_as_they_are():
    batches = [{"label": [1, 2]}, {"label": ["a"]}, {"label": [None]}]
    assert TextBatches(batches, label="label").labels().tolist() == [1, 2, "a", None]


def test_a_missing_text_is_an_error_or_empty():
    frame = {"text": ["a"] * 12 + [None]}
    frame = pd.DataFrame(frame, dtype=object)
    with pytest.raises(
        ValueError, match="Column 'text' has a missing.*row 12 of the fr"
    ):
        [*TextBatches(frame, text="text", batch_size=5)]
    *_, last = TextBatches(frame, text="text", batch_size=5, missing="empty")
    assert last == ["a", "a", None]


def test_a_text_that_is_no_string_is_located():
    batches = [{"text": ["a", "b"]}, {"text": ["c", 3.5]}]
    with pytest.raises(ValueError, match=r"row 1 of batch 1 holds 3\.5 of type float"):
        [*TextBatches(batches, text="text")]


class TestVectorizer:
    @pytest.mark.parametrize(
        "params",
        [{}, {"max_length": None}, {"min_df": 2, "max_features": 30}, {"max_df": 0.3}],
    )
    def test_fit_equals_that_of_all_texts(self, reviews, params):
        expected = TextVectorizer(**params).fit(reviews[0])
        found = TextVectorizer(**params).fit(TextBatches(in_batches(reviews[0])))
        assert list(found.vocabulary_.items()) == list(expected.vocabulary_.items())
        assert found.max_length_ == expected.max_length_

    def test_partial_fit_goes_on_as_from_all_texts(self, reviews):
        first, texts = ["so good", "bad"], list(reviews[0])
        expected = TextVectorizer().fit(first).partial_fit(texts)
        corpus = TextBatches(in_batches(texts))
        found = TextVectorizer().fit(first).partial_fit(corpus)
        assert found.vocabulary_ == expected.vocabulary_

    def test_columns_are_those_of_the_frames(self, frame):
        frame = frame.rename(columns={"label": "title"})
        expected = TextVectorizer().fit(frame)
        found = TextVectorizer().fit(TextBatches(in_batches(frame)))
        assert found.vocabulary_ == expected.vocabulary_
        assert found.feature_names_in_.tolist() == ["text", "title"]

    def test_other_columns_in_a_later_batch_are_an_error(self, frame):
        batches = [frame, frame[["text"]]]
        with pytest.raises(ValueError, match="same text columns.*'label'.*in batch 1"):
            TextVectorizer().fit(TextBatches(batches))

    def test_an_invalid_batch_is_named(self):
        batches = [["a", "b"], ["c"], ["d", 5]]
        with pytest.raises(ValueError, match="Batch 2, which starts with row 3.*row 1"):
            TextVectorizer().fit(TextBatches(batches))

    @pytest.mark.parametrize("method", ["fit_transform", "transform", "locate"])
    def test_ids_of_batches_are_refused(self, method):
        vectorizer = TextVectorizer().fit(["a"])
        with pytest.raises(ValueError, match="write_token_ids, or transform one batch"):
            getattr(vectorizer, method)(TextBatches([["a"]]))

    def test_no_batches_are_an_error(self):
        with pytest.raises(ValueError, match="at least one document"):
            TextVectorizer().fit(TextBatches([]))


def test_the_representation_does_not_contain_the_texts(frame):
    found = repr(TextBatches(frame, text="text", label="label"))
    assert found == "TextBatches(DataFrame, text='text', label='label')"


def test_a_path_is_refused_with_the_data_set_to_pass_instead():
    with pytest.raises(ValueError, match=r"got 'folder'.*pyarrow\.dataset\.dataset"):
        list(TextBatches("folder"))
