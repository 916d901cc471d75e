import pytest

from sklearn_bilstm import BiLSTMClassifier
from sklearn_bilstm.fitting._config import Config
from sklearn_bilstm.fitting._trainer import number_of_epochs


@pytest.mark.parametrize(
    ("input_type", "expected"),
    [("tokens", [40, 20, 4]), ("numeric", [150, 20, 4])],
)
def test_auto_max_epochs_is_about_two_thousand_batches_within_bounds(
    input_type, expected
):
    config = Config.of(BiLSTMClassifier(batch_size=10))
    sizes = 20, 1000, 100_000
    assert [number_of_epochs(config, n, input_type) for n in sizes] == expected


def test_an_integer_max_epochs_is_kept():
    config = Config.of(BiLSTMClassifier(max_epochs=7))
    assert number_of_epochs(config, 20, "tokens") == 7
