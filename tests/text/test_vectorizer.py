import copy
import pickle
from functools import partial

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joblib import Parallel, delayed
from scipy import sparse
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import BernoulliNB
from sklearn.pipeline import make_pipeline

from sklearn_bilstm import TextVectorizer

TEXTS = ["the film is good", "the film is not good", "bad, bad film!", ""]
FRAMES = {
    "pandas": pd.DataFrame,
    "polars": pl.DataFrame,
    "pyarrow": pa.table,
}
words = partial(TextVectorizer, analyzer=str.split)


def rows(X):
    return [row[row > 0].tolist() for row in X.toarray()]


class TestIds:
    def test_rows_contain_ids_in_reading_order(self):
        vectorizer = TextVectorizer(max_length=6)
        X = vectorizer.fit_transform(TEXTS)
        v = vectorizer.vocabulary_
        assert isinstance(X, sparse.csr_array)
        assert X.shape == (4, 6)
        assert X.dtype == np.int32
        assert X.toarray()[1].tolist() == [
            v["the"],
            v["film"],
            v["is"],
            v["not"],
            v["good"],
            0,
        ]
        assert rows(X)[3] == []

    def test_ids_start_at_two_in_order_of_frequency(self):
        vocabulary = TextVectorizer().fit(["b b b a", "a c"]).vocabulary_
        assert vocabulary == {"b": 2, "a": 3, "c": 4}

    def test_an_unknown_token_has_id_one(self):
        vectorizer = TextVectorizer().fit(["a b"])
        assert rows(vectorizer.transform(["a x b"])) == [[2, 1, 3]]

    def test_transform_stores_no_zeros(self):
        X = TextVectorizer().fit_transform(TEXTS)
        assert (X.data > 0).all()
        assert X.has_canonical_format

    def test_fit_then_transform_equals_fit_transform(self):
        both = TextVectorizer().fit_transform(TEXTS)
        apart = TextVectorizer().fit(TEXTS).transform(TEXTS)
        assert (both != apart).nnz == 0

    def test_dense_output_equals_padded_sparse_output(self):
        sparse_X = TextVectorizer(max_length=9).fit_transform(TEXTS)
        dense = TextVectorizer(max_length=9, sparse_output=False).fit_transform(TEXTS)
        assert dense.dtype == np.int32
        assert np.array_equal(dense, sparse_X.toarray())

    def test_token_pattern_of_countvectorizer_gives_equal_vocabularies(self):
        pattern = CountVectorizer().token_pattern
        ours = TextVectorizer(token_pattern=pattern).fit(TEXTS)
        theirs = CountVectorizer().fit(TEXTS)
        assert ours.vocabulary_.keys() == theirs.vocabulary_.keys()

    def test_char_analyzer_gives_characters(self):
        vectorizer = TextVectorizer(analyzer="char").fit(["ab a"])
        assert set(vectorizer.vocabulary_) == {"a", "b", " "}

    def test_stop_words_are_removed(self):
        vectorizer = TextVectorizer(stop_words=["the", "is"]).fit(TEXTS)
        assert vectorizer.inverse_transform(vectorizer.transform(TEXTS[:1])) == [
            ["film", "good"]
        ]

    def test_a_callable_analyzer_may_read_lists_of_tokens(self):
        X = [["good", "film"], ["bad"], None]
        vectorizer = TextVectorizer(analyzer=list).fit(X)
        back = vectorizer.inverse_transform(vectorizer.transform(X))
        assert back == [["good", "film"], ["bad"], []]


