"""
Combine text with numbers and categories
========================================

A ``ColumnTransformer`` concatenates all columns: the token ids of the text columns
first, then the numeric features. ``n_static_features`` is the number of these trailing
features. They are standardised and concatenated to the pooled vector of the text.
"""

# %%
# A table of opinions
# -------------------
#
# Whether a customer recommends a product depends on the text, on the age of the
# customer and on the department.
import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from sklearn_bilstm.datasets import make_reviews

N_ROWS = 900
random = np.random.RandomState(0)
reviews, sentiment = make_reviews(N_ROWS, max_fillers=0, random_state=0)
departments = ["Dresses", "Tops", "Trend"]
table = pd.DataFrame(
    {
        "review": reviews,
        "age": random.randint(18, 80, size=N_ROWS),
        "department": random.choice(departments, size=N_ROWS),
    }
)
score = np.where(sentiment == "positive", 1, -1) + (table["age"] - 49) / 20
score += table["department"].map({"Dresses": 1, "Tops": 0, "Trend": -1})
score += random.normal(scale=0.2, size=N_ROWS)
recommends = np.where(score > 0, "yes", "no")
table_train, table_test, y_train, y_test = train_test_split(
    table, recommends, stratify=recommends, random_state=0
)
table_train.head()

# %%
# Declare the columns
# -------------------
#
# The vectorizer comes first, the transformers of numeric features after it. Age yields
# one column and the department three. ``categories`` keeps their number constant in
# cross-validation.
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from sklearn_bilstm import BiLSTMClassifier, TextVectorizer

text = (TextVectorizer(), ["review"])
numbers = ("passthrough", ["age"])
categories = (OneHotEncoder(categories=[departments]), ["department"])
params = {"hidden_layer_sizes": 32, "max_epochs": 12, "batch_size": 64, "lr": 0.01}

both = make_pipeline(
    make_column_transformer(text, numbers, categories, sparse_threshold=1),
    BiLSTMClassifier(n_static_features=4, random_state=0, **params),
)
both.fit(table_train, y_train)

# %%
# Compare
# -------
#
# The same network without the numeric features, and gradient boosting without the text.
import matplotlib.pyplot as plt
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import RocCurveDisplay

models = {
    "text alone": make_pipeline(
        make_column_transformer(text, sparse_threshold=1),
        BiLSTMClassifier(random_state=0, **params),
    ),
    "age and department alone": make_pipeline(
        make_column_transformer(numbers, categories, sparse_threshold=0),
        HistGradientBoostingClassifier(random_state=0),
    ),
    "all columns": both,
}
figure, ax = plt.subplots(figsize=(5, 5), layout="constrained")
for name, model in models.items():
    if model is not both:
        model.fit(table_train, y_train)
    print(f"{name:26}accuracy {model.score(table_test, y_test):.3f}")
    RocCurveDisplay.from_estimator(model, table_test, y_test, name=name, ax=ax)
plt.show()
