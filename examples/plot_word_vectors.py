"""
Understand unseen words through word vectors
============================================

Pretrained vectors of words with a similar meaning are similar. A network that reads
such vectors, and does not update them, can understand a word that no training text
contains.
"""

# %%
# A file of word vectors
# ----------------------
#
# This file stands for one of GloVe: one word and its numbers per line. Praise and blame
# form two groups, and all other words have random vectors.
import tempfile
from pathlib import Path

import numpy as np

from sklearn_bilstm import TextVectorizer
from sklearn_bilstm.datasets import make_reviews

PRAISE = (
    "brilliant charming clever delightful excellent funny "
    "gripping moving original superb touching wonderful"
).split()
BLAME = (
    "awful boring clumsy confusing dreadful flat "
    "forgettable lifeless predictable shallow silly tedious"
).split()

random = np.random.RandomState(0)
texts, labels = make_reviews(4000, max_fillers=0, random_state=0)
words = list(TextVectorizer().fit(texts).vocabulary_)
vectors = random.normal(size=(len(words), 50))
for group in (PRAISE, BLAME):
    rows = [words.index(word) for word in group]
    vectors[rows] = random.normal(size=50) + 0.5 * random.normal(size=(len(rows), 50))

path = Path(tempfile.mkdtemp()) / "vectors.txt"
with path.open("w", encoding="utf-8") as file:
    for word, vector in zip(words, vectors, strict=True):
        file.write(f"{word} {' '.join(map(str, vector.round(4)))}\n")

# %%
# Load and plot them
# ------------------
import matplotlib.pyplot as plt
from sklearn.decomposition import PCA

from sklearn_bilstm import load_word_vectors

word_vectors = load_word_vectors(path)
n_words, n_dims = word_vectors.vectors.shape
print(f"{n_words} words, {n_dims} numbers each")
adjectives = PRAISE + BLAME
points = PCA(2).fit_transform(vectors[[words.index(word) for word in adjectives]])
figure, ax = plt.subplots(figsize=(7, 4), layout="constrained")
ax.scatter(*points.T, c=["C0"] * len(PRAISE) + ["C1"] * len(BLAME))
for word, point in zip(adjectives, points, strict=True):
    ax.annotate(word, point, xytext=(4, 2), textcoords="offset points", fontsize=8)
ax.set(xlabel="first component", ylabel="second component")
ax.margins(x=0.15)
plt.show()

# %%
# Test on words that training does not contain
# --------------------------------------------
#
# The training set contains reviews with the first half of the adjectives only, and the
# test set reviews with the second half only.
seen, unseen = set(PRAISE[:6] + BLAME[:6]), set(PRAISE[6:] + BLAME[6:])
words_of = [set(text.replace(",", " ").replace(".", " ").split()) for text in texts]
train = [i for i, of_text in enumerate(words_of) if not of_text & unseen]
test = [i for i, of_text in enumerate(words_of) if not of_text & seen]
print(f"{len(train)} reviews to train on, {len(test)} to test on")

# %%
# Pass the vectors twice: as ``vocabulary``, so that every word of the file has an id,
# and as ``embedding``. ``freeze_embedding=True`` keeps them as they are. Class log-odds
# of words are disabled in both models, since unseen words have none.
from sklearn.pipeline import make_pipeline

from sklearn_bilstm import BiLSTMClassifier

params = {
    "hidden_layer_sizes": 32,
    "log_odds_ngram_range": None,
    "linear_ngram_range": None,
    "batch_size": 64,
    "lr": 0.01,
    "max_epochs": 15,
    "random_state": 0,
}
models = {
    "without vectors": make_pipeline(TextVectorizer(), BiLSTMClassifier(**params)),
    "with vectors": make_pipeline(
        TextVectorizer(vocabulary=word_vectors),
        BiLSTMClassifier(embedding=word_vectors, freeze_embedding=True, **params),
    ),
}
for name, model in models.items():
    model.fit([texts[i] for i in train], labels[train])
    accuracy = model.score([texts[i] for i in test], labels[test])
    print(f"{name:17}accuracy on unseen words {accuracy:.3f}")
