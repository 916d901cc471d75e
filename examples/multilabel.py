"""
Multilabel classification
=========================

A review can be about music, actors, both or neither, and can praise the film or not.
Each is a separate label: y is an indicator matrix with one row per text and one column
per label.
"""

# %%
# Generate reviews, and label them by their subjects.
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
print(f"{binarizer.classes_.tolist()}: frequencies {Y.mean(axis=0).round(2)}\n")
texts_train, texts_test, Y_train, Y_test = train_test_split(texts, Y, random_state=0)

# %%
# Compare one network for all labels with one linear model per label. Only the network
# can predict praise, which depends on word order. F1 scores are per label.
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
    print(f"{name:35}F1 {scores}, subset accuracy {right:.3f}")

# %%
# Probabilities of labels do not sum to one.
bilstm = models["TextVectorizer + BiLSTMClassifier"]
text = "the music was not boring, it was touching."
print(f"\n{text!r}: {binarizer.inverse_transform(bilstm.predict([text]))[0]}")
print(f"probabilities: {bilstm.predict_proba([text])[0].round(3)}")
