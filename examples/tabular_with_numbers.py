"""
Text, numbers and categories of a DataFrame
===========================================

A ColumnTransformer concatenates all columns: the token ids of the text columns first,
then the numeric features. `n_static_features` is the number of these trailing features.
They are standardised and concatenated to the pooled vector of the text.

With `--data DIR`, the Women's Clothing reviews are read from DIR/all.parquet, which
requires pyarrow. The target is whether customers recommend what they bought. `--rows`
is the number of reviews to use.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sklearn_bilstm import BiLSTMClassifier, TextVectorizer
from sklearn_bilstm.datasets import make_reviews

TEXTS, NUMBERS, CATEGORIES = ["Title", "Review Text"], ["Age"], ["Department Name"]

parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
parser.add_argument("--data", metavar="DIR", type=Path, help="folder of all.parquet")
parser.add_argument(
    "--rows", type=int, default=5000, help="with --data (default: 5000)"
)
args = parser.parse_args()


def generated(n_rows):
    """Return a table and a target that depends on text, age and department."""
    random = np.random.RandomState(0)
    reviews, sentiment = make_reviews(n_rows, max_fillers=0, random_state=0)
    departments = np.array(["Dresses", "Tops", "Trend"])
    table = pd.DataFrame(
        {
            "Title": np.where(random.uniform(size=n_rows) < 0.8, "my opinion", None),
            "Review Text": reviews,
            "Age": random.randint(18, 80, size=n_rows),
            "Department Name": departments[random.randint(3, size=n_rows)],
        }
    )
    for_department = table["Department Name"].map(
        {"Dresses": 1, "Tops": 0, "Trend": -1}
    )
    score = np.where(sentiment == "positive", 1, -1) + for_department
    score += (table["Age"] - 49) / 20 + random.normal(scale=0.2, size=n_rows)
    return table, (score > 0).to_numpy().astype(int)


def clothing(path, n_rows):
    """Return a sample of the reviews with a text, and their target."""
    table = pd.read_parquet(path).dropna(subset=["Review Text", "Department Name"])
    table = table.sample(min(n_rows, len(table)), random_state=0)
    return table, table["Recommended IND"].to_numpy()


# %%
# Load the data.
if args.data is None:
    table, recommends = generated(1200)
else:
    table, recommends = clothing(args.data / "all.parquet", args.rows)
table_train, table_test, y_train, y_test = train_test_split(
    table, recommends, stratify=recommends, random_state=0
)
shown = table_train[TEXTS + NUMBERS + CATEGORIES].head(3)
print(shown.to_string(max_colwidth=60), "\n")

# %%
# Compare text features alone with all features. In the ColumnTransformer, the
# vectorizer comes first, before the transformers of numeric features.
params = {"hidden_layer_sizes": 32, "random_state": 0}
texts_alone = make_pipeline(
    make_column_transformer((TextVectorizer(), TEXTS)), BiLSTMClassifier(**params)
)
columns = make_column_transformer(
    (TextVectorizer(), TEXTS),
    (StandardScaler(), NUMBERS),
    (OneHotEncoder(handle_unknown="ignore"), CATEGORIES),
)
n_numbers = len(NUMBERS) + table_train[CATEGORIES].nunique().sum()
everything = make_pipeline(
    columns, BiLSTMClassifier(n_static_features=int(n_numbers), **params)
)
for name, model in {"texts": texts_alone, "texts and numbers": everything}.items():
    model.fit(table_train, y_train)
    auc = roc_auc_score(y_test, model.predict_proba(table_test)[:, 1])
    accuracy = model.score(table_test, y_test)
    print(f"{name:20}accuracy {accuracy:.3f}, ROC AUC {auc:.3f}")
