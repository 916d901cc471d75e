import sys

import pytest

from sklearn_bilstm import (
    AttentionDisplay,
    LearningRateDisplay,
    TokenImportanceDisplay,
    TrainingCurveDisplay,
)


@pytest.mark.parametrize(
    "display",
    [
        AttentionDisplay([]),
        LearningRateDisplay(None),
        TokenImportanceDisplay(None),
        TrainingCurveDisplay([{"lr": 1, "train_loss": 1}], 1),
    ],
)
def test_without_matplotlib_an_error_names_the_extra(display, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    name = type(display).__name__
    with pytest.raises(ImportError, match=rf"{name} needs .*sklearn-bilstm\[plot\]"):
        display.plot()
