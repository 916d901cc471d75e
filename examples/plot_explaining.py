"""
Explain the sentiment of a review in colours
============================================

:func:`~sklearn_bilstm.explain` computes one score per token of a text: what the token
contributes to the prediction. Notebooks show the text in colours, ``print`` shows the
scores, and displays plot them. This example requires pandas and the extras ``explain``
and ``plot``: ``pip install -c constraints.txt '.[explain,plot]' pandas``.
"""

# %%
# Fit a pipeline
# --------------
#
# Attention pooling is used here because its weights can be plotted too. Explanations
# need no specific pooling.
from sklearn.pipeline import make_pipeline

from sklearn_bilstm import BiLSTMClassifier, TextVectorizer, explain
from sklearn_bilstm.datasets import make_reviews

texts, labels = make_reviews(1400, max_fillers=1, random_state=0)
model = make_pipeline(
    TextVectorizer(),
    BiLSTMClassifier(pooling="attention", max_epochs=10, random_state=0),
)
model.fit(texts[:1000], labels[:1000])
print(f"accuracy on new reviews: {model.score(texts[1000:], labels[1000:]):.3f}")

# %%
# Colour the words
# ----------------
#
# Orange tokens increase the log odds of the predicted class, and blue tokens decrease
# them. The legend names the classes. The sentiment of these reviews depends on word
# order, so that even "delightful" can increase the log odds of a negative review. Case
# and punctuation are those of the original text.
reviews = [
    "I would NOT call the plot delightful, I would rather call it clumsy!",
    "I had feared something boring and flat, but the plot was brilliant.",
]
explanations = explain(model, reviews)
explanations

# %%
# ``print`` writes the scores into the text.
print(explanations)

# %%
# What the scores mean
# --------------------
#
# Scores refer to the log odds of the class. Those of integrated gradients, the default
# method, sum to the difference between the output and the output without any token.
one = explanations[0]
print(f"log odds of {one.target!r}: {one.output:+.3f}")
print(f"baseline, with {one.baseline_input}: {one.baseline:+.3f}")
print(f"sum of the scores: {one.scores.sum():+.3f}")

# %%
# A table contains the position of each token in the original text. The last row is the
# baseline.
one.to_frame()

# %%
# Other methods
# -------------
#
# Occlusion removes each token in turn. It needs no extra package, and any class can be
# explained.
explain(model, reviews[:1], method="occlusion", target="positive")

# %%
# Attention weights show where the network looks, not why it predicts a class.
explain(model, reviews, method="attention")

# %%
# Plot the scores
# ---------------
import matplotlib.pyplot as plt

from sklearn_bilstm import AttentionDisplay, TokenImportanceDisplay

figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
TokenImportanceDisplay.from_explanation(one, ax=axes[0])
TokenImportanceDisplay.from_estimator(model, reviews[1], method="occlusion", ax=axes[1])
plt.show()

# %%
AttentionDisplay.from_estimator(model, reviews)
plt.show()
