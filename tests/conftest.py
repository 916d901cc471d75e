"""Shared fixtures: small corpora, fitted models and thread settings."""

import os
import signal

import numpy as np
import pytest
import torch

from sklearn_bilstm.datasets import make_reviews
from tests.helpers import small_classifier, small_pipeline, small_tagger

# Scripts, each for an environment of its own.
collect_ignore = ["others"]


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    """Use one thread, which is faster for tiny networks."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_threads)


@pytest.fixture(scope="module")
def restored_environment():
    """Restore environment variables, which dask sets in this process too."""
    environment = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(environment)


@pytest.fixture
def ctrl_c_interrupts():
    """Let SIGINT raise KeyboardInterrupt, which background processes ignore."""
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, handler)


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


@pytest.fixture(scope="session")
def reviews():
    """60 texts and their labels."""
    return make_reviews(60, max_fillers=1, random_state=0)


@pytest.fixture(scope="session")
def ids():
    """40 rows of token ids of unequal length, an empty one among them."""
    random = np.random.RandomState(0)
    X = random.randint(2, 30, size=(40, 12)).astype(np.int32)
    X[np.arange(12) >= random.randint(1, 13, size=(40, 1))] = 0
    X[7] = 0
    return X


@pytest.fixture(scope="session")
def fitted(ids):
    """A classifier fitted on `ids`, read-only."""
    y = np.where(ids[:, 0] > 15, "high", "low")
    return small_classifier(max_epochs=5).fit(ids, y)


@pytest.fixture(scope="session")
def fitted_pipeline(reviews):
    """A pipeline fitted on `reviews`, read-only."""
    return small_pipeline().fit(*reviews)


@pytest.fixture(scope="session")
def sentences():
    """40 sentences with labelled person names, including an empty one."""
    people, verbs = ("Anna", "Ben", "Mrs Ray", "Ella May Lee"), ("met", "saw", "left")
    X, y = [[], ["yes"]], [[], ["O"]]
    for i in range(38):
        names = [people[i % 4].split(), people[i % 3].split()][: 1 + i % 2]
        X.append([*names[0], verbs[i % 3], *[w for name in names[1:] for w in name]])
        spans = [["B-PER", *["I-PER"] * (len(name) - 1)] for name in names]
        y.append([*spans[0], "O", *[label for span in spans[1:] for label in span]])
    return X, y


@pytest.fixture(scope="session")
def fitted_tagger(sentences):
    """A tagger fitted on `sentences`, read-only."""
    return small_tagger(max_epochs=20, lr=0.05).fit(*sentences)
