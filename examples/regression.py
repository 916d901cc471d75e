"""
Predicting the rating of a review
=================================

The ratings of generated reviews depend on word order. A network is compared with ridge
regression on TF-IDF features of unigrams and bigrams, and another network predicts a
quantile.
"""

# %%
# Generate reviews with two or four stars, plus or minus one for strong words.
import numpy as np
from sklearn.dummy import DummyRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from sklearn_bilstm import BiLSTMRegressor, TextVectorizer
from sklearn_bilstm.datasets import make_reviews

STRONG = {
    "positive": ["brilliant", "excellent", "superb", "wonderful"],
    "negative": ["awful", "dreadful", "lifeless", "tedious"],
}

random = np.random.RandomState(0)
texts, sentiment = make_reviews(1600, max_fillers=1, random_state=0)
sign = np.where(sentiment == "positive", 1, -1)
strong = [
    any(word in text for word in STRONG[opinion])
    for text, opinion in zip(texts, sentiment, strict=True)
]
stars = 3 + sign + sign * strong + random.normal(scale=0.2, size=len(texts))
texts_train, texts_test, stars_train, stars_test = train_test_split(
    texts, stars, random_state=0
)

# %%
# Compare the mean absolute errors, in stars.
network = BiLSTMRegressor(hidden_layer_sizes=32, random_state=0)
models = {
    "median": DummyRegressor(strategy="median"),
    "TF-IDF + Ridge": make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), Ridge()),
    "TextVectorizer + BiLSTMRegressor": make_pipeline(TextVectorizer(), network),
}
for name, model in models.items():
    model.fit(texts_train, stars_train)
    error = mean_absolute_error(stars_test, model.predict(texts_test))
    print(f"{name:35}mean absolute error {error:.2f} stars")

# %%
# Predict the 90 % quantile of the rating.
high = make_pipeline(
    TextVectorizer(),
    BiLSTMRegressor(
        loss="quantile", quantile=0.9, hidden_layer_sizes=32, random_state=0
    ),
).fit(texts_train, stars_train)
below = (stars_test <= high.predict(texts_test)).mean()
print(f"\nfraction of test reviews below the predicted 90 % quantile: {below:.2f}")

# %%
# Predict the ratings of new reviews.
rating = models["TextVectorizer + BiLSTMRegressor"]
new_texts = [
    "the plot was not dreadful, it was excellent.",
    "the plot was not excellent, it was dreadful.",
    "the plot was not clumsy, it was charming.",
]
print()
for text, predicted in zip(new_texts, rating.predict(new_texts), strict=True):
    print(f"{predicted:.1f} stars: {text}")
