"""
Several labels at once
======================

A review may be about music, about actors, about both or neither, and praise the film or
not. Each is a label of its own: y is an indicator matrix, with a row a text and a
column a label.
"""

# %%
# The data: generated reviews, and what they are about.
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import train_test_split
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MultiLabelBinarizer

from sklearn_bilstm import BiLSTMClassifier, TextVectorizer
from sklearn_bilstm.datasets import make_reviews

SUBJECTS = {"music": ["music"], "actors": ["acting", "cast", "villain"]}

texts, sentiment = make_reviews(1500, random_state=0)
labels = [
    [subject for subject, words in SUBJECTS.items() if any(w in text for w in words)]
    for text in texts
]
for row, opinion in zip(labels, sentiment, strict=True):
    if opinion == "positive":
        row.append("praise")
binarizer = MultiLabelBinarizer()
Y = binarizer.fit_transform(labels)
print(f"{binarizer.classes_.tolist()}: shares {Y.mean(axis=0).round(2)}\n")
texts_train, texts_test, Y_train, Y_test = train_test_split(texts, Y, random_state=0)

# %%
# One network for all labels, beside a linear model for each. The F1 score is of a
# label each: only the network can tell praise, which is in the order of the words.
models = {
    "TF-IDF + LogisticRegression": make_pipeline(
        TfidfVectorizer(), OneVsRestClassifier(LogisticRegression())
    ),
    "TextVectorizer + BiLSTMClassifier": make_pipeline(
        TextVectorizer(), BiLSTMClassifier(random_state=0)
    ),
}
for name, model in models.items():
    predicted = model.fit(texts_train, Y_train).predict(texts_test)
    scores = f1_score(Y_test, predicted, average=None).round(3)
    right = accuracy_score(Y_test, predicted)
    print(f"{name:35}F1 {scores}, right in every label {right:.3f}")

# %%
# Probabilities of labels do not sum to one.
bilstm = models["TextVectorizer + BiLSTMClassifier"]
text = "the music was not boring, it was touching."
print(f"\n{text!r} is about {binarizer.inverse_transform(bilstm.predict([text]))[0]}")
print(f"probabilities: {bilstm.predict_proba([text])[0].round(3)}")
