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
    assert TYPES.check_y(["a", "b"], "BiLSTMClassifier").tolist() == ["a", "b"]
    with pytest.raises(ValueError, match="y is None"):
        TYPES.check_y(None, "BiLSTMClassifier")
