"""
Choose a learning rate, and look at a training
==============================================

Before a training: the loss of a few steps at rates that grow from one to the next tells
which rates are too small to learn anything, and which are too large. After it: the loss
and the accuracy of every epoch, of the rows learnt from and of others. It needs
matplotlib, which `pip install 'sklearn-bilstm[plot]'` installs.
"""

# %%
# A model that reads raw text, and that stops when validation rows no longer gain.
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
# The range test leaves the model as it is.
display = LearningRateDisplay.from_estimator(model, texts, labels, ax=axes[0, 0])
suggestion = display.range_test.suggestion
print(f"suggested learning rate: {suggestion:.2g}")

# %%
# Trained with the rate that was suggested.
model.set_params(bilstmclassifier__lr=suggestion).fit(texts, labels)
for metric, ax in [("lr", axes[0, 1]), ("loss", axes[1, 0]), ("score", axes[1, 1])]:
    TrainingCurveDisplay.from_estimator(model, metric=metric, ax=ax)
classifier = model[-1]
best = classifier.history_[classifier.best_epoch_ - 1]
print(f"epochs: {classifier.n_iter_}, in use: {classifier.best_epoch_}")
print(f"accuracy of the network on validation rows: {best['valid_accuracy']:.3f}")

# %%
# On a machine without a screen there is nothing to show the figure on.
if plt.get_backend().lower() != "agg":
    plt.show()
