"""
Classify series of numbers of any length
========================================

A common toy problem for recurrent networks: the class is whether the sum of random
numbers from [0, 1) reaches a threshold. The classifier takes an array, or a list of
series of unequal length.
"""

# %%
# Equal lengths
# -------------
#
# Series of equal length are an array with one series per row.
from sklearn.model_selection import train_test_split

from sklearn_bilstm import BiLSTMClassifier
from sklearn_bilstm.datasets import make_cumulative_sums

X, y = make_cumulative_sums(1200, n_timesteps=10, random_state=0)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
model = BiLSTMClassifier(
    hidden_layer_sizes=32, batch_size=64, lr=0.02, max_epochs=12, random_state=0
)
model.fit(X_train, y_train)
print(f"10 steps: test accuracy {model.score(X_test, y_test):.3f}")

# %%
# Unequal lengths
# ---------------
#
# Series of 5 to 20 steps are a list of arrays. The class is 1 if the sum reaches 6.
import numpy as np

random = np.random.RandomState(0)
series = [random.uniform(size=n) for n in random.randint(5, 21, size=1200)]
y = np.array([int(values.sum() >= 6) for values in series])
train, test = train_test_split(np.arange(1200), random_state=0)
model.fit([series[i] for i in train], y[train])
test_series = [series[i] for i in test]
print(f"5 to 20 steps: test accuracy {model.score(test_series, y[test]):.3f}")
print(f"share of the most frequent class: {np.bincount(y[test]).max() / len(test):.3f}")

# %%
# An array padded with NaN gives the same probabilities.
padded = np.full((len(test), 20), np.nan)
for row, values in zip(padded, test_series, strict=True):
    row[: len(values)] = values
same = np.allclose(
    model.predict_proba(padded[:, :, np.newaxis]),
    model.predict_proba(test_series),
    atol=1e-5,
)
print(f"padded with NaN: same probabilities: {same}")

# %%
# Look at the predictions
# -----------------------
#
# Each line is the cumulative sum of a test series, which ends at its last step. Its
# colour is the predicted class, and the dashed line is the threshold.
import matplotlib.pyplot as plt

figure, ax = plt.subplots(figsize=(7, 4), layout="constrained")
predicted = model.predict(test_series)
for values, label in zip(test_series[:60], predicted[:60], strict=True):
    steps, sums = np.arange(1, len(values) + 1), values.cumsum()
    ax.plot(steps, sums, color=f"C{label}", alpha=0.3)
    ax.plot(steps[-1], sums[-1], "o", color=f"C{label}")
ax.axhline(6, color="black", linestyle="--", linewidth=1)
ax.set(xlabel="step", ylabel="cumulative sum")
for label in (0, 1):
    ax.plot([], [], "o-", color=f"C{label}", label=f"predicted class {label}")
ax.legend()
plt.show()

# %%
# Several channels
# ----------------
#
# An array of shape ``(n_samples, n_timesteps, n_channels)`` has several numbers per
# step. Here, an image of a digit is a series of eight rows with eight pixels each.
from sklearn.datasets import load_digits

images, digits = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    images.reshape(-1, 8, 8), digits, random_state=0
)
model.fit(X_train, y_train)
print(
    f"digits, {model.n_channels_} channels: accuracy {model.score(X_test, y_test):.3f}"
)
