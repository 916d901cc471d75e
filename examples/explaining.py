"""
Explaining predictions
======================

Integrated gradients, occlusion and attention weights are three ways to explain which
words determine a prediction. In the generated reviews, sentiment depends on word order,
so that even "delightful" can count against a film. This example requires captum,
matplotlib and pandas: `pip install 'sklearn-bilstm[explain,plot]' pandas`.
"""

# %%
# Fit a pipeline with attention pooling to raw text.
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
# Each token gets a score for the predicted class. Notebooks show coloured text, and
# `print` shows the scores inline. Case and punctuation are those of the original text.
reviews = [
    "I would NOT call the plot delightful, I would rather call it clumsy!",
    "I had feared something boring and flat, but the plot was brilliant.",
]
explanations = explain(model, reviews)
print(explanations, "\n")

# %%
# The scores sum to the difference between the output and the baseline.
one = explanations[0]
print(f"log odds of {one.target!r}: {one.output:+.3f}")
print(f"baseline, without token vectors: {one.baseline:+.3f}")
print(f"sum of the scores: {one.scores.sum():+.3f}\n")

# %%
# Convert an explanation to a DataFrame. Positions refer to the original text.
print(one.to_frame().to_string(), "\n")

# %%
# Explain the other class, with occlusion: the effect of removing each token.
print(explain(model, reviews[:1], method="occlusion", target="positive"))

# %%
# Plot the tokens with the largest scores, and the attention weights.
figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
TokenImportanceDisplay.from_explanation(one, ax=axes[0])
TokenImportanceDisplay.from_estimator(model, reviews[0], method="occlusion", ax=axes[1])
AttentionDisplay.from_estimator(model, [*reviews, *test_texts[:2]])

# %%
# The agg backend cannot show figures.
if plt.get_backend().lower() != "agg":
    plt.show()
