import io
import re
from contextlib import redirect_stderr, redirect_stdout
from types import SimpleNamespace

import numpy as np
import pytest
from skorch.callbacks import Callback

from sklearn_bilstm.training import _progress
from sklearn_bilstm.training._progress import StepPrinter, duration
from tests.helpers import small_classifier, small_regressor

Y = [0, 1] * 20


def columns(line):
    return re.split(r"\s{2,}", line.strip())


def test_a_line_an_epoch_holds_losses_scores_and_the_time_left(ids, capsys):
    model = small_classifier(verbose=1).fit(ids, Y, X_val=ids, y_val=Y)
    decided, header, *lines = capsys.readouterr().out.splitlines()
    assert decided.startswith("auto: ")
    names = columns(header)
    assert len(lines) == 2
    for line, epoch in zip(lines, model.history_, strict=True):
        cells = dict(zip(names, columns(line), strict=True))
        assert cells.pop("epoch") == f"{epoch['epoch']}/2"
        assert cells.pop("left").endswith(" s")
        assert cells.keys() == epoch.keys() - {"epoch"}
        for name, text in cells.items():
            assert float(text) == pytest.approx(epoch[name], abs=0.06, rel=0.06)
    assert lines[-1].endswith(" 0 s")


def test_columns_are_aligned(ids, capsys):
    small_regressor(verbose=1, max_epochs=11).fit(ids, Y)
    _, *table = capsys.readouterr().out.splitlines()
    assert len(table) == 12
    assert len({len(line) for line in table}) == 1
    assert "train_r2" in table[0]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (754, "13 min"),
        (3599, "1 h 00 min"),
        (11_100, "3 h 05 min"),
    ],
)
def test_times_are_readable(seconds, text):
    assert duration(seconds) == text


def test_nothing_is_printed_unless_asked(ids, capsys):
    small_classifier().fit(ids, Y)
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


class BarsSeen(Callback):
    """Note how far the bar is after every batch, in a list that copies share."""

    def __init__(self):
        self.seen = []

    def on_batch_end(self, net, **kwargs):
        bar = dict(net.callbacks_)["BatchBar"].bar_
        self.seen.append((bar.n, bar.total))


def test_a_bar_counts_the_batches_of_every_epoch_and_goes(ids, capsys):
    bars = BarsSeen()
    model = small_classifier(verbose=2, batch_size=10, callbacks=[bars])
    model.fit(ids, Y, X_val=ids[:20], y_val=Y[:20])
    assert bars.seen == [(n, 6) for n in range(1, 7)] * 2
    shown = capsys.readouterr().err
    assert "epoch 2/2:" in shown
    assert shown.endswith("\r")


def test_a_bar_counts_the_batches_of_very_long_validation_rows():
    bars, X_val, y = BarsSeen(), np.full((3, 30_000), 2), [0, 1, 0]
    model = small_classifier(verbose=2, max_epochs=1, callbacks=[bars])
    model.fit(np.eye(*X_val.shape, dtype=int) * 2, y, X_val=X_val, y_val=y)
    assert bars.seen == [(1, 3), (2, 3), (3, 3)]


def test_lines_are_not_printed_behind_a_bar(ids):
    terminal = io.StringIO()
    with redirect_stdout(terminal), redirect_stderr(terminal):
        small_classifier(verbose=2).fit(ids, Y)
    assert terminal.getvalue().count("batch/s]") == 2
    left = [line.rpartition("\r")[2] for line in terminal.getvalue().split("\n")]
    assert not any("batch/s]" in line for line in left)


class Interrupt(Callback):
    def on_batch_end(self, net, **kwargs):
        if len(net.history) == 2:
            raise KeyboardInterrupt


def test_an_interrupt_takes_the_bar_away_and_keeps_what_was_learnt(ids, capsys):
    model = small_classifier(verbose=2, callbacks=[Interrupt()])
    with pytest.raises(KeyboardInterrupt):
        model.fit(ids, Y)
    assert capsys.readouterr().err.endswith("\r")
    assert model.n_iter_ == 1
    assert model.predict(ids).shape == (40,)


def test_steps_that_take_long_are_counted_with_the_time_left(capsys, monkeypatch):
    monkeypatch.setattr(_progress, "_SECONDS_BETWEEN_LINES", 0)
    printer = StepPrinter("fits", 2)
    printer.step()
    printer.step()
    first, last = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"fits: 1/2, \d+ s left", first)
    assert last == "fits: 2/2, 0 s left"


def test_nothing_is_printed_of_short_steps(capsys):
    StepPrinter("fits", 1).step()
    assert capsys.readouterr().out == ""


def test_the_time_left_is_that_of_the_steps_left_at_the_pace_so_far(
    capsys, monkeypatch
):
    clock = SimpleNamespace(perf_counter=iter([100.0, 110.0, 120.0]).__next__)
    monkeypatch.setattr(_progress, "time", clock)
    printer = StepPrinter("fits", 6)
    printer.step()
    printer.step()
    assert capsys.readouterr().out == "fits: 1/6, 50 s left\nfits: 2/6, 40 s left\n"
