"""What there is to learn of a model: which learning rate it takes."""

from sklearn_bilstm.inspection._learning_rate import RangeTest, find_learning_rate

__all__ = ["RangeTest", "find_learning_rate"]