class TestVocabulary:
    def test_max_features_keeps_the_most_frequent_tokens(self):
        vectorizer = TextVectorizer(max_features=2).fit(["a a a b b c"])
        assert vectorizer.vocabulary_ == {"a": 2, "b": 3}

    @pytest.mark.parametrize("bounds", [{"min_df": 2}, {"max_df": 0.5}, {"max_df": 1}])
    def test_min_df_and_max_df_agree_with_countvectorizer(self, bounds):
        ours = words(**bounds).fit(TEXTS)
        theirs = CountVectorizer(analyzer=str.split, **bounds).fit(TEXTS)
        assert ours.vocabulary_.keys() == theirs.vocabulary_.keys()

    def test_a_fixed_vocabulary_is_kept(self):
        vectorizer = TextVectorizer(vocabulary=["film", "good"]).fit(TEXTS)
        assert vectorizer.vocabulary_ == {"film": 2, "good": 3}
        assert rows(vectorizer.transform(["good film of old"])) == [[3, 2, 1, 1]]

    def test_a_vocabulary_mapping_determines_the_ids(self):
        vectorizer = TextVectorizer(vocabulary={"film": 9}).fit(TEXTS)
        assert rows(vectorizer.transform(["film"])) == [[9]]

    @pytest.mark.parametrize(
        "X", [[], (), np.array([], dtype=object), pd.Series([], dtype=object)]
    )
    def test_an_empty_corpus_raises(self, X):
        with pytest.raises(ValueError, match="at least one document"):
            TextVectorizer().fit(X)

    @pytest.mark.parametrize("X", [["", "..."], [None, None]])
    def test_documents_without_a_token_raise(self, X):
        with pytest.raises(ValueError, match="0 distinct tokens in 2 documents"):
            TextVectorizer().fit(X)

    def test_an_empty_vocabulary_after_min_df_raises(self):
        with pytest.raises(ValueError, match="vocabulary is empty: .*min_df=3"):
            TextVectorizer(min_df=3).fit(["a", "b", "c"])


class TestLength:
    @given(
        n_tokens=st.integers(0, 12),
        max_length=st.integers(1, 9),
        truncation=st.sampled_from(["post", "pre", "middle"]),
    )
    def test_truncation_removes_the_specified_part(
        self, n_tokens, max_length, truncation
    ):
        tokens = list("abcdefghijkl")[:n_tokens]
        head = {"post": max_length, "pre": 0, "middle": (max_length + 1) // 2}[
            truncation
        ]
        if n_tokens <= max_length:
            kept = tokens
        else:
            kept = tokens[:head] + tokens[n_tokens - (max_length - head) :]
        vectorizer = words(max_length=max_length, truncation=truncation)
        vectorizer.fit([" ".join("abcdefghijkl")])
        X = vectorizer.transform(["a", " ".join(tokens), "b"])
        assert vectorizer.inverse_transform(X) == [["a"], kept, ["b"]]

    def test_max_length_none_uses_the_longest_training_document(self):
        vectorizer = TextVectorizer(max_length=None).fit(TEXTS)
        assert vectorizer.max_length_ == 5
        assert vectorizer.transform(["a b c d e f g"]).shape == (1, 5)

    def test_number_of_columns_is_fixed_by_fit(self):
        vectorizer = TextVectorizer(max_length=50).fit(TEXTS)
        assert vectorizer.transform(["a"]).shape == (1, 50)
        assert vectorizer.transform([]).shape == (0, 50)


