"""
Check that probabilities can be trusted
=======================================

Of the reviews that a calibrated model calls positive with a probability of 80 %, four
in five are positive. A reliability curve shows whether a model is overconfident or
underconfident, and scikit-learn's ``CalibratedClassifierCV`` corrects it.
"""

# %%
# Reviews with wrong labels
# -------------------------
#
# A tenth of the labels is flipped, so that no model can be right in more than about
# 90 % of the cases.
from sklearn_bilstm.datasets import make_reviews

texts, labels = make_reviews(2400, max_fillers=0, flip_y=0.1, random_state=0)
texts_train, labels_train = texts[:500], labels[:500]
texts_held_out, labels_held_out = texts[500:800], labels[500:800]
texts_test, labels_test = texts[800:], labels[800:]

# %%
# Fit two models
# --------------
#
# The first is the default: the logits of the network and of a linear model of n-grams
# are divided by a temperature, which is fitted on out-of-fold predictions of the linear
# model. The second is a network alone, without dropout and for many epochs.
from sklearn.pipeline import make_pipeline

from sklearn_bilstm import BiLSTMClassifier, TextVectorizer

params = {"hidden_layer_sizes": 32, "batch_size": 64, "lr": 0.01}
models = {
    "default": make_pipeline(
        TextVectorizer(), BiLSTMClassifier(max_epochs=20, random_state=0, **params)
    ),
    "network without dropout": make_pipeline(
        TextVectorizer(),
        BiLSTMClassifier(
            linear_ngram_range=None,
            dropout=0,
            embedding_dropout=0,
            word_dropout=0,
            max_epochs=40,
            random_state=0,
            **params,
        ),
    ),
}
for model in models.values():
    model.fit(texts_train, labels_train)

# %%
# Calibrate them
# --------------
#
# A sigmoid is fitted on rows that the models have not seen. ``FrozenEstimator`` keeps
# the fitted models as they are. Without held-out rows, omit it:
# ``CalibratedClassifierCV(model, cv=5)`` fits the model on folds.
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator

calibrated = {
    name: CalibratedClassifierCV(FrozenEstimator(model)).fit(
        texts_held_out, labels_held_out
    )
    for name, model in models.items()
}

# %%
# Draw reliability curves
# -----------------------
#
# On the diagonal, predicted probabilities equal observed frequencies. The default is
# underconfident on these reviews, in which word order matters more than words: its
# curve is steeper than the diagonal. The network without dropout is overconfident: its
# curve is flatter. The log loss, which should be low, shows the benefit of calibration.
import matplotlib.pyplot as plt
from sklearn.calibration import CalibrationDisplay
from sklearn.metrics import log_loss

print(f"{'':38}accuracy  confidence  log loss")
figure, axes = plt.subplots(1, 2, figsize=(10, 5), layout="constrained", sharey=True)
for ax, (name, model) in zip(axes, models.items(), strict=True):
    for label, fitted in {
        name: model,
        f"{name}, calibrated": calibrated[name],
    }.items():
        probabilities = fitted.predict_proba(texts_test)
        accuracy = fitted.score(texts_test, labels_test)
        confidence = probabilities.max(axis=1).mean()
        loss = log_loss(labels_test, probabilities)
        print(f"{label:38}{accuracy:8.3f}{confidence:12.3f}{loss:10.3f}")
        CalibrationDisplay.from_predictions(
            labels_test == "positive", probabilities[:, 1], n_bins=8, name=label, ax=ax
        )
    ax.set(xlabel="predicted probability", ylabel="fraction of positive reviews")
plt.show()
