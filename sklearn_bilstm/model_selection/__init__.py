"""Cross-validation with rows without a label."""

from sklearn_bilstm.model_selection._labelled_split import LabelledSplit

__all__ = ["LabelledSplit"]
