"""Text in, rows of token ids out: documents, analysis, vocabulary, vectoriser."""

from sklearn_bilstm.text._analysis import make_analyzer, tokenize
from sklearn_bilstm.text._vectorizer import TextVectorizer

__all__ = ["TextVectorizer", "make_analyzer", "tokenize"]
