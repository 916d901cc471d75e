"""
Predict any number of labels per text
=====================================

A review can be about music, actors, both or neither, and can praise the film or not.
Each is a separate label: ``y`` is an indicator matrix with one row per text and one
column per label.
"""

# %%
# Label reviews by their subjects
# -------------------------------
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import MultiLabelBinarizer

from sklearn_bilstm.datasets import make_reviews

SUBJECTS = {"music": ["music"], "actors": ["acting", "cast", "villain"]}

texts, sentiment = make_reviews(1300, max_fillers=1, random_state=0)
labels = [
    [subject for subject, words in SUBJECTS.items() if any(w in text for w in words)]
    for text in texts
]
for row, opinion in zip(labels, sentiment, strict=True):
    if opinion == "positive":
        row.append("praise")
binarizer = MultiLabelBinarizer()
Y = binarizer.fit_transform(labels)
for name, frequency in zip(binarizer.classes_, Y.mean(axis=0), strict=True):
    print(f"{name:8}in {frequency:.0%} of the reviews")
texts_train, texts_test, Y_train, Y_test = train_test_split(
    texts, Y, test_size=400, random_state=0
)

# %%
# One network for all labels
# --------------------------
#
# The baseline is one linear model per label. Only the network can predict praise, which
# depends on word order.
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline

from sklearn_bilstm import BiLSTMClassifier, TextVectorizer

linear = make_pipeline(TfidfVectorizer(), OneVsRestClassifier(LogisticRegression()))
bilstm = make_pipeline(
    TextVectorizer(),
    BiLSTMClassifier(
        hidden_layer_sizes=32, batch_size=64, lr=0.01, max_epochs=10, random_state=0
    ),
)
models = {"TF-IDF + LogisticRegression": linear, "BiLSTMClassifier": bilstm}
f1_scores = {}
for name, model in models.items():
    predicted = model.fit(texts_train, Y_train).predict(texts_test)
    f1_scores[name] = f1_score(Y_test, predicted, average=None)
    right = accuracy_score(Y_test, predicted)
    print(f"{name:29}all labels of a review correct: {right:.1%}")

# %%
import matplotlib.pyplot as plt
import numpy as np

figure, ax = plt.subplots(figsize=(6, 3.2), layout="constrained")
places = np.arange(len(binarizer.classes_))
for shift, (name, scores) in zip((-0.2, 0.2), f1_scores.items(), strict=True):
    ax.bar_label(ax.bar(places + shift, scores, 0.38, label=name), fmt="{:.2f}")
ax.set(xticks=places, xticklabels=binarizer.classes_, ylabel="F1 score", ylim=(0, 1.1))
figure.legend(loc="outside upper center", ncols=2)
plt.show()

# %%
# Probabilities of labels do not sum to one
# -----------------------------------------
text = "the music was not boring, it was touching."
print(f"{text!r}: {binarizer.inverse_transform(bilstm.predict([text]))[0]}")
for name, probability in zip(
    binarizer.classes_, bilstm.predict_proba([text])[0], strict=True
):
    print(f"{name:8}{probability:.3f}")
