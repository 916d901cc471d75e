"""
Fine-tuning a pretrained network
================================

A network is trained on 2,000 reviews to predict their sentiment. For a second target,
with whom the author would see the film again, only 40 labelled reviews are available. A
network that starts from the weights of the first one (`pretrained=`) is compared with
one that is trained from scratch.
"""

# %%
# Generate reviews with two targets.
import numpy as np

from sklearn_bilstm import BiLSTMClassifier, TextVectorizer
from sklearn_bilstm.datasets import make_reviews

N_MANY, N_FEW = 2000, 40

texts, sentiment = make_reviews(3000, random_state=0)
family = [
    any(who in text for who in ("brother", "sister", "parents")) for text in texts
]
company = np.where(family, "family", "friends")
company[sentiment == "negative"] = "nobody"

# %%
# Train on the first target. The vectorizer is fitted only once, so that ids refer to
# the same tokens for both targets. The linear model is disabled, since only word order
# determines the sentiment of these reviews.
vectorizer = TextVectorizer()
X = vectorizer.fit_transform(texts[:N_MANY])
X_rest, company_rest = vectorizer.transform(texts[N_MANY:]), company[N_MANY:]
shape = {"hidden_layer_sizes": 32, "linear_ngram_range": None}

first = BiLSTMClassifier(**shape, max_epochs=15, random_state=0)
first.fit(X, sentiment[:N_MANY])
accuracy = first.score(X_rest, sentiment[N_MANY:])
print(f"sentiment, from {N_MANY} rows: accuracy {accuracy:.3f}")

# %%
# Train on the second target, with 40 reviews that the first network has not seen. The
# other 960 reviews are the test set.
ways = {
    "from scratch": {},
    "fine-tuned": {"pretrained": first},
    "fine-tuned, token vectors frozen": {
        "pretrained": first,
        "freeze_embedding": True,
    },
}
print(f"\ncompany, from {N_FEW} rows, three random draws:")
for name, params in ways.items():
    scores = []
    for seed in range(3):
        order = np.random.RandomState(seed).permutation(len(company_rest))
        few, others = order[:N_FEW], order[N_FEW:]
        model = BiLSTMClassifier(**shape, **params, random_state=seed)
        model.fit(X_rest[few], company_rest[few])
        scores.append(model.score(X_rest[others], company_rest[others]))
    print(f"{name:36}accuracy {np.mean(scores):.3f} {np.round(scores, 3)}")

share = np.unique(company_rest, return_counts=True)[1].max() / len(company_rest)
print(f"{'most frequent class':36}accuracy {share:.3f}")
