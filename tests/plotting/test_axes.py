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
def test_missing_matplotlib_raises_with_the_extra(display, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    name = type(display).__name__
    with pytest.raises(ImportError, match=rf"{name} requires .*sklearn-bilstm\[plot\]"):
        display.plot()


@pytest.mark.parametrize(
    "draw",
    [
        lambda **ax: AttentionDisplay.from_estimator(None, ["text"], **ax),
        lambda **ax: LearningRateDisplay.from_estimator(None, ["text"], [1], **ax),
        lambda **ax: TokenImportanceDisplay.from_estimator(None, "text", **ax),
    ],
)
def test_axes_and_matplotlib_are_checked_before_the_model(draw, monkeypatch):
    pytest.importorskip("matplotlib.pyplot")
    with pytest.raises(TypeError, match="ax must be the matplotlib Axes"):
        draw(ax="left")
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"sklearn-bilstm\[plot\]"):
        draw()
