"""Generators and loaders of datasets."""

from sklearn_bilstm.datasets._conll import load_conll, load_conllu
from sklearn_bilstm.datasets._cumulative_sums import make_cumulative_sums
from sklearn_bilstm.datasets._imdb import fetch_imdb, load_imdb
from sklearn_bilstm.datasets._reviews import make_reviews

__all__ = [
    "fetch_imdb",
    "load_conll",
    "load_conllu",
    "load_imdb",
    "make_cumulative_sums",
    "make_reviews",
]
