import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

from sklearn_bilstm import TrainingCurveDisplay
from tests.helpers import small_classifier, small_pipeline, small_regressor

pyplot = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    pyplot.close("all")


@pytest.fixture(scope="module")
def validated(reviews):
    params = {"early_stopping": True, "lr": 1.0, "lr_schedule": "constant"}
    return small_pipeline(max_epochs=7, **params).fit(*reviews)


@pytest.mark.parametrize(
    ("metric", "names", "label"),
    [
        ("loss", ["train_loss", "valid_loss"], "loss"),
        ("score", ["train_accuracy", "valid_accuracy"], "accuracy"),
        ("lr", ["lr"], "learning rate"),
    ],
)
def test_lines_equal_the_history(validated, metric, names, label):
    display = TrainingCurveDisplay.from_estimator(validated, metric=metric)
    history = validated[-1].history_
    assert list(display.lines_) == names
    for name, line in display.lines_.items():
        assert list(line.get_xdata()) == [epoch["epoch"] for epoch in history]
        assert list(line.get_ydata()) == [epoch[name] for epoch in history]
    assert display.ax_.get_ylabel() == label
    assert display.figure_ is display.ax_.figure


def test_best_epoch_is_marked(validated):
    best = validated[-1].best_epoch_
    assert best < validated[-1].n_iter_
    display = TrainingCurveDisplay.from_estimator(validated)
    assert list(display.best_epoch_.get_xdata()) == [best] * 2
    assert f"weights of epoch {best}" in display.ax_.get_legend_handles_labels()[1]


def test_no_epoch_is_marked_without_validation_rows(ids):
    model = small_regressor().fit(ids, ids[:, 0])
    display = TrainingCurveDisplay.from_estimator(model, metric="score")
    assert list(display.lines_) == ["train_r2"]
    assert display.best_epoch_ is None
    assert display.ax_.get_ylabel() == "R²"


def test_display_uses_given_axes(fitted):
    _, ax = pyplot.subplots()
    display = TrainingCurveDisplay.from_estimator(fitted, ax=ax)
    assert display.ax_ is ax
    assert display.plot().ax_ is not ax


def test_from_estimator_draws_the_best_model_of_a_grid_search(reviews):
    grid = {"bilstmclassifier__max_epochs": [2, 3]}
    search = GridSearchCV(small_pipeline(), grid, cv=2).fit(*reviews)
    display = TrainingCurveDisplay.from_estimator(search)
    n_epochs = len(display.lines_["train_loss"].get_xdata())
    assert n_epochs == search.best_params_["bilstmclassifier__max_epochs"]


@pytest.mark.parametrize(
    ("model", "error"),
    [
        (small_classifier(), NotFittedError),
        (small_pipeline(), NotFittedError),
        (LogisticRegression(), ValueError),
    ],
)
def test_an_untrained_model_raises(model, error):
    message = "model must be a fitted BiLSTM estimator"
    with pytest.raises(error, match=message) as caught:
        TrainingCurveDisplay.from_estimator(model)
    assert caught.type is error


def test_an_invalid_metric_raises(fitted):
    with pytest.raises(ValueError, match="one of 'loss', 'score', 'lr': got 'auc'"):
        TrainingCurveDisplay.from_estimator(fitted, metric="auc")
    with pytest.raises(ValueError, match="For accuracy and R2, use 'score'"):
        TrainingCurveDisplay.from_estimator(fitted, metric="accuracy")
    with pytest.raises(ValueError, match="history must contain a score"):
        TrainingCurveDisplay([{"epoch": 1, "train_loss": 1.0}], 1).plot(metric="score")
