"""
Search hyperparameters on several cores
=======================================

Every constructor argument is a parameter of scikit-learn, so ``GridSearchCV`` searches
vectorizer and network together. ``n_jobs`` sets the number of processes. Each process
uses its share of the cores, and the result does not depend on it.
"""

# %%
# Define the model and the grid
# -----------------------------
#
# A small network keeps this page fast.
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sklearn_bilstm import BiLSTMClassifier, TextVectorizer
from sklearn_bilstm.datasets import make_reviews

texts, labels = make_reviews(700, max_fillers=0, random_state=0)
model = make_pipeline(
    TextVectorizer(),
    BiLSTMClassifier(
        embedding_dim=32, hidden_layer_sizes=16, max_epochs=10, random_state=0
    ),
)
grid = {
    "bilstmclassifier__lr": [0.004, 0.016],
    "textvectorizer__max_features": [20, 1000],
}

# %%
# Search in two processes
# -----------------------
#
# The search fits four candidates to two folds each, and then the best candidate to all
# rows.
search = GridSearchCV(model, grid, cv=2, n_jobs=2).fit(texts[:400], labels[:400])
print(f"best parameters: {search.best_params_}")
print(f"cross-validated accuracy: {search.best_score_:.3f}")
print(f"accuracy on new reviews:  {search.score(texts[400:], labels[400:]):.3f}")

# %%
# Compare all candidates
# ----------------------
import matplotlib.pyplot as plt

rates, sizes = grid.values()
scores = search.cv_results_["mean_test_score"].reshape(len(rates), len(sizes))
figure, ax = plt.subplots(figsize=(4.5, 3.5), layout="constrained")
image = ax.imshow(scores, vmin=0.5, vmax=1)
for row, of_rate in enumerate(scores):
    for column, score in enumerate(of_rate):
        shade = "black" if score > 0.8 else "white"
        ax.text(column, row, f"{score:.3f}", ha="center", va="center", color=shade)
ax.set(xticks=range(len(sizes)), xticklabels=sizes, xlabel="max_features")
ax.set(yticks=range(len(rates)), yticklabels=rates, ylabel="lr")
figure.colorbar(image, label="cross-validated accuracy")
plt.show()

# %%
# ``cross_val_score`` and ``cross_val_predict`` take ``n_jobs`` too.
