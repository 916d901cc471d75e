import numpy as np
import pytest

from sklearn_bilstm import LearningRateDisplay, find_learning_rate
from sklearn_bilstm.inspection import RangeTest
from tests.helpers import small_pipeline

pyplot = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    pyplot.close("all")


def test_from_estimator_draws_the_range_test(reviews):
    model, rates = small_pipeline(), {"lowest": 1e-4, "highest": 1.0, "n_steps": 30}
    display = LearningRateDisplay.from_estimator(model, *reviews, **rates)
    found = find_learning_rate(model, *reviews, **rates)
    assert np.array_equal(display.line_.get_xdata(), found.rates)
    assert np.array_equal(display.line_.get_ydata(), found.smoothed_losses)
    assert list(display.suggestion_.get_xdata()) == [found.suggestion] * 2
    assert display.ax_.get_xscale() == "log"
    assert display.figure_ is display.ax_.figure


@pytest.mark.parametrize("last", [1e6, np.nan])
def test_display_uses_given_axes_and_limits_the_loss(last):
    _, ax = pyplot.subplots()
    losses = np.array([1, 0.9, 0.5, 0.7, last])
    test = RangeTest(np.geomspace(0.001, 10, 5), losses, losses, suggestion=0.01)
    display = LearningRateDisplay.from_range_test(test, ax=ax)
    assert display.ax_ is ax
    bottom, top = ax.get_ylim()
    assert 0.4 < bottom < 0.5
    assert 1 < top < 3
    assert display.plot().ax_ is not ax
