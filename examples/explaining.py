"""
Explain the answers of a model
==============================

Which words does an answer rest on? Integrated gradients, occlusion and the weights of
an attention pooling give three views of it. The network learns reviews whose sentiment
hangs on the order of their words, so that "delightful" may well speak against a film.
It needs captum, matplotlib and pandas, which
`pip install 'sklearn-bilstm[explain,plot]' pandas` installs.
"""

# %%
# A model with attention that reads raw text.
import matplotlib.pyplot as plt
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from sklearn_bilstm import (
    AttentionDisplay,
    BiLSTMClassifier,
    TextVectorizer,
    TokenImportanceDisplay,
    explain,
)
from sklearn_bilstm.datasets import make_reviews

texts, labels = make_reviews(2000, random_state=0)
texts, test_texts, labels, test_labels = train_test_split(texts, labels, random_state=0)
model = make_pipeline(
    TextVectorizer(), BiLSTMClassifier(pooling="attention", random_state=0)
)
model.fit(texts, labels)
print(f"accuracy on new reviews: {model.score(test_texts, test_labels):.3f}\n")

# %%
# Every token has a score for the predicted class. In a notebook the text is coloured;
# printed, the scores stand in it. Capitals and punctuation are as they were written.
reviews = [
    "I would NOT call the plot delightful, I would rather call it clumsy!",
    "I had feared something boring and flat, but the plot was brilliant.",
]
explanations = explain(model, reviews)
print(explanations, "\n")

# %%
# The scores sum to what the tokens change.
one = explanations[0]
print(f"log odds of {one.target!r}: {one.output:+.3f}")
print(f"without the tokens' vectors: {one.baseline:+.3f}")
print(f"sum of the scores: {one.scores.sum():+.3f}\n")

# %%
# A frame to go on with: the places of tokens are those in the text as it came.
print(one.to_frame().to_string(), "\n")

# %%
# What speaks for the other class, and what happens if a token is left out.
print(explain(model, reviews[:1], method="occlusion", target="positive"))

# %%
# Pictures of the tokens that count most, and of attention.
figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
TokenImportanceDisplay.from_explanation(one, ax=axes[0])
TokenImportanceDisplay.from_estimator(model, reviews[0], method="occlusion", ax=axes[1])
AttentionDisplay.from_estimator(model, [*reviews, *test_texts[:2]])

# %%
# On a machine without a screen there is nothing to show the figures on.
if plt.get_backend().lower() != "agg":
    plt.show()
