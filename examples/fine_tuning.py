"""
Fine-tuning: what many rows have taught, few rows need not
==========================================================

A network learns from 2,000 reviews whether they praise a film. Another target is known
for 40 reviews only: with whom their writers would see it again. A network that begins
with what the first one has learnt (`pretrained=`) is set beside one that begins anew.
"""

# %%
# The data: generated reviews, and two targets of each.
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
# The first target. The vectorizer is fitted once, so that an id means the same token
# for both. The linear path is left out, as in these reviews the order of the words is
# all that counts.
vectorizer = TextVectorizer()
X = vectorizer.fit_transform(texts[:N_MANY])
X_rest, company_rest = vectorizer.transform(texts[N_MANY:]), company[N_MANY:]
shape = {"hidden_layer_sizes": 32, "wide_ngrams": None}

first = BiLSTMClassifier(**shape, max_epochs=15, random_state=0)
first.fit(X, sentiment[:N_MANY])
accuracy = first.score(X_rest, sentiment[N_MANY:])
print(f"sentiment, from {N_MANY} rows: accuracy {accuracy:.3f}")

# %%
# The second target, from 40 rows of reviews that the first network has not seen. The
# other 960 are to test on.
ways = {
    "begun anew": {},
    "begun with what was learnt": {"pretrained": first},
    "the same, vectors of tokens frozen": {
        "pretrained": first,
        "freeze_embedding": True,
    },
}
print(f"\ncompany, from {N_FEW} rows, drawn three times:")
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
print(f"{'the most frequent answer, always':36}accuracy {share:.3f}")
