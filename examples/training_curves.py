"""
Learning rate range test and training curves
============================================

Before training, a range test shows how the loss changes as the learning rate increases:
too small rates do not reduce it, and too large ones make it diverge. After training,
the history shows the loss and the accuracy of each epoch on the training and validation
sets. This example requires matplotlib: `pip install 'sklearn-bilstm[plot]'`.
"""

# %%
# Create a pipeline with early stopping.
import matplotlib.pyplot as plt
from sklearn.pipeline import make_pipeline

from sklearn_bilstm import (
    BiLSTMClassifier,
    LearningRateDisplay,
    TextVectorizer,
    TrainingCurveDisplay,
)
from sklearn_bilstm.datasets import make_reviews

texts, labels = make_reviews(1600, random_state=0)
model = make_pipeline(
    TextVectorizer(),
    BiLSTMClassifier(
        early_stopping=True, n_iter_no_change=5, validation_fraction=0.2, random_state=0
    ),
)
figure, axes = plt.subplots(2, 2, figsize=(10, 7), layout="constrained")

# %%
# Run the range test. It does not modify the model.
display = LearningRateDisplay.from_estimator(model, texts, labels, ax=axes[0, 0])
suggestion = display.range_test.suggestion
print(f"suggested learning rate: {suggestion:.2g}")

# %%
# Train with the suggested learning rate, and plot the history.
model.set_params(bilstmclassifier__lr=suggestion).fit(texts, labels)
for metric, ax in [("lr", axes[0, 1]), ("loss", axes[1, 0]), ("score", axes[1, 1])]:
    TrainingCurveDisplay.from_estimator(model, metric=metric, ax=ax)
classifier = model[-1]
best = classifier.history_[classifier.best_epoch_ - 1]
print(f"epochs: {classifier.n_iter_}, best epoch: {classifier.best_epoch_}")
print(f"accuracy of the network on validation rows: {best['valid_accuracy']:.3f}")

# %%
# The agg backend cannot show figures.
if plt.get_backend().lower() != "agg":
    plt.show()
