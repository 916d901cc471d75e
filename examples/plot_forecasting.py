"""
Forecast a series, with an interval
===================================

Windows of a series are the sequences, and the value after each window is the target.
Three networks predict the median and two quantiles of the next value.
"""

# %%
# Cut a series into windows
# -------------------------
#
# The series is a wave with noise, which is larger at high values.
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

random = np.random.RandomState(0)
steps = np.arange(900)
wave = np.sin(steps / 8) + 0.5 * np.sin(steps / 3)
series = wave + 0.05 * (1 + 6 * wave.clip(0)) * random.normal(size=900)

N_TRAIN = 700
windows = sliding_window_view(series, 25)
X, y = windows[:, :-1], windows[:, -1]
X_train, X_test, y_train, y_test = X[:N_TRAIN], X[N_TRAIN:], y[:N_TRAIN], y[N_TRAIN:]

# %%
# Fit one network per quantile
# ----------------------------
#
# ``linear_kernels=None`` disables the ridge regression that the default contains. Its
# quantiles differ by a constant, so that the width of an interval could not follow the
# noise.
from sklearn_bilstm import BiLSTMRegressor

forecasts = {}
for quantile in (0.1, 0.5, 0.9):
    network = BiLSTMRegressor(
        loss="quantile",
        quantile=quantile,
        linear_kernels=None,
        hidden_layer_sizes=16,
        dropout=0.1,
        lr=0.01,
        max_epochs=40,
        random_state=0,
    )
    forecasts[quantile] = network.fit(X_train, y_train).predict(X_test)
low, median, high = forecasts.values()
inside = ((low <= y_test) & (y_test <= high)).mean()
naive = X_test[:, -1]
print(f"mean absolute error of the median: {abs(median - y_test).mean():.3f}")
print(f"mean absolute error of the last value: {abs(naive - y_test).mean():.3f}")
print(f"values within the 80 % interval: {inside:.0%}")

# %%
# Plot the forecasts
# ------------------
import matplotlib.pyplot as plt

figure, ax = plt.subplots(figsize=(8, 3.5), layout="constrained")
places = np.arange(len(y_test))
ax.fill_between(places, low, high, alpha=0.25, label="80 % interval")
ax.plot(places, median, label="median")
ax.plot(places, y_test, ".", color="black", markersize=4, label="series")
ax.set(xlabel="step of the test set", ylabel="value")
figure.legend(loc="outside upper right", ncols=3)
plt.show()
