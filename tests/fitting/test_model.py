import tracemalloc

import numpy as np
import pytest
import torch
from scipy import sparse

from sklearn_bilstm import BiLSTMClassifier
from sklearn_bilstm.fitting import _model
from sklearn_bilstm.fitting._model import FittedModel
from tests.helpers import small_regressor, small_tagger

_WIDTH = 6


def ids(n_rows):
    """Return rows of one to six tokens, and labels that depend on the first."""
    random = np.random.RandomState(0)
    lengths = random.randint(1, _WIDTH + 1, n_rows)
    X = random.randint(2, 50, (n_rows, _WIDTH)) * (np.arange(_WIDTH) < lengths[:, None])
    return sparse.csr_array(X.astype(np.int32)), X[:, 0] % 2


@pytest.fixture(scope="module")
def classifier():
    model = BiLSTMClassifier(embedding_dim=8, hidden_layer_sizes=8, random_state=0)
    return model.set_params(max_epochs=1).fit(*ids(200))


def peak_memory(function, *args):
    tracemalloc.start()
    try:
        function(*args)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_rows_in_chunks_have_the_logits_of_rows_in_one_piece(classifier, monkeypatch):
    X, _ = ids(300)
    in_one_piece = classifier.decision_function(X)
    monkeypatch.setattr(_model, "_CHUNK_ROWS", 64)
    np.testing.assert_allclose(classifier.decision_function(X), in_one_piece, rtol=1e-6)


def test_memory_of_features_does_not_grow_with_the_number_of_rows(
    classifier, monkeypatch
):
    monkeypatch.setattr(_model, "_CHUNK_ROWS", 512, raising=False)
    few, _ = ids(2000)
    many, _ = ids(10_000)
    X = [classifier.model_.read(rows) for rows in (few, many)]
    classifier.model_.logits(X[0])  # fills caches
    peaks = [peak_memory(classifier.model_.logits, rows) for rows in X]
    # the logits themselves take 16 bytes per row, and twice that while joined
    assert peaks[1] - peaks[0] < 8000 * 100


def test_a_history_that_holds_other_values_than_dicts_raises(classifier):
    state = classifier.model_.state()
    state["net"]["history"].append(1)
    with pytest.raises(TypeError, match="history must hold a dict for each epoch"):
        FittedModel.from_state(state, classifier._types, estimator="BiLSTMClassifier")


def test_a_single_nan_weight_of_a_tagger_raises(sentences):
    model = small_tagger(max_epochs=1).fit(*sentences).model_
    model.check()
    with torch.no_grad():
        model.network.head.linear.bias[0] = torch.nan
    with pytest.raises(ValueError, match="weights of the network must be finite"):
        model.check()


def test_a_model_of_numbers_and_static_features_passes_the_check():
    X = np.random.RandomState(0).rand(20, 5)
    model = small_regressor(n_static_features=2, input_type="numeric").fit(X, X[:, 0])
    model.model_.check()


def test_a_network_of_steps_with_the_target_of_rows_raises():
    X, y = np.random.RandomState(0).rand(2, 8, 3)
    of_rows, of_steps = (small_regressor().fit(X, z).model_ for z in (y[:, 0], [*y]))
    of_rows.check()
    of_steps.check()
    of_rows.target, of_steps.target = of_steps.target, of_rows.target
    for model in (of_rows, of_steps):
        with pytest.raises(ValueError, match="must both be of steps or not"):
            model.check()
