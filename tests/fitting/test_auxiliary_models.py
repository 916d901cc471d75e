import pytest

from sklearn_bilstm.fitting._auxiliary_models import AuxiliaryModels


class NoModels(AuxiliaryModels):
    """Neither features nor logits."""

    def auto_params(self):
        return {}

    def state(self):
        return {}


def test_a_base_class_without_a_state_cannot_be_created():
    with pytest.raises(TypeError, match="abstract"):
        AuxiliaryModels()


@pytest.mark.parametrize("method", ["with_training_features", "with_features"])
def test_rows_have_no_further_features_by_default(method):
    rows = object()
    assert getattr(NoModels(), method)(rows) is rows


def test_all_rows_train_the_network_by_default():
    models, rows = NoModels(), object()
    assert models.hold_out_rows(rows, None) == (rows, rows)
    assert models.uses_network
    assert models.n_channels == 0
