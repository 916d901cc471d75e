import platform
import subprocess
import sys

import pytest

# Frees 300 MB in small blocks, during a fit and after it.
SCRIPT = """
from pathlib import Path
import numpy as np
from skorch.callbacks import Callback
from sklearn_bilstm import BiLSTMClassifier

def megabytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6

def given_back():
    blocks = [bytearray(b"x") * 30_000 for _ in range(10_000)]
    before = megabytes()
    del blocks
    return before - megabytes()

class Frees(Callback):
    def on_epoch_end(self, net, **kwargs):
        print(given_back())

X = np.random.RandomState(0).randint(2, 30, size=(40, 12))
bare = {"embedding": None, "log_odds_ngram_range": None, "linear_ngram_range": None}
model = BiLSTMClassifier(max_epochs=1, callbacks=[Frees()], n_threads=2, **bare)
model.fit(X, X[:, 0] > 15).predict(X)
print(given_back())
"""

pytestmark = pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="requires glibc"
)


def test_freed_memory_is_returned_to_the_system():
    run = [sys.executable, "-c", SCRIPT]
    out = subprocess.run(run, stdout=subprocess.PIPE, check=True, text=True).stdout
    during, afterwards = map(float, out.split())
    assert during > 200
    assert afterwards > 200
