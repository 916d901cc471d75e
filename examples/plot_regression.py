"""
Predict the rating of a review
==============================

The ratings of these reviews depend on word order.
:class:`~sklearn_bilstm.BiLSTMRegressor` is compared with ridge regression on TF-IDF
features, and a second network predicts a quantile.
"""

# %%
# Generate reviews with stars
# ---------------------------
#
# A negative review has two stars and a positive one four. Strong words move the rating
# by one star.
import numpy as np
from sklearn.model_selection import train_test_split

from sklearn_bilstm.datasets import make_reviews

STRONG = {
    "positive": ["brilliant", "excellent", "superb", "wonderful"],
    "negative": ["awful", "dreadful", "lifeless", "tedious"],
}

random = np.random.RandomState(0)
texts, sentiment = make_reviews(1400, max_fillers=0, random_state=0)
sign = np.where(sentiment == "positive", 1, -1)
strong = [
    any(word in text for word in STRONG[opinion])
    for text, opinion in zip(texts, sentiment, strict=True)
]
stars = 3 + sign + sign * strong + random.normal(scale=0.2, size=len(texts))
texts_train, texts_test, stars_train, stars_test = train_test_split(
    texts, stars, test_size=400, random_state=0
)

# %%
# Compare mean absolute errors
# ----------------------------
from sklearn.dummy import DummyRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error
from sklearn.pipeline import make_pipeline

from sklearn_bilstm import BiLSTMRegressor, TextVectorizer

params = {"hidden_layer_sizes": 32, "batch_size": 64, "lr": 0.01, "max_epochs": 15}
rating = make_pipeline(TextVectorizer(), BiLSTMRegressor(random_state=0, **params))
models = {
    "median": DummyRegressor(strategy="median"),
    "TF-IDF + Ridge": make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), Ridge()),
    "TextVectorizer + BiLSTMRegressor": rating,
}
for name, model in models.items():
    model.fit(texts_train, stars_train)
    error = mean_absolute_error(stars_test, model.predict(texts_test))
    print(f"{name:35}mean absolute error {error:.2f} stars")

# %%
# Predict a quantile
# ------------------
#
# With ``loss="quantile"``, the network predicts the rating that 90 % of such reviews
# stay below.
high = make_pipeline(
    TextVectorizer(),
    BiLSTMRegressor(loss="quantile", quantile=0.9, random_state=0, **params),
).fit(texts_train, stars_train)
below = (stars_test <= high.predict(texts_test)).mean()
print(f"fraction of test reviews below the predicted quantile: {below:.2f}")

# %%
import matplotlib.pyplot as plt
from sklearn.metrics import PredictionErrorDisplay

figure, axes = plt.subplots(1, 2, figsize=(9, 4.2), layout="constrained", sharey=True)
for ax, name in zip(axes, list(models)[1:], strict=True):
    PredictionErrorDisplay.from_estimator(
        models[name],
        texts_test,
        stars_test,
        kind="actual_vs_predicted",
        scatter_kwargs={"alpha": 0.3},
        ax=ax,
    )
    ax.set(title=name, xlabel="predicted stars", ylabel="stars")
plt.show()

# %%
# Predict the ratings of new reviews
# ----------------------------------
new_texts = [
    "the plot was not dreadful, it was excellent.",
    "the plot was not excellent, it was dreadful.",
    "the plot was not clumsy, it was charming.",
]
for text, predicted in zip(new_texts, rating.predict(new_texts), strict=True):
    print(f"{predicted:.1f} stars: {text}")
