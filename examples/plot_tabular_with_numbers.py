"""
Combine text with numbers and categories
========================================

``TableVectorizer`` converts text columns to token ids, and all other columns to numeric
features. The network standardises them and concatenates them to the pooled vector of
the text.
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
# Fit a model to all columns
# --------------------------
#
# Age yields one feature and the department three. The classifier finds their number.
from sklearn.pipeline import make_pipeline

from sklearn_bilstm import BiLSTMClassifier, TableVectorizer
from sklearn_bilstm.text import StaticEncoder

params = {"hidden_layer_sizes": 32, "max_epochs": 12, "batch_size": 64, "lr": 0.01}
both = make_pipeline(
    TableVectorizer(text_columns="review"),
    BiLSTMClassifier(random_state=0, **params),
)
both.fit(table_train, y_train)
print(both[0].static_transformer_.get_feature_names_out())
print(both[-1].auto_params_["n_static_features"])

# %%
# Compare
# -------
#
# The same network without the numeric features, and gradient boosting without the text.
import matplotlib.pyplot as plt
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import RocCurveDisplay

from sklearn_bilstm import TextVectorizer

models = {
    "text alone": make_pipeline(
        ColumnTransformer([("text", TextVectorizer(), "review")], sparse_threshold=1),
        BiLSTMClassifier(random_state=0, **params),
    ),
    "age and department alone": make_pipeline(
        ColumnTransformer([("other", StaticEncoder(), ["age", "department"])]),
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
