"""Fit over the processes of Spark's TorchDistributor, and predict Spark's partitions.

In an environment of its own, since Spark requires Java:

    python -m pip install . pyspark && python tests/others/with_spark.py
"""

from pathlib import Path
from tempfile import TemporaryDirectory

from pyspark.ml.torch.distributor import TorchDistributor
from pyspark.sql import SparkSession
from sklearn.pipeline import make_pipeline

from sklearn_bilstm import BiLSTMClassifier, TextVectorizer, load, save
from sklearn_bilstm.datasets import make_reviews

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


def check_predictions(spark, folder):
    """Compare the predictions for the partitions of a frame with those for all rows."""
    texts, labels = make_reviews(200, random_state=0)
    model = make_pipeline(TextVectorizer(), BiLSTMClassifier(max_epochs=4))
    model.fit(texts, labels)
    path = str(Path(folder, "model.zip"))
    save(model, path)

    def predict_partition(frames):
        loaded = load(path)
        for frame in frames:
            yield frame.assign(predicted=loaded.predict(frame["text"]))

    rows = [(i, str(text)) for i, text in enumerate(texts)]
    frame = spark.createDataFrame(rows, "row int, text string")
    schema = "row int, text string, predicted string"
    parts = frame.repartition(N_PROCESSES).mapInPandas(predict_partition, schema)
    found = {row.row: row.predicted for row in parts.collect()}
    assert [found[i] for i in range(len(texts))] == model.predict(texts).tolist()


def main():
    """Compare the vocabulary of two processes with that of one, and predictions."""
    spark = SparkSession.builder.master(f"local[{N_PROCESSES}]").getOrCreate()
    with TemporaryDirectory() as folder:
        check_predictions(spark, folder)
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
