"""
Fine-tune a network with 40 rows
================================

A network is trained on 1,200 reviews to predict their sentiment. For a second target,
with whom the author would see the film again, only 40 labelled reviews are available. A
network that starts from the weights of the first one, ``pretrained=``, is compared with
one that is trained from scratch.
"""

# %%
# Reviews with two targets
# ------------------------
import numpy as np

from sklearn_bilstm.datasets import make_reviews

N_MANY, N_FEW = 1200, 40

texts, sentiment = make_reviews(2000, max_fillers=1, random_state=0)
family = [
    any(who in text for who in ("brother", "sister", "parents")) for text in texts
]
company = np.where(family, "family", "friends")
company[sentiment == "negative"] = "nobody"

# %%
# Train on the first target
# -------------------------
#
# The vectorizer is fitted only once, so that ids refer to the same tokens for both
# targets. The linear model is disabled, since only word order determines the sentiment
# of these reviews.
from sklearn_bilstm import BiLSTMClassifier, TextVectorizer

vectorizer = TextVectorizer()
X = vectorizer.fit_transform(texts[:N_MANY])
X_rest, company_rest = vectorizer.transform(texts[N_MANY:]), company[N_MANY:]
shape = {"hidden_layer_sizes": 32, "linear_ngram_range": None}

first = BiLSTMClassifier(**shape, batch_size=64, lr=0.01, max_epochs=8, random_state=0)
first.fit(X, sentiment[:N_MANY])
accuracy = first.score(X_rest, sentiment[N_MANY:])
print(f"sentiment, from {N_MANY} rows: accuracy {accuracy:.3f}")

# %%
# Continue with the second target
# -------------------------------
#
# 40 reviews that the first network has not seen are the training set, and the other 760
# are the test set. Means over two random draws.
ways = {
    "from scratch": {},
    "fine-tuned": {"pretrained": first},
    "fine-tuned,\ntoken vectors frozen": {
        "pretrained": first,
        "freeze_embedding": True,
    },
}
accuracies = {}
for name, params in ways.items():
    scores = []
    for seed in range(2):
        order = np.random.RandomState(seed).permutation(len(company_rest))
        few, others = order[:N_FEW], order[N_FEW:]
        model = BiLSTMClassifier(**shape, **params, random_state=seed)
        model.fit(X_rest[few], company_rest[few])
        scores.append(model.score(X_rest[others], company_rest[others]))
    accuracies[name] = np.mean(scores)
    print(f"{' '.join(name.split()):34}accuracy {np.mean(scores):.3f}")

share = np.unique(company_rest, return_counts=True)[1].max() / len(company_rest)
print(f"{'most frequent class':34}accuracy {share:.3f}")

# %%
import matplotlib.pyplot as plt

figure, ax = plt.subplots(figsize=(6, 2.8), layout="constrained")
bars = ax.barh(list(accuracies), list(accuracies.values()), height=0.6)
ax.bar_label(bars, fmt=" {:.2f}")
ax.axvline(share, color="grey", linestyle="--", label="most frequent class")
ax.set(xlim=(0, 1), xlabel=f"accuracy, from {N_FEW} rows")
ax.invert_yaxis()
figure.legend(loc="outside upper right")
plt.show()
