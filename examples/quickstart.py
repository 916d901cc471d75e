"""
Classifying reviews by word order
=================================

"The plot was not dull, it was gripping" and "the plot was not gripping, it was dull"
contain the same words. A linear model on word counts cannot distinguish them, but a
bidirectional LSTM can. This example generates its data.
"""

# %%
# Generate synthetic reviews with negations, contrasts and "not only ... but".
import time

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline

from sklearn_bilstm import BiLSTMClassifier, TextVectorizer
from sklearn_bilstm.datasets import make_reviews

texts, labels = make_reviews(1600, random_state=0)
texts_train, texts_test, labels_train, labels_test = train_test_split(
    texts, labels, random_state=0
)

# %%
# Fit and score two pipelines on raw text.
models = {
    "TF-IDF + LogisticRegression": make_pipeline(
        TfidfVectorizer(), LogisticRegression()
    ),
    "TextVectorizer + BiLSTMClassifier": make_pipeline(
        TextVectorizer(), BiLSTMClassifier(random_state=0)
    ),
}
for name, model in models.items():
    start = time.perf_counter()
    model.fit(texts_train, labels_train)
    seconds = time.perf_counter() - start
    accuracy = model.score(texts_test, labels_test)
    print(f"{name:35}accuracy {accuracy:.3f}, fitted in {seconds:.1f} s")

# %%
# Predict probabilities. Their columns are in the order of `classes_`.
bilstm = models["TextVectorizer + BiLSTMClassifier"]
new_texts = [
    "the music was not boring, it was touching.",
    "the music was not touching, it was boring.",
    "although the script was silly, the film as a whole was brilliant.",
]
print(f"\nprobabilities of {bilstm.classes_.tolist()}:")
for text, probabilities in zip(new_texts, bilstm.predict_proba(new_texts), strict=True):
    print(f"{probabilities.round(3)}  {text}")

# %%
# Grid search and cross-validation work as for any other estimator. A small network is
# used here.
small = make_pipeline(
    TextVectorizer(),
    BiLSTMClassifier(
        embedding_dim=32, hidden_layer_sizes=16, max_epochs=50, lr=0.02, random_state=0
    ),
)
grid = {
    "bilstmclassifier__pooling": ["max", "last"],
    "textvectorizer__max_features": [10, 1000],
}
search = GridSearchCV(small, grid, cv=2).fit(texts_train[:800], labels_train[:800])
print(f"\nbest of {len(search.cv_results_['params'])}: {search.best_params_}")
print(f"cross-validated accuracy: {search.best_score_:.3f}")

scores = cross_val_score(search.best_estimator_, texts, labels, cv=3)
print(f"accuracy on all reviews, three folds: {scores.round(3)}")
