"""
Learn from texts without labels
===============================

Texts are often plentiful, and labels expensive. The classifier accepts a y with gaps,
and also learns from the texts without a label. This page shows the accuracy for a
growing number of labels, and lets the model choose which texts to label next.
"""

# %%
# Collect texts
# -------------
#
# The texts are paragraphs of the docstrings of SciPy, which scikit-learn depends on.
# The label is the subpackage. Test texts belong to other functions than training texts.
import inspect
import re
from importlib import import_module

import numpy as np
from sklearn.model_selection import GroupShuffleSplit

random = np.random.RandomState(0)
found = {}
for label in ["interpolate", "linalg", "optimize", "signal"]:
    module = import_module(f"scipy.{label}")
    for name in sorted(set(module.__all__)):
        member = getattr(module, name)
        doc = "" if inspect.ismodule(member) else inspect.getdoc(member) or ""
        doc = re.split(r"\n(?:See Also|References|Examples)\n", doc)[0]
        for paragraph in re.split(r"\n\s*\n", doc):
            words = re.findall(r"[a-z]{2,}", paragraph.lower())
            if len(words) >= 8:
                found.setdefault(" ".join(words), (label, name))

texts = random.permutation(list(found))
labels, functions = np.array([found[text] for text in texts]).T
split = GroupShuffleSplit(1, test_size=0.4, random_state=0)
train, test = next(split.split(texts, labels, functions))
texts_train, labels_train = texts[train][:600], labels[train][:600]
texts_test, labels_test = texts[test], labels[test]
print(f"{len(texts_train)} training texts, {len(texts_test)} test texts, such as")
for text, label in zip(texts_test[:4], labels_test[:4], strict=True):
    print(f"{label}: {text[:65]} ...")

# %%
# Learn with and without the texts that have no label
# ---------------------------------------------------
#
# None marks a text without a label. The vocabulary and the initial token vectors are
# computed from all texts. Pseudo-labels are used if they improve the predictions of
# labelled texts that are held out, which ``auto_params_`` records. A small network and
# few epochs keep this page fast; the defaults are often more accurate.
import matplotlib.pyplot as plt
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from sklearn_bilstm import BiLSTMClassifier, TextVectorizer


def fit(texts, y):
    """Return a pipeline that is fitted to texts, some of which have no label."""
    classifier = BiLSTMClassifier(
        embedding_dim=32, hidden_layer_sizes=16, max_epochs=12, lr=0.01, random_state=0
    )
    return make_pipeline(TextVectorizer(max_length=40), classifier).fit(texts, y)


names = "TF-IDF + LogisticRegression", "labelled texts", "labelled and unlabelled texts"
sizes = [25, 50, 100, 200]
curves = {name: [] for name in names}
for size in sizes:
    known = texts_train[:size], labels_train[:size]
    y = np.where(np.arange(len(texts_train)) < size, labels_train, None)
    linear = make_pipeline(TfidfVectorizer(), LogisticRegression())
    with_gaps = fit(texts_train, y)
    models = linear.fit(*known), fit(*known), with_gaps
    for name, model in zip(names, models, strict=True):
        curves[name].append(model.score(texts_test, labels_test))
    is_used = with_gaps[-1].auto_params_["pseudo_labels"]["used"]
    print(f"{size} labels: pseudo-labels are {'used' if is_used else 'not used'}")


def draw(curves, sizes):
    """Draw and print accuracies."""
    _, ax = plt.subplots(figsize=(7, 4.5), layout="constrained")
    for name, accuracies in curves.items():
        ax.plot(sizes, accuracies, marker="o", label=name)
        print(f"{name:31}{np.round(accuracies, 3)}")
    ax.set(xlabel="number of labels", ylabel="accuracy on texts of other functions")
    ax.legend()
    plt.show()


draw(curves, sizes)

# %%
# Words of a subpackage occur together, so that texts without a label show which words
# belong to the same class. The gain is larger for few labels. The decision about
# pseudo-labels is cautious, since few texts can be held out: when this page was
# written, it rejected those for 200 labels, which would have helped. Texts without a
# label do not help if classes depend on the order of common words, as in
# :func:`~sklearn_bilstm.datasets.make_reviews`.
#
# Choose the texts to label next
# ------------------------------
#
# In active learning, an annotator labels the texts that the model predicts with the
# least confidence (uncertainty sampling; Lewis and Gale, 1994). The others remain in
# X, with gaps in y.


def accuracies_of_rounds(choose, n_rounds=3, n_labels=30):
    """Return the accuracy after each round, for a rule that chooses texts to label."""
    y = np.where(np.arange(len(texts_train)) < n_labels, labels_train, None)
    accuracies = []
    for _ in range(n_rounds):
        model = fit(texts_train, y)
        accuracies.append(model.score(texts_test, labels_test))
        rest = np.flatnonzero([label is None for label in y])
        chosen = rest[choose(model.predict_proba(texts_train[rest]))[:n_labels]]
        y[chosen] = labels_train[chosen]
    return accuracies


rules = {
    "least confident texts": lambda probabilities: probabilities.max(axis=1).argsort(),
    "random texts": lambda probabilities: random.permutation(len(probabilities)),
}
draw(
    {name: accuracies_of_rounds(rule) for name, rule in rules.items()},
    sizes=[30, 60, 90],
)

# %%
# On these texts, the choice of the model is not reliably better than a random one: with
# other random numbers, either curve can be higher. Some of the least confident texts,
# such as descriptions of parameters, contain few words of their subject, so that their
# labels teach little. Moreover, the labelled texts no longer resemble the others,
# although some of them are held out to decide about pseudo-labels. Compare with random
# choice before you rely on such a rule.
