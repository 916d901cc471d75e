"""Generators and loaders of datasets."""

from sklearn_bilstm.datasets._conll import load_conll, load_conllu
from sklearn_bilstm.datasets._cumulative_sums import make_cumulative_sums
from sklearn_bilstm.datasets._imdb import fetch_imdb, load_imdb
from sklearn_bilstm.datasets._reviews import make_reviews
from sklearn_bilstm.datasets._sentence_tables import (
    sentences_from_dataset,
    sentences_from_frame,
)
from sklearn_bilstm.datasets._spacy import sentences_from_spacy

__all__ = [
    "fetch_imdb",
    "load_conll",
    "load_conllu",
    "load_imdb",
    "make_cumulative_sums",
    "make_reviews",
    "sentences_from_dataset",
    "sentences_from_frame",
    "sentences_from_spacy",
]
