"""Precision, recall and F1 of names by the weight of the label "O".

BiLSTMTagger is fitted to the first 2,000 sentences of WNUT17 for eight epochs, with
several values of `class_weight`, and scored on the development set.
"""

from _results import parse_arguments, print_table

from sklearn_bilstm import BiLSTMTagger
from sklearn_bilstm.datasets import load_conll
from sklearn_bilstm.metrics import span_precision_recall_fscore_support

WEIGHTS = [None, {"O": 0.5}, {"O": 0.25}, "balanced"]


def main():
    """Print the table."""
    folder = parse_arguments(__doc__).data / "wnut17"
    X, y = load_conll(folder / "wnut17train.conll", return_X_y=True)
    X_dev, y_dev = load_conll(folder / "emerging.dev.conll", return_X_y=True)
    rows = []
    for class_weight in WEIGHTS:
        tagger = BiLSTMTagger(class_weight=class_weight, max_epochs=8, random_state=0)
        predicted = tagger.fit(X[:2000], y[:2000]).predict(X_dev)
        scores = span_precision_recall_fscore_support(
            y_dev, predicted, average="micro", zero_division=0.0
        )
        percentages = [f"{100 * score:.1f}" for score in scores[:3]]
        rows.append([str(class_weight), *percentages])
    print_table(["class_weight", "precision", "recall", "F1"], rows)


if __name__ == "__main__":
    main()
