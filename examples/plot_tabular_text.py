"""
Classify rows with several text columns
=======================================

One :class:`~sklearn_bilstm.TextVectorizer` reads several text columns of a DataFrame.
It concatenates the columns of each row to one sequence, with a marker at the start of
each column, so that one network reads them all.
"""

# %%
# A table with missing titles
# ---------------------------
#
# Missing values are empty texts. The ratings are random, and no model needs them.
import numpy as np
import pandas as pd

from sklearn_bilstm.datasets import make_reviews

random = np.random.RandomState(0)
reviews, sentiment = make_reviews(900, max_fillers=1, random_state=0)
titles = np.where(sentiment == "positive", "go and see it", "stay at home")
titles[random.uniform(size=900) < 0.7] = "my opinion"
table = pd.DataFrame(
    {
        "title": pd.Series(titles).where(random.uniform(size=900) < 0.9),
        "review": reviews,
        "stars": random.randint(1, 6, size=900),
    }
)
table.head()

# %%
# One vectorizer for both columns
# -------------------------------
#
# A ``ColumnTransformer`` selects the columns. ``sparse_threshold=1`` keeps the token
# ids sparse.
from sklearn.compose import make_column_transformer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from sklearn_bilstm import BiLSTMClassifier, TextVectorizer

columns = make_column_transformer(
    (TextVectorizer(), ["title", "review"]), sparse_threshold=1
)
classifier = BiLSTMClassifier(
    hidden_layer_sizes=32, batch_size=64, lr=0.01, max_epochs=8, random_state=0
)
model = make_pipeline(columns, classifier)
table_train, table_test, y_train, y_test = train_test_split(
    table, sentiment, random_state=0
)
model.fit(table_train, y_train)

# %%
# The markers are tokens like others.
vectorizer = columns.named_transformers_["textvectorizer"]
ids = vectorizer.transform(table_train[["title", "review"]].head(1))
print(" ".join(vectorizer.inverse_transform(ids)[0]))

# %%
# What each column contributes
# ----------------------------
#
# Fit the same network to one column at a time. The title decides less than a third of
# the rows, while the review decides all of them, but requires word order.
import matplotlib.pyplot as plt

accuracies = {"title and review": model.score(table_test, y_test)}
for column in ("title", "review"):
    picked = make_column_transformer((TextVectorizer(), [column]), sparse_threshold=1)
    single = make_pipeline(picked, classifier).fit(table_train, y_train)
    accuracies[f"{column} alone"] = single.score(table_test, y_test)
for name, accuracy in accuracies.items():
    print(f"{name:20}accuracy {accuracy:.3f}")

figure, ax = plt.subplots(figsize=(6, 2.2), layout="constrained")
bars = ax.barh(list(accuracies), list(accuracies.values()), height=0.6)
ax.bar_label(bars, fmt="{:.3f}", padding=-40, color="white")
ax.axvline(0.5, color="grey", linewidth=1)
ax.set(xlim=(0, 1), xlabel="test accuracy")
ax.invert_yaxis()
plt.show()
