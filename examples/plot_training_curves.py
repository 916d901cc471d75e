"""
Choose a learning rate and watch the training
=============================================

Before training, a range test shows how the loss changes as the learning rate increases:
it does not decrease if the rate is too small, and diverges if the rate is too large.
After training, the history contains the loss and the accuracy of each epoch. This
example requires the extra ``plot``: ``pip install -c constraints.txt '.[plot]'``.
"""

# %%
# Test learning rates
# -------------------
#
# The range test does not modify the model.
import matplotlib.pyplot as plt
from sklearn.pipeline import make_pipeline

from sklearn_bilstm import BiLSTMClassifier, LearningRateDisplay, TextVectorizer
from sklearn_bilstm.datasets import make_reviews

texts, labels = make_reviews(1000, max_fillers=1, random_state=0)
model = make_pipeline(
    TextVectorizer(),
    BiLSTMClassifier(
        hidden_layer_sizes=32,
        batch_size=64,
        early_stopping=True,
        validation_fraction=0.2,
        max_epochs=15,
        random_state=0,
    ),
)
display = LearningRateDisplay.from_estimator(model, texts, labels)
suggestion = display.range_test.suggestion
print(f"suggested learning rate: {suggestion:.2g}")
plt.show()

# %%
# Train with the suggested rate
# -----------------------------
#
# With early stopping, a fifth of the rows is held out for validation, and the estimator
# keeps the weights of the best epoch.
model.set_params(bilstmclassifier__lr=suggestion).fit(texts, labels)
classifier = model[-1]
best = classifier.history_[classifier.best_epoch_ - 1]
print(f"epochs: {classifier.n_iter_}, best epoch: {classifier.best_epoch_}")
print(f"accuracy of the network on validation rows: {best['valid_accuracy']:.3f}")

# %%
# Plot the history
# ----------------
#
# The dotted line marks the epoch whose weights are used. Values of training rows are
# computed during the epoch, with dropout.
from sklearn_bilstm import TrainingCurveDisplay

figure, axes = plt.subplots(1, 3, figsize=(11, 3.5), layout="constrained")
for metric, ax in zip(["loss", "score", "lr"], axes, strict=True):
    TrainingCurveDisplay.from_estimator(model, metric=metric, ax=ax)
plt.show()
