"""TextVectorizer: convert documents to sequences of token ids."""

from collections.abc import Hashable, Mapping
from contextlib import nullcontext
from copy import copy
from functools import partial
from itertools import pairwise
from numbers import Integral
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags, check_array
from sklearn.utils.validation import check_is_fitted

from sklearn_bilstm.text._analysis import make_analyzer
from sklearn_bilstm.text._batches import TextBatches, refuse_batches
from sklearn_bilstm.text._counting import (
    DocumentCounts,
    count_batches,
    encode_documents,
)
from sklearn_bilstm.text._documents import Documents, read_documents
from sklearn_bilstm.text._encoding import check_columns, dropped_part, truncated
from sklearn_bilstm.text._locating import Locator
from sklearn_bilstm.text._vocabulary import (
    EncodedDocuments,
    TokenCounts,
    check_vocabulary,
    extend_vocabulary,
)
from sklearn_bilstm.utils._agreement import current_group, facts_about
from sklearn_bilstm.utils._callbacks import CallbackSupportMixin, fit_task
from sklearn_bilstm.utils._documentation import PAGE_OF_ESTIMATOR
from sklearn_bilstm.utils._fingerprints import vocabulary_fingerprint
from sklearn_bilstm.utils._ids import MAX_LENGTH, UNKNOWN_ID
from sklearn_bilstm.utils._plain import plain_value
from sklearn_bilstm.utils._sklearn import (
    HasMethods,
    Interval,
    RealNotInt,
    StrOptions,
    check_feature_names,
    fit_context,
    get_output_config,
)
from sklearn_bilstm.utils._token_ids import TokenIds

__all__ = ["TextVectorizer"]

# Arguments of `make_analyzer`.
_ANALYSIS_PARAMETERS = (
    *("lowercase", "strip_accents", "preprocessor", "tokenizer", "token_pattern"),
    *("analyzer", "stop_words"),
)

_DOCUMENT_FREQUENCY = [
    Interval(RealNotInt, 0, 1, closed="both"),
    Interval(Integral, 1, None, closed="left"),
]


