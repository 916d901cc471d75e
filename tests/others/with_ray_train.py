"""One fit over the workers of Ray Train's TorchTrainer.

In an environment of its own:

    python -m pip install . "ray[train]" && python tests/others/with_ray_train.py
"""

import tempfile
from pathlib import Path

import ray
from ray.train import RunConfig, ScalingConfig
from ray.train.torch import TorchConfig, TorchTrainer
from sklearn.pipeline import make_pipeline

from sklearn_bilstm import load
from sklearn_bilstm.datasets import make_reviews

N_WORKERS = 2
N_ROWS = 200


def train(config):
    """Fit the rows of a worker; the first one saves the model."""
    from torch import distributed  # noqa: PLC0415 - called in other processes

    from sklearn_bilstm import BiLSTMClassifier, TextVectorizer, save  # noqa: PLC0415

    rank, size = distributed.get_rank(), distributed.get_world_size()
    texts, labels = make_reviews(N_ROWS, random_state=0)
    model = make_pipeline(
        TextVectorizer(), BiLSTMClassifier(max_epochs=4, random_state=0)
    )
    model.fit(texts[rank::size], labels[rank::size])
    if rank == 0:
        assert size == N_WORKERS
        save(model, config["path"])


def main():
    """Fit on two workers."""
    ray.init(num_cpus=N_WORKERS + 1)
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "model.zip"))
        TorchTrainer(
            train,
            train_loop_config={"path": path},
            torch_config=TorchConfig(backend="gloo"),
            scaling_config=ScalingConfig(num_workers=N_WORKERS),
            run_config=RunConfig(storage_path=folder),
        ).fit()
        model = load(path)
    assert model.score(*make_reviews(N_ROWS, random_state=0)) > 0.9


if __name__ == "__main__":
    main()
