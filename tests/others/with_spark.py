"""One fit over the processes of Spark's TorchDistributor, in local mode.

In an environment of its own, since Spark requires Java:

    python -m pip install . pyspark && python tests/others/with_spark.py
"""

from pyspark.ml.torch.distributor import TorchDistributor
from pyspark.sql import SparkSession

N_PROCESSES = 2


def train(n_rows):
    """Fit the rows of a process; return what the first one finds."""
    from torch import distributed  # noqa: PLC0415 - called in other processes

    from sklearn_bilstm import BiLSTMClassifier, TextVectorizer  # noqa: PLC0415
    from sklearn_bilstm.datasets import make_reviews  # noqa: PLC0415

    distributed.init_process_group("gloo")
    rank, size = distributed.get_rank(), distributed.get_world_size()
    texts, labels = make_reviews(n_rows, random_state=0)
    vectorizer = TextVectorizer()
    X = vectorizer.fit_transform(texts[rank::size])
    model = BiLSTMClassifier(max_epochs=4, random_state=0).fit(X, labels[rank::size])
    accuracy = model.score(vectorizer.transform(texts), labels)
    distributed.destroy_process_group()
    return size, sorted(vectorizer.vocabulary_), accuracy


def main():
    """Compare the vocabulary of two processes with that of one."""
    spark = SparkSession.builder.master(f"local[{N_PROCESSES}]").getOrCreate()
    found = [
        TorchDistributor(num_processes=n, local_mode=True, use_gpu=False).run(
            train, 200
        )
        for n in (1, N_PROCESSES)
    ]
    spark.stop()
    (_, expected, _), (size, vocabulary, accuracy) = found
    assert size == N_PROCESSES
    assert vocabulary == expected
    assert accuracy > 0.9


if __name__ == "__main__":
    main()
