from types import SimpleNamespace

import pytest

from sklearn_bilstm.fitting import (
    IndicatorTarget,
    LabelTarget,
    ReaderAndTarget,
    SequenceReader,
    label_target,
)

TYPES = ReaderAndTarget(SequenceReader, (LabelTarget, IndicatorTarget), label_target)


def test_the_reader_and_all_targets_are_found_by_name():
    assert TYPES.reader_named("SequenceReader") is SequenceReader
    assert TYPES.target_named("IndicatorTarget") is IndicatorTarget


@pytest.mark.parametrize("name", ["NumberTarget", "", None])
def test_a_target_of_another_estimator_raises_with_the_possible_names(name):
    with pytest.raises(ValueError, match=r"\['LabelTarget', 'IndicatorTarget'\]: got"):
        TYPES.target_named(name)


def test_the_first_target_validates_y():
    config = SimpleNamespace(estimator="BiLSTMClassifier")
    assert TYPES.check_y(["a", "b"], config).tolist() == ["a", "b"]
    with pytest.raises(ValueError, match="y is None"):
        TYPES.check_y(None, config)


def test_a_function_validates_y_if_there_is_one():
    types = TYPES._replace(check=lambda y, config: [y, config.output_type])
    assert types.check_y("a", SimpleNamespace(output_type="steps")) == ["a", "steps"]
