"""The service of `examples/serving` with a pickled pipeline of scikit-learn."""

import os
import sys
from pathlib import Path

import joblib

sys.path.insert(0, str(Path(__file__).parents[1] / "examples" / "serving"))
import app as service


def read(path):
    """Load a pipeline; as many requests run at once as for the exported model."""
    model = joblib.load(path)
    model.n_threads = len(os.sched_getaffinity(0))
    return model


service.OnnxModel = read
app = service.app
