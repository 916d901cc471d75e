import pytest
from sklearn.base import is_classifier
from sklearn.linear_model import LogisticRegression

from sklearn_bilstm.utils._wrappers import THRESHOLDS, WRAPPERS


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_wrappers_are_classifiers_around_another_one(wrapper):
    assert is_classifier(wrapper(LogisticRegression()))


def test_thresholds_do_not_change_probabilities():
    X, y = [[0.0], [1.0], [2.0], [3.0]] * 5, [0, 0, 1, 1] * 5
    inner = LogisticRegression().fit(X, y)
    for threshold in THRESHOLDS:
        found = threshold(LogisticRegression()).fit(X, y).predict_proba(X)
        assert (found == inner.predict_proba(X)).all()
