"""
Classify reviews by word order
==============================

"The plot was not dull, it was gripping" and "the plot was not gripping, it was dull"
contain the same words. A linear model on word counts cannot distinguish them, but a
bidirectional LSTM can.
"""

# %%
# Generate reviews
# ----------------
#
# :func:`~sklearn_bilstm.datasets.make_reviews` generates reviews with negations,
# contrasts and "not only ... but". Each review contains equally many positive and
# negative words, so that only their order carries the sentiment.
from sklearn.model_selection import train_test_split

from sklearn_bilstm.datasets import make_reviews

texts, labels = make_reviews(1100, max_fillers=1, random_state=0)
texts_train, texts_test, labels_train, labels_test = train_test_split(
    texts, labels, test_size=300, random_state=0
)
for text, label in zip(texts_train[:3], labels_train[:3], strict=True):
    print(f"{label}: {text}")

# %%
# Fit a pipeline on raw text
# --------------------------
#
# :class:`~sklearn_bilstm.TextVectorizer` converts each text to a sequence of token ids,
# and :class:`~sklearn_bilstm.BiLSTMClassifier` classifies these sequences. Eight epochs
# keep this page fast; by default, ``max_epochs`` depends on the number of rows.
from sklearn.pipeline import make_pipeline

from sklearn_bilstm import BiLSTMClassifier, TextVectorizer

model = make_pipeline(TextVectorizer(), BiLSTMClassifier(max_epochs=8, random_state=0))
model.fit(texts_train, labels_train)

# %%
# Compare it with linear models
# -----------------------------
#
# TF-IDF with logistic regression is the usual baseline for text. On single words, it is
# close to chance here. Pairs of words, such as "not dull", help it.
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

models = {
    "linear, words": make_pipeline(TfidfVectorizer(), LogisticRegression()),
    "linear, words and pairs": make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression()
    ),
}
for linear in models.values():
    linear.fit(texts_train, labels_train)
models["BiLSTM"] = model
for name, fitted in models.items():
    print(f"{name:25}test accuracy {fitted.score(texts_test, labels_test):.3f}")

# %%
# Predict new texts
# -----------------
#
# The columns of ``predict_proba`` are in the order of ``classes_``, as in all of
# scikit-learn.
import matplotlib.pyplot as plt

new_texts = [
    "the music was not boring, it was touching.",
    "the music was not touching, it was boring.",
    "although the script was silly, the film as a whole was brilliant.",
    "although the script was brilliant, the film as a whole was silly.",
]
for text, label in zip(new_texts, model.predict(new_texts), strict=True):
    print(f"{label}: {text}")

figure, ax = plt.subplots(figsize=(8, 3), layout="constrained")
positive = list(model.classes_).index("positive")
for shift, (name, fitted) in zip((-0.27, 0, 0.27), models.items(), strict=True):
    rows = [row + shift for row in range(len(new_texts))]
    ax.barh(rows, fitted.predict_proba(new_texts)[:, positive], 0.25, label=name)
ax.axvline(0.5, color="grey", linewidth=1)
ax.set(yticks=range(len(new_texts)), yticklabels=new_texts, xlim=(0, 1))
ax.set_xlabel("probability of a positive review")
ax.invert_yaxis()
figure.legend(loc="outside upper right", ncols=3)
plt.show()