class TestColumns:
    @pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
    def test_several_columns_are_concatenated_with_markers(self, frame):
        X = frame({"title": ["good", "bad"], "review": ["a b", None]})
        vectorizer = TextVectorizer()
        ids = vectorizer.fit_transform(X)
        assert vectorizer.inverse_transform(ids) == [
            ["<title>", "good", "<review>", "a", "b"],
            ["<title>", "bad", "<review>"],
        ]
        assert vectorizer.n_features_in_ == 2

    def test_markers_are_never_removed_from_the_vocabulary(self):
        X = pd.DataFrame({"t": ["a a", "b"], "u": ["a", "c"]})
        vocabulary = TextVectorizer(max_features=1, max_df=0.6).fit(X).vocabulary_
        assert list(vocabulary) == ["<t>", "<u>", "a"]

    def test_column_names_are_stored_and_checked(self):
        X = pd.DataFrame({"t": ["a"], "u": ["b"]})
        vectorizer = TextVectorizer().fit(X)
        assert vectorizer.feature_names_in_.tolist() == ["t", "u"]
        with pytest.raises(ValueError, match="feature names should match"):
            vectorizer.transform(X[["u", "t"]])
        with pytest.raises(ValueError, match="1 columns.*is expecting 2"):
            vectorizer.transform(["a"])

    def test_a_refit_deletes_column_attributes(self):
        vectorizer = TextVectorizer().fit(pd.DataFrame({"t": ["a"], "u": ["b"]}))
        vectorizer.fit(["a"])
        assert not hasattr(vectorizer, "n_features_in_")
        assert not hasattr(vectorizer, "feature_names_in_")
        assert vectorizer.vocabulary_ == {"a": 2}

    @pytest.mark.parametrize("column", ["text", ["text"]])
    @pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
    def test_a_column_transformer_may_pass_a_column_or_a_frame(self, frame, column):
        X = frame({"text": TEXTS, "n": [1, 2, 3, 4]})
        transformer = ColumnTransformer([("ids", TextVectorizer(max_length=5), column)])
        ids = transformer.fit_transform(X)
        expected = TextVectorizer(max_length=5).fit_transform(TEXTS)
        assert np.array_equal(
            ids.toarray() if sparse.issparse(ids) else ids, expected.toarray()
        )
        assert ids.dtype == np.int32

    def test_a_one_column_frame_equals_its_column(self):
        vectorizer = TextVectorizer().fit(pd.Series(TEXTS, name="text"))
        frame = pd.DataFrame({"text": TEXTS})
        assert (vectorizer.transform(frame) != vectorizer.transform(TEXTS)).nnz == 0


class TestPartialFit:
    def test_new_tokens_get_new_ids_and_known_ids_are_kept(self):
        vectorizer = TextVectorizer().partial_fit(["b b a"])
        before = dict(vectorizer.vocabulary_)
        vectorizer.partial_fit(["c c c a d"])
        assert before.items() <= vectorizer.vocabulary_.items()
        assert list(vectorizer.vocabulary_) == ["b", "a", "c", "d"]
        assert list(vectorizer.vocabulary_.values()) == [2, 3, 4, 5]

    def test_one_partial_fit_equals_fit(self):
        vectorizer = TextVectorizer().partial_fit(TEXTS)
        assert vectorizer.vocabulary_ == TextVectorizer().fit(TEXTS).vocabulary_

    def test_document_frequencies_accumulate_over_batches(self):
        vectorizer = TextVectorizer(min_df=2).fit(["a b", "a"])
        assert set(vectorizer.vocabulary_) == {"a"}
        vectorizer.partial_fit(["b c"])
        assert set(vectorizer.vocabulary_) == {"a", "b"}

    def test_vocabulary_stops_growing_at_max_features(self):
        vectorizer = TextVectorizer(max_features=2).partial_fit(["a b"])
        vectorizer.partial_fit(["c c c"])
        assert set(vectorizer.vocabulary_) == {"a", "b"}
        vectorizer.set_params(max_features=1).partial_fit(["d d d"])
        assert set(vectorizer.vocabulary_) == {"a", "b"}

    def test_max_features_is_filled_with_new_tokens(self):
        vectorizer = TextVectorizer(max_features=3).fit(["a a a a b b b"])
        vectorizer.partial_fit(["c d"])
        assert list(vectorizer.vocabulary_) == ["a", "b", "c"]

    def test_fit_resets_the_vocabulary(self):
        vectorizer = TextVectorizer().partial_fit(["a b"]).fit(["c"])
        assert vectorizer.vocabulary_ == {"c": 2}

    def test_another_number_of_columns_raises(self):
        vectorizer = TextVectorizer().partial_fit(
            pd.DataFrame({"t": ["a"], "u": ["b"]})
        )
        with pytest.raises(ValueError, match="is expecting 2"):
            vectorizer.partial_fit(["a"])


