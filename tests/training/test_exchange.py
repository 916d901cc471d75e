import numpy as np
import pytest
from torch import distributed

from sklearn_bilstm.utils._process_group import ProcessGroup
from tests.helpers import small_classifier
from tests.processes import Processes

pytestmark = pytest.mark.skipif(
    not distributed.is_available(), reason="this build of torch has no distributed"
)
N_IDS, WIDTH = 20_000, 50


def test_a_message_contains_the_gradients_of_the_tokens_of_a_batch_only():
    pair = Processes()
    try:
        found = pair.call(sent_bytes)
    finally:
        pair.close()
    most = 32 * 10 + 1  # tokens of a batch, and the unknown one
    for n_bytes, n_messages, n_others in found:
        assert n_messages == 2 * 128 / 32  # epochs, rows of both, and rows of a batch
        assert n_bytes / n_messages < 4 * (most * WIDTH + n_others + 1000)
        assert n_bytes / n_messages < 4 * N_IDS * WIDTH / 10


def sent_bytes(rank):
    X = np.random.RandomState(0).randint(2, N_IDS, (64, 10)).astype(np.int32)
    X[0, 0] = N_IDS - 1
    groups = []
    initialise = ProcessGroup.__init__

    def initialise_and_keep(group):
        initialise(group)
        groups.append(group)

    ProcessGroup.__init__ = initialise_and_keep
    try:
        model = small_classifier(embedding_dim=WIDTH, max_epochs=2).fit(X, X[:, 0] % 2)
    finally:
        ProcessGroup.__init__ = initialise
    weights = dict(model.module_.named_parameters())
    n_others = sum(w.numel() for name, w in weights.items() if "embedding" not in name)
    assert weights["input_layer.embedding.weight"].shape == (N_IDS, WIDTH)
    return groups[0].n_bytes, groups[0].n_messages, n_others
