"""
Find names in sentences, with a report per kind
===============================================

A tagger labels each token. Here it marks goods, persons, towns and days in generated
orders. The persons and towns of the test set do not occur in the training set, so the
tagger has to recognise them by spelling and context.
"""

# %%
# Generate orders
# ---------------
#
# Sentences come from templates. Labels follow the BIO scheme: ``B-`` begins a span and
# ``I-`` continues it.
import numpy as np

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
    words_of = {
        "GOODS": GOODS,
        "DAY": DAYS,
        "PERSON": [stem + end for stem in stems for end in ("son", "sen", "man")],
        "TOWN": [stem + end for stem in stems for end in ("heim", "burg", "stadt")],
    }
    X, y = [], []
    for _ in range(n_orders):
        tokens, labels = [], []
        for piece in random.choice(ORDERS).split():
            kind = piece.strip("{}")
            is_name = kind in words_of
            words = random.choice(words_of[kind]).split() if is_name else [piece]
            tokens += words
            inside = [f"I-{kind}"] * (len(words) - 1)
            labels += [f"B-{kind}", *inside] if is_name else ["O"]
        X.append(tokens)
        y.append(labels)
    return X, y


random = np.random.RandomState(0)
X, y = make_orders(300, STEMS, random)
X_test, y_test = make_orders(200, MORE_STEMS, random)
for token, label in zip(X[0], y[0], strict=True):
    print(f"{token:12}{label}")

# %%
# Fit a tagger
# ------------
#
# ``score`` is the F1 score of spans: a predicted span is correct if its kind, start and
# end are correct. The network reads words and their characters. Without characters, it
# cannot tell new persons from new towns. By default, a linear model of prefixes and
# suffixes helps it; here, ``linear_features=None`` shows the network alone.
from sklearn_bilstm import BiLSTMTagger

params = {"hidden_layer_sizes": 32, "max_epochs": 15, "random_state": 0}
params["linear_features"] = None
without = BiLSTMTagger(n_character_filters=0, **params).fit(X, y)
tagger = BiLSTMTagger(**params).fit(X, y)
print(f"F1 without characters: {without.score(X_test, y_test):.3f}")
print(f"F1 with characters:    {tagger.score(X_test, y_test):.3f}")

# %%
# Report precision, recall and F1 per kind
# ----------------------------------------
from sklearn_bilstm.metrics import span_classification_report, span_errors

predicted = tagger.predict(X_test)
print(span_classification_report(y_test, predicted, digits=3))

# %%
# ``span_errors`` lists the errors of the tagger without characters in their context.
import pandas as pd

errors = pd.DataFrame(span_errors(y_test, without.predict(X_test), X_test))
print(errors[["error", "true_text", "predicted_text", "context"]].head().to_string())

# %%
# Plot confusion matrices
# -----------------------
#
# The tagger without characters confuses persons and towns.
import matplotlib.pyplot as plt

from sklearn_bilstm import LabelConfusionDisplay, TransitionDisplay

figure, axes = plt.subplots(1, 2, figsize=(11, 5), layout="constrained")
for ax, (title, fitted) in zip(
    axes,
    {"without characters": without, "with characters": tagger}.items(),
    strict=True,
):
    LabelConfusionDisplay.from_estimator(
        fitted, X_test, y_test, ax=ax, colorbar=False, xticks_rotation="vertical"
    )
    ax.set_title(title)
plt.show()

# %%
# The conditional random field learns weights of transitions between labels. Transitions
# that the BIO scheme forbids are blank.
TransitionDisplay.from_estimator(tagger)
plt.show()

# %%
# Label a new order
# -----------------
#
# A recognizer splits raw text into tokens, and returns the spans of the tagger with
# their positions.
from sklearn_bilstm import EntityRecognizer, highlight_spans

text = "send green tea to Nordheim on the first of May"
found = EntityRecognizer.from_tagger(tagger).predict([text])
highlight_spans([text], found)

# %%
# ``predict_proba`` returns the probability of each label of each token.
order = text.split()
(labels,), (probabilities,) = tagger.predict([order]), tagger.predict_proba([order])
for token, label, of_token in zip(order, labels, probabilities, strict=True):
    print(f"{token:12}{label:10}{of_token.max():.2f}")

# %%
# Explain the label of the town: the score of a token is the decrease of the log odds of
# the label if the token is masked.
from sklearn_bilstm import explain

(explanations,) = explain(tagger, [order])
explanations[order.index("Nordheim")]
