"""The semi-supervised rivals by name, and the defaults with the same texts or vectors.

Each model is a pipeline of features and a classifier.
"""

import numpy as np
from _models import logistic_search, ngrams
from _models import make as make_supervised
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, Normalizer
from sklearn.semi_supervised import LabelSpreading, SelfTrainingClassifier
from sklearn.utils.validation import has_fit_parameter

from sklearn_bilstm import BiLSTMClassifier, TextVectorizer

# With a smoothing of 1, the default, expectation maximisation assigns nearly all texts
# to a single class: most words do not occur in the labelled texts.
_SMOOTHING = 0.1


class NaiveBayesEM(ClassifierMixin, BaseEstimator):
    """Multinomial naive Bayes with expectation maximisation (Nigam et al., 2000).

    Posteriors below `negligible` are treated as 0.
    """

    def __init__(self, unlabelled_weight=0.1, n_iter=10, negligible=1e-4):
        self.unlabelled_weight = unlabelled_weight
        self.n_iter = n_iter
        self.negligible = negligible

    def fit(self, X, y, X_unlabelled=None):
        """Fit counts of tokens, alternately with posteriors of unlabelled rows."""
        self.model_ = MultinomialNB(alpha=_SMOOTHING).fit(X, y)
        self.classes_ = self.model_.classes_
        for _ in range(self.n_iter if X_unlabelled is not None else 0):
            posteriors = self.model_.predict_proba(X_unlabelled)
            rows, classes = np.nonzero(posteriors > self.negligible)
            weights = self.unlabelled_weight * posteriors[rows, classes]
            self.model_ = MultinomialNB(alpha=_SMOOTHING).fit(
                sparse.vstack([X, X_unlabelled[rows]]),
                np.concatenate([y, self.classes_[classes]]),
                sample_weight=np.concatenate([np.ones(len(y)), weights]),
            )
        return self

    def predict_proba(self, X):
        """Return the probability of each class."""
        return self.model_.predict_proba(X)

    def predict(self, X):
        """Predict the class of each row."""
        return self.model_.predict(X)


class WithUnlabelled(ClassifierMixin, BaseEstimator):
    """A classifier of scikit-learn for which -1 marks unlabelled rows."""

    def __init__(self, classifier, max_unlabelled=None):
        self.classifier = classifier
        self.max_unlabelled = max_unlabelled

    def fit(self, X, y, X_unlabelled=None):
        """Fit the classifier to labelled rows and the first unlabelled ones."""
        self.classes_, codes = np.unique(y, return_inverse=True)
        if X_unlabelled is not None:
            added = X_unlabelled[: self.max_unlabelled]
            stack = sparse.vstack if sparse.issparse(X) else np.vstack
            X = stack([X, added])
            codes = np.concatenate([codes, np.full(added.shape[0], -1)])
        self.classifier_ = clone(self.classifier).fit(X, codes)
        return self

    def predict_proba(self, X):
        """Return the probability of each class, equal if no label has reached a row."""
        with np.errstate(invalid="ignore"):
            probabilities = self.classifier_.predict_proba(X)
        return np.nan_to_num(probabilities, nan=1 / len(self.classes_))

    def predict(self, X):
        """Predict the class of each row."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def make(name, *, chinese, random_state, word_vectors=None):
    """Return an unfitted model for raw text."""
    if name not in _MAKERS:
        return make_supervised(name, chinese=chinese, random_state=random_state)
    return _MAKERS[name](chinese, random_state, word_vectors)


def fit(model, texts, labels, unlabelled):
    """Fit features to all texts, and a classifier that may use unlabelled rows."""
    features, classifier = model[:-1], model[-1]
    features.fit([*texts, *unlabelled])
    rows = {}
    if len(unlabelled) > 0 and has_fit_parameter(classifier, "X_unlabelled"):
        rows["X_unlabelled"] = features.transform(unlabelled)
    classifier.fit(features.transform(texts), labels, **rows)


def _default(chinese, random_state, word_vectors):
    return make_supervised("default", chinese=chinese, random_state=random_state)


def _given_vectors(chinese, random_state, word_vectors):
    classifier = BiLSTMClassifier(embedding=word_vectors, random_state=random_state)
    return make_pipeline(TextVectorizer(vocabulary=word_vectors), classifier)


def _words(chinese):
    """Return the parameters of a vectorizer of words, or of Chinese n-grams."""
    return ngrams(chinese) if chinese else {"token_pattern": r"\b\w+\b"}


def _nb(chinese, random_state, word_vectors):
    return make_pipeline(
        CountVectorizer(**_words(chinese)), MultinomialNB(alpha=_SMOOTHING)
    )


def _nb_em(chinese, random_state, word_vectors):
    return make_pipeline(CountVectorizer(**_words(chinese)), NaiveBayesEM())


def _self_training(chinese, random_state, word_vectors):
    # without class weights, nearly all pseudo-labels are of a single class
    linear = LogisticRegression(C=10, class_weight="balanced", max_iter=1000)
    tfidf = TfidfVectorizer(sublinear_tf=True, **_words(chinese))
    return make_pipeline(tfidf, WithUnlabelled(SelfTrainingClassifier(linear)))


def _svd(chinese, random_state):
    """Return the steps of latent semantic analysis."""
    tfidf = TfidfVectorizer(sublinear_tf=True, **ngrams(chinese))
    return tfidf, TruncatedSVD(100, random_state=random_state), Normalizer()


def _label_spreading(chinese, random_state, word_vectors):
    classifier = WithUnlabelled(LabelSpreading(kernel="knn"), max_unlabelled=5000)
    return make_pipeline(*_svd(chinese, random_state), classifier)


def _lsa(chinese, random_state, word_vectors):
    return make_pipeline(*_svd(chinese, random_state), logistic_search())


def _mean_vectors(chinese, random_state, word_vectors):
    vocabulary = list(word_vectors)
    tfidf = TfidfVectorizer(vocabulary=vocabulary, norm="l1", **_words(chinese))
    mean = FunctionTransformer(lambda weights: weights @ word_vectors.vectors)
    return make_pipeline(tfidf, mean, logistic_search())


_MAKERS = {
    "unlabelled": _default,
    "nb": _nb,
    "nb_em": _nb_em,
    "self_training": _self_training,
    "label_spreading": _label_spreading,
    "lsa": _lsa,
    "mean_vectors": _mean_vectors,
    "given_vectors": _given_vectors,
    "given_vectors_unlabelled": _given_vectors,
}
# Models that require word vectors.
WITH_VECTORS = {"mean_vectors", "given_vectors", "given_vectors_unlabelled"}
# Models that are fitted to unlabelled texts as well.
SEMI_SUPERVISED = set(_MAKERS) - {"nb", "given_vectors"}
