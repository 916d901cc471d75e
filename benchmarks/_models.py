"""The compared models by name."""

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline

from sklearn_bilstm import BiLSTMClassifier, TextVectorizer


class NBSVM(ClassifierMixin, BaseEstimator):
    """Linear model of counts weighted by naive Bayes (Wang and Manning, 2012).

    It uses logistic loss and no interpolation, as in Mesnil et al. (2015).
    """

    def __init__(self, C=1.0):
        self.C = C

    def fit(self, X, y):
        """Fit a binary classifier of binary counts."""
        self.classes_ = np.unique(y)
        positive = y == self.classes_[1]
        p, q = (1 + np.asarray(X[i].sum(0)).ravel() for i in (positive, ~positive))
        self.ratio_ = sparse.diags(np.log((p / p.sum()) / (q / q.sum())))
        self.linear_ = LogisticRegression(C=self.C, max_iter=1000)
        self.linear_.fit(X @ self.ratio_, positive)
        return self

    def decision_function(self, X):
        """Return the log odds of the second class."""
        return self.linear_.decision_function(X @ self.ratio_)

    def predict(self, X):
        """Predict the class of each row."""
        return self.classes_[(self.decision_function(X) > 0).astype(int)]


def make(name, *, chinese, random_state):
    """Return an unfitted model for raw text."""
    return _MAKERS[name](chinese, random_state)


def loss(model, split):
    """Return the log loss on the test set, or NaN for a model without probabilities."""
    if not hasattr(model, "predict_proba"):
        return np.nan
    probabilities = model.predict_proba(split.test_texts)
    return log_loss(split.test_labels, probabilities, labels=model.classes_)


def _default(chinese, random_state):
    return make_pipeline(TextVectorizer(), BiLSTMClassifier(random_state=random_state))


def _network(chinese, random_state):
    model = _default(chinese, random_state)
    return model.set_params(bilstmclassifier__linear_ngram_range=None)


def _tutorial(chinese, random_state):
    """Last states, no dropout, random vectors, a constant rate, five epochs."""
    classifier = BiLSTMClassifier(
        embedding=None,
        log_odds_ngram_range=None,
        embedding_dropout=0.0,
        word_dropout=0.0,
        dropout=0.0,
        pooling="last",
        linear_ngram_range=None,
        optimizer="adam",
        weight_decay=0.0,
        lr=1e-3,
        lr_schedule="constant",
        gradient_clip_norm=None,
        max_epochs=5,
        random_state=random_state,
    )
    return make_pipeline(TextVectorizer(), classifier)


def ngrams(chinese):
    """Return the n-gram parameters of a vectorizer."""
    if chinese:
        return {"analyzer": "char", "ngram_range": (1, 3)}
    return {"ngram_range": (1, 2)}


def logistic_search():
    """Return logistic regression with its C chosen by cross-validation."""
    linear = LogisticRegression(max_iter=1000)
    return GridSearchCV(linear, {"C": [1, 10, 100]}, cv=3)


def _tfidf(chinese, random_state):
    tfidf = TfidfVectorizer(sublinear_tf=True, **ngrams(chinese))
    return make_pipeline(tfidf, logistic_search())


def _nbsvm(chinese, random_state):
    counts = CountVectorizer(binary=True, dtype=np.float64, **ngrams(chinese))
    return make_pipeline(counts, OneVsRestClassifier(NBSVM()))


_MAKERS = {
    "default": _default,
    "network": _network,
    "tfidf": _tfidf,
    "nbsvm": _nbsvm,
    "tutorial": _tutorial,
}
# Models that depend on the seed.
SEEDED = {"default", "network", "tutorial"}
