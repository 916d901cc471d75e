"""
Classifying sequences of numbers
================================

A common toy problem for recurrent networks: the class says whether the sum of random
numbers from [0, 1) reaches a threshold. The classifier accepts arrays, and lists of
sequences of unequal length.
"""

# %%
# Sequences of equal length are an array with one sequence per row.
import numpy as np
from sklearn.model_selection import train_test_split

from sklearn_bilstm import BiLSTMClassifier
from sklearn_bilstm.datasets import make_cumulative_sums

X, y = make_cumulative_sums(2000, n_timesteps=10, random_state=0)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
model = BiLSTMClassifier(hidden_layer_sizes=32, max_epochs=15, random_state=0)
model.fit(X_train, y_train)
print(f"10 steps: test accuracy {model.score(X_test, y_test):.3f}")

# %%
# Sequences of 5 to 20 steps are a list of arrays. The class is 1 if the sum reaches 6.
random = np.random.RandomState(0)
series = [random.uniform(size=n) for n in random.randint(5, 21, size=2000)]
y = np.array([int(values.sum() >= 6) for values in series])
train, test = train_test_split(np.arange(2000), random_state=0)
model.fit([series[i] for i in train], y[train])
accuracy = model.score([series[i] for i in test], y[test])
print(
    f"5 to 20 steps: test accuracy {accuracy:.3f}, frequency of 1 {y[test].mean():.2f}"
)

# %%
# A 3-D array padded with NaN gives the same predictions.
padded = np.full((2000, 20, 1), np.nan)
for row, values in zip(padded, series, strict=True):
    row[: len(values), 0] = values
same = np.allclose(
    model.predict_proba(padded[test]),
    model.predict_proba([series[i] for i in test]),
    atol=1e-5,
)
print(f"padded with NaN: same probabilities: {same}")

# %%
# Sequences can be longer than those in training. Here the numbers are half as large.
longer = [random.uniform(high=0.5, size=24) for _ in range(500)]
y_longer = [int(values.sum() >= 6) for values in longer]
print(f"24 steps, unseen length: accuracy {model.score(longer, y_longer):.3f}")
