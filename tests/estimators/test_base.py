from sklearn.base import clone
from sklearn.model_selection import cross_val_score

from sklearn_bilstm import BiLSTMClassifier
from tests.helpers import SMALL

Y = [0, 1] * 20


class FewParameters(BiLSTMClassifier):
    """A classifier with a single parameter of its own."""

    def __init__(self, lr=1e-2):
        super().__init__(lr=lr, input_type="tokens", **SMALL)


def test_a_subclass_with_fewer_parameters_can_be_cloned(ids):
    model = FewParameters(lr=0.02).fit(ids, Y)
    assert clone(model).get_params() == {"lr": 0.02}
    assert len(cross_val_score(model, ids, Y, cv=2)) == 2
