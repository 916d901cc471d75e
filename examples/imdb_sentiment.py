"""
Sentiment classification of IMDB reviews
========================================

Fit the pipeline with default parameters to the training set of the IMDB film reviews
(Maas et al., 2011), and report its accuracy on the test set, its run time and its
memory. With `--data DIR`, the reviews are read from a folder with the extracted archive
or parquet files. Otherwise they are downloaded once (84 MB).
"""

import argparse
import resource
import time

from sklearn.pipeline import make_pipeline

from sklearn_bilstm import BiLSTMClassifier, TextVectorizer
from sklearn_bilstm.datasets import fetch_imdb, load_imdb

parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
parser.add_argument("--data", metavar="DIR", help="folder with the reviews")
parser.add_argument("--seed", type=int, default=0, help="random_state (default: 0)")
args = parser.parse_args()


def read(subset):
    """Return the texts and labels of a subset."""
    if args.data is None:
        reviews = fetch_imdb(subset=subset)
    else:
        reviews = load_imdb(args.data, subset=subset)
    return reviews.data, [reviews.target_names[target] for target in reviews.target]


# %%
# Fit the pipeline. `verbose=1` prints the progress of each epoch.
texts, labels = read("train")
model = make_pipeline(
    TextVectorizer(), BiLSTMClassifier(verbose=1, random_state=args.seed)
)
print(f"fitting {len(texts)} reviews ...")
start = time.perf_counter()
model.fit(texts, labels)
print(f"fitted in {time.perf_counter() - start:.0f} s")

# %%
# Score the test set.
texts_test, labels_test = read("test")
start = time.perf_counter()
accuracy = model.score(texts_test, labels_test)
seconds = time.perf_counter() - start
print(f"accuracy on {len(texts_test)} test reviews: {accuracy:.4f} ({seconds:.0f} s)")

# %%
# Predict the sentiment of new reviews.
for text in ["One of the best films of the year!", "I want my two hours back."]:
    probability = model.predict_proba([text])[0].max()
    print(f"{text!r} is {model.predict([text])[0]} with probability {probability:.3f}")

peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
print(f"peak memory: {peak:.2f} GB")
