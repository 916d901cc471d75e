"""
Learn from 20 to 160 labelled rows
==================================

By default, the classifier contains a linear model of n-grams, so that it does not need
thousands of rows. This page compares its learning curve on short messages of customers
with that of TF-IDF and logistic regression, which is always a useful baseline for few
rows.
"""

# %%
# Generate messages
# -----------------
#
# Each message states one of four wishes in one of several wordings, about a random
# product. One label in 20 is wrong.
import numpy as np

WISHES = {
    "cancel": ["please cancel {x}", "i do not want {x} any more", "call off {x}"],
    "track": ["where is {x}", "when do i get {x}", "has {x} been sent yet"],
    "refund": ["i want my money back for {x}", "i was charged twice for {x}"],
    "change": ["can i get {x} in blue", "send {x} to my new address", "swap {x}"],
}
PRODUCTS = ["the shoes", "my order", "the lamp", "the blue coat", "two chairs", "it"]
BEFORE = ["", "hello", "hi there", "sorry to bother you but", "second message"]
AFTER = ["", "thank you", "please", "i ordered it on monday", "my address is the same"]


def make_messages(n_rows, random):
    """Return messages and their labels."""
    kinds = random.choice(list(WISHES), size=n_rows)
    wishes = [random.choice(WISHES[k]).format(x=random.choice(PRODUCTS)) for k in kinds]
    texts = [f"{random.choice(BEFORE)} {w} {random.choice(AFTER)}" for w in wishes]
    wrong = random.uniform(size=n_rows) < 0.05
    return texts, np.where(wrong, random.choice(list(WISHES), size=n_rows), kinds)


random = np.random.RandomState(0)
texts, labels = make_messages(600, random)
for text, label in zip(texts[:4], labels[:4], strict=True):
    print(f"{label}: {text}")

# %%
# Draw learning curves
# --------------------
#
# ``LearningCurveDisplay`` of scikit-learn takes these pipelines like any other model.
# The bands show the standard deviation over two random splits.
import matplotlib.pyplot as plt
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import LearningCurveDisplay, ShuffleSplit
from sklearn.pipeline import make_pipeline

from sklearn_bilstm import BiLSTMClassifier, TextVectorizer

models = {
    "TF-IDF + LogisticRegression": make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression()
    ),
    "TextVectorizer + BiLSTMClassifier": make_pipeline(
        TextVectorizer(),
        BiLSTMClassifier(hidden_layer_sizes=32, max_epochs=20, random_state=0),
    ),
}
figure, ax = plt.subplots(figsize=(7, 4.5), layout="constrained")
for name, model in models.items():
    display = LearningCurveDisplay.from_estimator(
        model,
        texts,
        labels,
        train_sizes=[20, 40, 80, 160],
        cv=ShuffleSplit(2, train_size=160, random_state=0),
        score_type="test",
        ax=ax,
    )
    accuracies = display.test_scores.mean(axis=1)
    print(f"{name:35}{accuracies.round(3)}")
for line, name in zip(ax.get_lines(), models, strict=True):
    line.set(label=name, marker="o")
ax.legend(handles=ax.get_lines())
ax.set(xlabel="labelled rows", ylabel="accuracy on new messages")
plt.show()