class TextVectorizer(TransformerMixin, CallbackSupportMixin, BaseEstimator):
    """Convert documents to sequences of token ids.

    Row i of the result holds the token ids of document i, in order, in columns 0, 1,
    2, ... Id 0 is padding, id 1 is the unknown token, and vocabulary ids start at 2.
    The result is sparse, so its memory depends on the number of tokens, not on the
    length of the longest document.

    Parameters
    ----------
    lowercase : bool, default=True
        Whether to convert documents to lowercase.

    strip_accents : {"ascii", "unicode"} or callable, default=None
        How to remove accents, as in
        :class:`~sklearn.feature_extraction.text.CountVectorizer`.

    preprocessor : callable, default=None
        Function that maps a document to a string. It overrides `lowercase` and
        `strip_accents`.

    tokenizer : callable, default=None
        Function that maps a string to a list of strings, the tokens, for
        `analyzer="word"`.

    token_pattern : str, default=None
        Regular expression of a token, for `analyzer="word"` without a `tokenizer`.
        None uses :func:`sklearn_bilstm.text.tokenize`, which keeps one-letter words,
        contractions, "!" and "?", emoticons and emoji, and treats each CJK character
        as a token.

    analyzer : {"word", "char"} or callable, default="word"
        Unit of tokens. A callable takes the raw document and returns its tokens:
        strings, or other values that compare by value, such as ints and tuples.

    stop_words : {"english"} or list of str, default=None
        Tokens to remove, for `analyzer="word"`. Note that "english" removes "not" and
        "no".

    min_df : int or float in [0, 1], default=1
        Minimum document frequency of vocabulary tokens, as a count or a proportion.
        Rarer tokens become the unknown token and keep their position in the sequence.

    max_df : int or float in [0, 1], default=1.0
        Maximum document frequency of vocabulary tokens, as a count or a proportion.

    max_features : int, default=20_000
        Maximum size of the vocabulary, by token frequency. None means no limit.

    vocabulary : mapping or iterable of str, default=None
        The vocabulary, instead of one determined from the documents. A mapping also
        sets the ids, which start at 2.

    max_length : int, default=1024
        Maximum number of tokens per document, and number of columns of the result.
        None uses the length of the longest document in `fit`.

    truncation : {"post", "pre", "middle"}, default="post"
        Which part of a longer document to drop.

    missing : {"empty", "error"}, default="empty"
        Whether a missing document (None, NaN, pandas.NA) is treated as an empty one or
        raises an error.

    sparse_output : bool, default=True
        Whether to return a sparse array. Otherwise, return a dense array padded with
        zeros, as `set_output` requires.

    n_jobs : int, default=None
        Number of processes for tokenisation. None means 1 unless in a
        :obj:`joblib.parallel_backend` context; -1 means all processors. Starting the
        processes takes a second or two; joblib then keeps them for some minutes.

    distributed : bool, default=True
        Whether `fit` learns from the rows of all processes of an initialised
        `torch.distributed` group.

    Attributes
    ----------
    vocabulary_ : dict
        Mapping from tokens to ids, in the order of ids. A fitted vocabulary is sorted
        by descending frequency. With several text columns, the column markers come
        first.

    max_length_ : int
        Number of columns of the result.

    n_features_in_ : int
        Number of text columns seen during `fit`. Set if X was a table.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the text columns seen during `fit`. Set if X was a frame.

    See Also
    --------
    BiLSTMClassifier : Classifier of such sequences.
    sklearn.feature_extraction.text.CountVectorizer : Convert documents to token
        counts.

    Notes
    -----
    A table with several text columns becomes one sequence per row: the tokens of each
    column follow a marker token, such as "<title>".

    A vectorizer with a lambda or a nested function cannot be pickled, since pickle
    stores functions by name. Define the function at module level, or name it in
    :func:`sklearn_bilstm.save`.

    Examples
    --------
    >>> from sklearn_bilstm import TextVectorizer
    >>> vectorizer = TextVectorizer(max_length=5)
    >>> X = vectorizer.fit_transform(["Not bad, not bad at all!", "Bad."])
    >>> X.toarray()
    array([[3, 2, 3, 2, 6],
           [2, 0, 0, 0, 0]], dtype=int32)
    >>> vectorizer.inverse_transform(X)
    [['not', 'bad', 'not', 'bad', 'at'], ['bad']]
    """

    vocabulary_: dict[Hashable, int]
    max_length_: int
    _counts: TokenCounts
    _n_columns: int
    _fingerprint: np.ndarray | None = None  # unknown in files of older versions

    _doc_link_module = "sklearn_bilstm"
    _doc_link_template = PAGE_OF_ESTIMATOR

    _parameter_constraints: dict = {
        "lowercase": ["boolean"],
        "strip_accents": [StrOptions({"ascii", "unicode"}), callable, None],
        "preprocessor": [callable, None],
        "tokenizer": [callable, None],
        "token_pattern": [str, None],
        "analyzer": [StrOptions({"word", "char"}), callable],
        "stop_words": [StrOptions({"english"}), list, None],
        "min_df": _DOCUMENT_FREQUENCY,
        "max_df": _DOCUMENT_FREQUENCY,
        "max_features": [Interval(Integral, 1, None, closed="left"), None],
        "vocabulary": [Mapping, HasMethods("__iter__"), None],
        "max_length": [Interval(Integral, 1, MAX_LENGTH, closed="both"), None],
        "truncation": [StrOptions({"post", "pre", "middle"})],
        "missing": [StrOptions({"empty", "error"})],
        "sparse_output": ["boolean"],
        "n_jobs": [Integral, None],
        "distributed": ["boolean"],
    }

    def __init__(
        self,
        *,
        lowercase=True,
        strip_accents=None,
        preprocessor=None,
        tokenizer=None,
        token_pattern=None,
        analyzer="word",
        stop_words=None,
        min_df=1,
        max_df=1.0,
        max_features=20_000,
        vocabulary=None,
        max_length=1024,
        truncation="post",
        missing="empty",
        sparse_output=True,
        n_jobs=None,
        distributed=True,
    ):
        self.lowercase = lowercase
        self.strip_accents = strip_accents
        self.preprocessor = preprocessor
        self.tokenizer = tokenizer
        self.token_pattern = token_pattern
        self.analyzer = analyzer
        self.stop_words = stop_words
        self.min_df = min_df
        self.max_df = max_df
        self.max_features = max_features
        self.vocabulary = vocabulary
        self.max_length = max_length
        self.truncation = truncation
        self.missing = missing
        self.sparse_output = sparse_output
        self.n_jobs = n_jobs
        self.distributed = distributed

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Learn the vocabulary.

        Parameters
        ----------
        X : iterable of str or table of shape (n_documents, n_columns)
            The documents: a list, generator, array or column, or a frame (pandas,
            polars, pyarrow) or 2-D array with text in every cell.
        y : None
            Ignored.

        Returns
        -------
        self : TextVectorizer
            Fitted vectorizer.

        Raises
        ------
        ValueError
            If X is not a collection of documents, contains something other than
            strings, or yields an empty vocabulary.
        """
        with fit_task(self, X, y) as task:
            task.begin()
            self._learn(X, first=True)
        return self

    @fit_context(prefer_skip_nested_validation=True)
    def fit_transform(self, X, y=None):
        """Learn the vocabulary and return the token ids.

        Each document is tokenised only once.

        Parameters
        ----------
        X : iterable of str or table of shape (n_documents, n_columns)
            The documents, as in :meth:`fit`.
        y : None
            Ignored.

        Returns
        -------
        ids : csr_array or ndarray of int32, shape (n_documents, `max_length_`)
            As in :meth:`transform`.
        """
        self._check_output()
        refuse_batches(X)
        with fit_task(self, X, y) as task:
            task.begin()
            return self._matrix(self._learn(X, first=True))

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None):
        """Update the vocabulary with more documents.

        New tokens are appended; existing ids and `max_length_` never change. A token is
        added once its document frequency over all documents so far satisfies `min_df`
        and `max_df`, until the vocabulary has `max_features` tokens.

        Parameters
        ----------
        X : iterable of str or table of shape (n_documents, n_columns)
            The documents, as in :meth:`fit`.
        y : None
            Ignored.

        Returns
        -------
        self : TextVectorizer
            Fitted vectorizer.
        """
        self._learn(X, first=not hasattr(self, "vocabulary_"))
        return self

    def transform(self, X):
        """Return the token ids of documents.

        Parameters
        ----------
        X : iterable of str or table of shape (n_documents, n_columns)
            The documents, as in :meth:`fit` and with as many columns.

        Returns
        -------
        ids : csr_array or ndarray of int32, shape (n_documents, `max_length_`)
            Dense with `sparse_output=False`.

        Raises
        ------
        ValueError
            If X does not contain documents, or has different columns than in `fit`.
        """
        check_is_fitted(self)
        self._check_output()
        documents = self._read(X)
        self._check_columns(documents)
        return self._matrix(self._encode(documents))

    def inverse_transform(self, X):
        """Convert token ids to tokens.

        Parameters
        ----------
        X : {array-like, sparse matrix} of int, shape (n_documents, n_timesteps)
            Token ids.

        Returns
        -------
        documents : list of lists of str
            The tokens of each document. The unknown token is "<unk>".

        Raises
        ------
        ValueError
            If an id is not in the vocabulary.
        """
        check_is_fitted(self)
        X = sparse.csr_array(check_array(X, accept_sparse="csr", dtype="numeric"))
        X.sum_duplicates()
        token_of = {id_: token for token, id_ in self.vocabulary_.items()}
        token_of[UNKNOWN_ID] = "<unk>"
        unknown = set(X.data.tolist()) - token_of.keys()
        if unknown:
            raise ValueError(
                f"X must contain ids of the vocabulary, 1 for unknown tokens, or 0 for "
                f"padding: got {min(unknown)}."
            )
        tokens = [token_of[id_] for id_ in X.data.tolist()]
        starts = X.indptr.tolist()
        return [tokens[start:end] for start, end in pairwise(starts)]

    def get_feature_names_out(self, input_features=None):
        """Return the names of the output columns.

        Parameters
        ----------
        input_features : None
            Ignored.

        Returns
        -------
        names : ndarray of str objects, shape (`max_length_`,)
            "token_0", "token_1", ...
        """
        check_is_fitted(self)
        names = [f"token_{step}" for step in range(self.max_length_)]
        return np.array(names, dtype=object)

    def build_analyzer(self):
        """Return the function that maps a document to its tokens.

        Returns
        -------
        analyzer : callable
            Takes one document and returns a list of tokens.
        """
        return make_analyzer(**self._analysis_settings())

    def locate(self, X):
        """Locate tokens in documents.

        Parameters
        ----------
        X : iterable of str or table of shape (n_documents, n_columns)
            The documents, as in :meth:`fit` and with as many columns.

        Returns
        -------
        documents : list of LocatedDocument
            The texts of each document and its tokens, as from `build_analyzer`, with
            their position in the original text and whether they are within
            `max_length_`. Stop words are not tokens. If the vectorizer has a custom
            `preprocessor`, `tokenizer` or `analyzer`, positions are determined by
            searching; a token that does not occur in the text has no position.

        Raises
        ------
        ValueError
            If X does not contain documents, or has different columns than in `fit`.

        Examples
        --------
        >>> from sklearn_bilstm import TextVectorizer
        >>> vectorizer = TextVectorizer().fit(["Not bad!"])
        >>> document, = vectorizer.locate(["So... NOT bad"])
        >>> [document.texts[0][t.start : t.end] for t in document.tokens]
        ['So', 'NOT', 'bad']
        """
        check_is_fitted(self)
        documents = self._read(X)
        self._check_columns(documents)
        locator = Locator(self._analysis_settings())
        located = [locator.locate_row(row, documents) for row in documents.rows]
        for document in located:
            n_tokens = len(document.tokens)
            if n_tokens > self.max_length_:
                part = dropped_part(n_tokens, self.max_length_, self.truncation)
                dropped = slice(*part)
                document.tokens[dropped] = [
                    token._replace(is_read=False) for token in document.tokens[dropped]
                ]
        return located

    def _analysis_settings(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _ANALYSIS_PARAMETERS}

    def _validate_params(self) -> None:
        # scikit-learn rejects NumPy floats for parameters that can also be an int
        copied = copy(self)
        for name, value in self.get_params(deep=False).items():
            setattr(copied, name, plain_value(value))
        super(TextVectorizer, copied)._validate_params()

    def _learn(self, X: Any, *, first: bool) -> list[EncodedDocuments]:
        """Count tokens and select the vocabulary; attributes are set at the end."""
        old_fingerprint = None if first else self._fingerprint
        group = current_group() if self.distributed else None
        with nullcontext() if group is None else group.sharing_failures():
            counted, header, parts = self._count(X, first=first)
            if group is not None:
                method = "fit" if first else "partial_fit"
                facts = facts_about(self, method, the_vocabulary_so_far=old_fingerprint)
                counted = counted.gathered(group, facts)
        if not counted.n_documents:
            raise ValueError("X must hold at least one document: it is empty.")
        documents = Documents([], counted.names)
        counts = counted.counts if first else self._counts + counted.counts
        old_vocabulary = {} if first else self.vocabulary_
        vocabulary = self._extended(old_vocabulary, counts, documents.markers)
        if first:
            self._remember_columns(header, documents)
        self._fingerprint = vocabulary_fingerprint(vocabulary, old_fingerprint)
        self.vocabulary_, self._counts = vocabulary, counts
        if first:
            self.max_length_ = int(self.max_length or max(1, counted.longest))
        return parts

    def _count(
        self, X: Any, *, first: bool
    ) -> tuple[DocumentCounts, Any, list[EncodedDocuments]]:
        """Count documents.

        Returns the counts, X or a frame with its columns, and the encoded documents,
        which are not kept for batches.
        """
        if isinstance(X, TextBatches):
            return *count_batches(X, partial(self._count, first=first)), []
        documents = self._read(X)
        if documents.rows and not first:
            self._check_columns(documents)
        parts = self._encode(documents, counting=self.vocabulary is None)
        return DocumentCounts.of(documents, parts), X, parts

    def _extended(
        self, vocabulary: dict[Hashable, int], counts: TokenCounts, markers: list[str]
    ) -> dict[Hashable, int]:
        if self.vocabulary is not None:
            vocabulary = vocabulary or check_vocabulary(self.vocabulary)
            return extend_vocabulary(vocabulary, markers)
        vocabulary = extend_vocabulary(vocabulary, markers)
        max_features = self.max_features
        if max_features is not None:
            max_features = max(0, max_features + len(markers) - len(vocabulary))
        tokens = counts.ranked(self.min_df, self.max_df, max_features, vocabulary)
        if len(vocabulary) + len(tokens) == len(markers):
            raise ValueError(
                f"The vocabulary is empty: none of {len(counts.codes)} distinct tokens "
                f"in {counts.n_documents} documents is kept. Check the documents, "
                f"stop_words, min_df={self.min_df!r} and max_df={self.max_df!r}."
            )
        return extend_vocabulary(vocabulary, tokens)

    def _read(self, X: Any) -> Documents:
        refuse_batches(X)
        return read_documents(X, missing=self.missing, any_type=callable(self.analyzer))

    def _remember_columns(self, X: Any, documents: Documents) -> None:
        check_feature_names(self, X, reset=True)
        self._n_columns = documents.n_columns
        if documents.is_table:
            self.n_features_in_ = documents.n_columns
        else:
            self.__dict__.pop("n_features_in_", None)

    def _check_columns(self, documents: Documents) -> None:
        check_columns(
            documents,
            n_columns=self._n_columns,
            is_table=hasattr(self, "n_features_in_"),
            names=getattr(self, "feature_names_in_", None),
        )

    def _encode(
        self, documents: Documents, *, counting: bool = False
    ) -> list[EncodedDocuments]:
        settings = self._analysis_settings()
        return encode_documents(
            documents, settings, n_jobs=self.n_jobs, counting=counting
        )

    def _matrix(self, parts: list[EncodedDocuments]) -> sparse.csr_array | np.ndarray:
        """Return a matrix with the ids of each row in columns 0, 1, 2, ..."""
        ids = np.concatenate([part.ids(self.vocabulary_) for part in parts])
        lengths = np.concatenate([part.lengths for part in parts])
        width = self.max_length_
        ids, lengths = truncated(ids, lengths, width, self.truncation)
        index = np.int32 if len(ids) <= np.iinfo(np.int32).max else np.int64
        ends = np.concatenate([[0], np.cumsum(lengths)]).astype(index)
        columns = np.arange(len(ids), dtype=index) - np.repeat(ends[:-1], lengths)
        shape = (len(lengths), width)
        X = TokenIds((ids, columns, ends), shape)
        X.fingerprint = self._fingerprint
        return X if self.sparse_output else X.toarray()

    def _check_output(self) -> None:
        container = get_output_config("transform", self)["dense"]
        if self.sparse_output and container != "default":
            raise ValueError(
                f"TextVectorizer returns a sparse array, which {container} output does "
                "not support: set sparse_output=False, or set_output to 'default'."
            )

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        tags.input_tags.allow_nan = self.missing == "empty"
        tags.transformer_tags.preserves_dtype = []
        return tags
