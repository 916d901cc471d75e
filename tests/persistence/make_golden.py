"""Write the golden files: a model of each kind, in the current format of files.

Run this once per version of the format, as in
`python tests/persistence/make_golden.py tests/persistence/golden`. Files of released
versions are kept, since every later version must load them.
"""

import sys
from pathlib import Path

import numpy as np
from sklearn.pipeline import make_pipeline

from sklearn_bilstm import (
    BiLSTMClassifier,
    BiLSTMRegressor,
    BiLSTMTagger,
    TextVectorizer,
    __version__,
    compress,
    save,
)

TEXTS = ["a good film", "a bad plot", "good plot", "not a bad film", ""] * 4
SMALL = {
    "embedding_dim": 4,
    "hidden_layer_sizes": 3,
    "max_epochs": 2,
    "precision": "float32",
    "random_state": 0,
}
SENTENCES = [["Anna", "left", "Rome"], ["Ben", "met", "Anna"]] * 4
LABELS = [["B-PER", "O", "B-LOC"], ["B-PER", "O", "B-PER"]] * 4


def golden_models():
    """Return models and inputs of different kinds, by name."""
    labels = ["pos", "neg", "pos", "neg", "none"] * 4
    indicators = np.tile(np.array([[1, 0], [0, 1], [1, 1], [0, 0], [1, 0]]), (4, 1))
    series = np.random.RandomState(0).rand(20, 6, 2)
    table = np.hstack([np.arange(100).reshape(20, 5) % 7, series[:, 0]])
    classifier = BiLSTMClassifier(**SMALL)
    return {
        "classifier": (make_pipeline(TextVectorizer(), classifier), TEXTS, labels),
        "multilabel": (
            make_pipeline(TextVectorizer(), BiLSTMClassifier(**SMALL, cell="gru")),
            TEXTS,
            indicators,
        ),
        "static": (
            BiLSTMClassifier(
                **SMALL, input_type="tokens", n_static_features=2, pooling="attention"
            ),
            table,
            labels,
        ),
        "regressor": (
            BiLSTMRegressor(**SMALL, normalization="layer", dense_layer_sizes=2),
            series,
            series[:, -1],
        ),
        "compressed": (
            make_pipeline(TextVectorizer(), BiLSTMClassifier(**SMALL)),
            TEXTS,
            labels,
        ),
        "tagger": (BiLSTMTagger(**SMALL, n_character_filters=3), SENTENCES, LABELS),
    }


def predictions(model, X):
    """Return the probabilities or numbers that a model predicts, as one array."""
    predict = getattr(model, "predict_proba", model.predict)
    found = predict(X)
    return np.concatenate(found) if isinstance(found, list) else found


def main(folder):
    """Write a file per model, and one of all predictions."""
    expected = {}
    for name, (model, X, y) in golden_models().items():
        model.fit(X, y)
        is_compressed = name == "compressed"
        saved = compress(model, X, tolerance=0.5) if is_compressed else model
        save(saved, folder / f"{name}-{__version__}.zip")
        expected[name] = predictions(saved, X)
    np.savez(folder / f"predictions-{__version__}.npz", **expected)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
