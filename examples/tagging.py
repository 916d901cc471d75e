"""
Named entities in orders
========================

A tagger labels the tokens of generated orders with the names of goods, persons, towns
and days. The persons and towns of the test set do not occur in the training set, so the
tagger has to recognise them by spelling and context.
"""

# %%
# Generate sentences from templates, labelled by the kind of each placeholder.
import numpy as np

from sklearn_bilstm import BiLSTMTagger, explain
from sklearn_bilstm.metrics import span_precision_recall_fscore_support

GOODS = ["flour", "olive oil", "brown sugar", "rice", "green tea", "salt"]
DAYS = ["today", "tomorrow", "Friday", "Monday morning", "the first of May"]
STEMS = ["Ander", "Berg", "Carl", "Eric", "Han", "Jakob", "Lar", "Nor", "Os", "Peter"]
MORE_STEMS = ["Alt", "Karl", "Lind", "Neu", "West"]
ORDERS = [
    "send {GOODS} to {PERSON} on {DAY}",
    "send {GOODS} to {TOWN} on {DAY}",
    "{PERSON} wants {GOODS} and {GOODS} by {DAY} .",
    "{TOWN} wants {GOODS} and no {GOODS}",
]


def make_orders(n_orders, stems, random):
    """Return the tokens and labels of random orders."""
    people = [stem + ending for stem in stems for ending in ("son", "sen", "man")]
    towns = [stem + ending for stem in stems for ending in ("heim", "burg", "stadt")]
    X, y = [], []
    for _ in range(n_orders):
        fill = {
            "GOODS": lambda: random.choice(GOODS),
            "DAY": lambda: random.choice(DAYS),
            "PERSON": lambda: random.choice(people),
            "TOWN": lambda: random.choice(towns),
        }
        tokens, labels = [], []
        for piece in random.choice(ORDERS).split():
            kind = piece.strip("{}")
            words = fill[kind]().split() if kind in fill else [piece]
            tokens += words
            inside = [f"I-{kind}"] * (len(words) - 1)
            labels += [f"B-{kind}", *inside] if kind in fill else ["O"]
        X.append(tokens)
        y.append(labels)
    return X, y


random = np.random.RandomState(0)
X, y = make_orders(300, STEMS, random)
X_test, y_test = make_orders(200, MORE_STEMS, random)

# %%
# Measure the benefit of character features and of the CRF, by the F1 score of spans. A
# predicted span is correct if its kind, start and end are correct.
tagger = BiLSTMTagger(hidden_layer_sizes=32, max_epochs=30, random_state=0)
for name, params in {
    "without characters": {"n_character_filters": 0},
    "without CRF": {"crf": False},
    "with both": {"n_character_filters": 50, "crf": True},
}.items():
    tagger.set_params(**params).fit(X, y)
    print(f"{name:20}F1 {tagger.score(X_test, y_test):.2f}")

# %%
# Scores per kind of entity.
kinds = ["DAY", "GOODS", "PERSON", "TOWN"]
scores = span_precision_recall_fscore_support(
    y_test, tagger.predict(X_test), kinds=kinds
)
print(f"\n{'':8}precision  recall    F1  spans")
for kind, precision, recall, f1, n_spans in zip(kinds, *scores, strict=True):
    print(f"{kind:8}{precision:9.2f}{recall:8.2f}{f1:6.2f}{n_spans:7}")

# %%
# Predict the labels of a new order, and their probabilities.
order = ["send", "green", "tea", "to", "Nordheim", "on", "the", "first", "of", "May"]
(labels,), (probabilities,) = tagger.predict([order]), tagger.predict_proba([order])
print()
for token, label, of_token in zip(order, labels, probabilities, strict=True):
    print(f"{token:12}{label:10}{of_token.max():.2f}")

# %%
# Explain the label of the town: the score of a token is the decrease of the label's log
# odds if the token is masked.
(explanations,) = explain(tagger, [order])
print(f"\n{explanations[order.index('Nordheim')]}")