class TestInverseTransform:
    @pytest.mark.parametrize(
        "container", [np.array, sparse.csr_array, sparse.coo_array]
    )
    def test_ids_become_tokens_in_any_container(self, container):
        vectorizer = TextVectorizer().fit(["a b"])
        X = container(np.array([[2, 1, 3], [3, 0, 0]]))
        assert vectorizer.inverse_transform(X) == [["a", "<unk>", "b"], ["b"]]

    @pytest.mark.parametrize("invalid", [7, 2.5, -1])
    def test_an_invalid_id_raises(self, invalid):
        with pytest.raises(ValueError, match=f"ids of the vocabulary.*got {invalid}"):
            TextVectorizer().fit(["a b"]).inverse_transform([[2, invalid]])


class TestScikitLearnConventions:
    @pytest.mark.parametrize("method", ["transform", "inverse_transform"])
    def test_methods_raise_before_fit(self, method):
        with pytest.raises(NotFittedError, match="TextVectorizer"):
            getattr(TextVectorizer(), method)(TEXTS)
        with pytest.raises(NotFittedError, match="TextVectorizer"):
            TextVectorizer().get_feature_names_out()

    def test_clone_copies_parameters_only(self):
        vectorizer = TextVectorizer(min_df=2, analyzer=str.split).fit(TEXTS)
        cloned = clone(vectorizer)
        assert cloned.get_params() == vectorizer.get_params()
        assert not hasattr(cloned, "vocabulary_")

    def test_fit_does_not_change_parameters(self):
        params = {"vocabulary": {"film": 2}, "stop_words": ["the"], "max_length": None}
        before = copy.deepcopy(params)
        vectorizer = TextVectorizer(**params).fit(TEXTS)
        vectorizer.transform(TEXTS)
        assert {name: vectorizer.get_params()[name] for name in params} == before
        assert params == before

    @pytest.mark.parametrize(
        "copied",
        [
            copy.deepcopy,
            lambda v: pickle.loads(pickle.dumps(v)),
        ],
        ids=["deepcopy", "pickle"],
    )
    @pytest.mark.parametrize("fitted", [True, False])
    def test_a_copy_transforms_identically(self, copied, fitted):
        vectorizer = TextVectorizer(tokenizer=str.split, token_pattern=None)
        vectorizer = vectorizer.fit(TEXTS) if fitted else vectorizer
        twin = copied(vectorizer)
        twin = twin if fitted else twin.fit(TEXTS)
        expected = clone(vectorizer).fit(TEXTS).transform(TEXTS)
        assert (twin.transform(TEXTS) != expected).nnz == 0

    def test_pickling_a_lambda_raises(self):
        vectorizer = TextVectorizer(tokenizer=lambda text: text.split()).fit(TEXTS)
        with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
            pickle.dumps(vectorizer)
        assert rows(copy.deepcopy(vectorizer).transform(["bad"])) == rows(
            vectorizer.transform(["bad"])
        )

    def test_a_lambda_works_with_joblib_processes(self):
        vectorizer = TextVectorizer(tokenizer=lambda text: text.split()).fit(TEXTS)
        [X] = Parallel(n_jobs=2)([delayed(vectorizer.transform)(TEXTS)])
        assert rows(X) == rows(vectorizer.transform(TEXTS))

    @pytest.mark.parametrize(
        ("params", "message"),
        [
            ({"max_features": 0}, "'max_features' parameter of TextVectorizer must be"),
            ({"max_length": 0}, "'max_length' parameter"),
            ({"min_df": -1}, "'min_df' parameter"),
            ({"max_df": 1.5}, "'max_df' parameter"),
            ({"analyzer": "words"}, "'analyzer' parameter"),
            ({"truncation": "head"}, "'truncation' parameter"),
            ({"missing": "drop"}, "'missing' parameter"),
            ({"lowercase": "yes"}, "'lowercase' parameter"),
            ({"stop_words": "german"}, "'stop_words' parameter"),
            ({"vocabulary": 3}, "'vocabulary' parameter"),
            ({"vocabulary": {"a": 2**33}}, "'vocabulary' parameter.*int32"),
            (
                {"token_pattern": "("},
                "'token_pattern' parameter must be a valid regular",
            ),
            ({"n_jobs": 1.5}, "'n_jobs' parameter"),
        ],
    )
    @pytest.mark.parametrize("method", ["fit", "fit_transform", "partial_fit"])
    def test_invalid_parameters_raise_in_fit(self, method, params, message):
        with pytest.raises(ValueError, match=message):
            getattr(TextVectorizer(**params), method)(TEXTS)

    def test_a_failed_fit_leaves_the_vectorizer_unchanged(self):
        vectorizer = TextVectorizer().fit(["a b"])
        before = pickle.dumps(vectorizer)
        for bad in ([], ["a", 3], ["", ""]):
            with pytest.raises(ValueError, match="is empty|must hold"):
                vectorizer.fit(bad)
        with pytest.raises(TypeError, match="names"):
            vectorizer.fit(pd.DataFrame({"a": ["b"], 1: ["c"]}))
        assert pickle.dumps(vectorizer) == before

    def test_partial_fit_keeps_a_fixed_vocabulary(self):
        vectorizer = TextVectorizer(vocabulary=["a", "b"]).fit(["a"])
        vectorizer.set_params(vocabulary=["z"]).partial_fit(["z"])
        assert vectorizer.vocabulary_ == {"a": 2, "b": 3}

    def test_feature_names_are_positions(self):
        names = TextVectorizer(max_length=3).fit(TEXTS).get_feature_names_out()
        assert names.tolist() == ["token_0", "token_1", "token_2"]

    @pytest.mark.parametrize("library", ["pandas", "polars"])
    def test_set_output_gives_a_frame_of_dense_ids(self, library):
        vectorizer = TextVectorizer(max_length=3, sparse_output=False)
        frame = vectorizer.set_output(transform=library).fit_transform(TEXTS)
        assert type(frame).__module__.startswith(library)
        assert list(frame.columns) == ["token_0", "token_1", "token_2"]
        assert np.array_equal(
            frame.to_numpy(),
            clone(vectorizer).set_output(transform="default").fit_transform(TEXTS),
        )

    def test_set_output_raises_with_sparse_output(self):
        vectorizer = TextVectorizer().set_output(transform="pandas")
        with pytest.raises(ValueError, match="sparse_output=False"):
            vectorizer.fit_transform(TEXTS)

    def test_tags_declare_string_input(self):
        tags = TextVectorizer().__sklearn_tags__()
        assert tags.input_tags.string
        assert not tags.input_tags.two_d_array
        assert tags.input_tags.allow_nan
        assert (
            not TextVectorizer(missing="error").__sklearn_tags__().input_tags.allow_nan
        )

    def test_parameters_can_be_searched_in_a_pipeline(self):
        pipeline = make_pipeline(TextVectorizer(sparse_output=False), BernoulliNB())
        grid = {"textvectorizer__max_features": [2, 5]}
        search = GridSearchCV(pipeline, grid, cv=2)
        search.fit(TEXTS[:3] * 4, [0, 1, 1] * 4)
        assert search.best_params_.keys() == grid.keys()

    def test_a_read_only_memory_map_is_read(self, tmp_path):
        np.save(tmp_path / "texts.npy", np.array(TEXTS))
        X = np.load(tmp_path / "texts.npy", mmap_mode="r")
        assert rows(TextVectorizer().fit_transform(X)) == rows(
            TextVectorizer().fit_transform(TEXTS)
        )


def test_n_jobs_does_not_change_the_result():
    texts = [f"{text} {i % 97} {i % 89}" for i, text in enumerate(TEXTS * 600)]
    texts.append(" ".join(map(str, range(300))))  # the longest, in the second half
    one, two = (TextVectorizer(max_length=None, n_jobs=n) for n in (1, 2))
    assert (one.fit_transform(texts) != two.fit_transform(texts)).nnz == 0
    assert list(one.vocabulary_.items()) == list(two.vocabulary_.items())
