"""
Text columns of a DataFrame
===========================

Given a list of text columns, one TextVectorizer concatenates the columns of each row to
one sequence, with a marker at the start of each column. A ColumnTransformer selects the
columns. Missing values are empty texts.
"""

# %%
# Generate reviews with titles, some of them missing, and an irrelevant column.
import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline

from sklearn_bilstm import BiLSTMClassifier, TextVectorizer
from sklearn_bilstm.datasets import make_reviews

random = np.random.RandomState(0)
reviews, sentiment = make_reviews(1200, random_state=0)
titles = np.where(sentiment == "positive", "go and see it", "stay at home")
titles[random.uniform(size=1200) < 0.7] = "my opinion"
table = pd.DataFrame(
    {
        "title": pd.Series(titles).where(random.uniform(size=1200) < 0.9),
        "review": reviews,
        "stars": random.randint(1, 6, size=1200),
    }
)
print(table.head(3).to_string(), "\n")

# %%
# Use one vectorizer for both columns: the input is "<title> ... <review> ...".
columns = make_column_transformer((TextVectorizer(), ["title", "review"]))
classifier = BiLSTMClassifier(hidden_layer_sizes=32, random_state=0)
model = make_pipeline(columns, classifier)

table_train, table_test, y_train, y_test = train_test_split(
    table, sentiment, random_state=0
)
model.fit(table_train, y_train)
vectorizer = columns.named_transformers_["textvectorizer"]
tokens = vectorizer.inverse_transform(vectorizer.transform(table[["title", "review"]]))
print("tokens of the first row:", " ".join(tokens[0]))
print(f"accuracy with both columns: {model.score(table_test, y_test):.3f}")

# %%
# A single column can be given as a name or as a list with one name.
for column in ("review", ["review"]):
    picked = make_column_transformer((TextVectorizer(), column))
    scores = cross_val_score(
        make_pipeline(picked, classifier), table[:600], sentiment[:600], cv=2
    )
    print(f"accuracy on 600 rows with {column!r}: {scores.mean():.3f}")
