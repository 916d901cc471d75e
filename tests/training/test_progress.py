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


def test_each_epoch_prints_losses_scores_and_remaining_time(ids, capsys):
    model = small_classifier(verbose=1).fit(ids, Y, X_val=ids, y_val=Y)
    auto_line, header, *lines = capsys.readouterr().out.splitlines()
    assert auto_line.startswith("auto: ")
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
def test_duration_is_readable(seconds, text):
    assert duration(seconds) == text


def test_nothing_is_printed_by_default(ids, capsys):
    small_classifier().fit(ids, Y)
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


class BarsSeen(Callback):
    """Record the state of the bar after every batch."""

    def __init__(self):
        self.seen = []  # shared with the copy that fit makes

    def on_batch_end(self, net, **kwargs):
        bar = dict(net.callbacks_)["BatchBar"].bar_
        self.seen.append((bar.n, bar.total))


def test_progress_bar_counts_batches_and_is_cleared_after_each_epoch(ids, capsys):
    bars = BarsSeen()
    model = small_classifier(verbose=2, batch_size=10, callbacks=[bars])
    model.fit(ids, Y, X_val=ids[:20], y_val=Y[:20])
    assert bars.seen == [(n, 6) for n in range(1, 7)] * 2
    shown = capsys.readouterr().err
    assert "epoch 2/2:" in shown
    assert shown.endswith("\r")


def test_progress_bar_counts_batches_of_very_long_validation_rows():
    bars, X_val, y = BarsSeen(), np.full((3, 30_000), 2), [0, 1, 0]
    model = small_classifier(verbose=2, max_epochs=1, callbacks=[bars])
    model.fit(np.eye(*X_val.shape, dtype=int) * 2, y, X_val=X_val, y_val=y)
    assert bars.seen == [(1, 3), (2, 3), (3, 3)]


def test_progress_bar_is_cleared_before_a_line_is_printed(ids):
    terminal = io.StringIO()
    with redirect_stdout(terminal), redirect_stderr(terminal):
        small_classifier(verbose=2).fit(ids, Y)
    assert terminal.getvalue().count("batch/s]") == 2
    visible = [line.rpartition("\r")[2] for line in terminal.getvalue().split("\n")]
    assert not any("batch/s]" in line for line in visible)


class Interrupt(Callback):
    def on_batch_end(self, net, **kwargs):
        if len(net.history) == 2:
            raise KeyboardInterrupt


def test_an_interrupt_clears_the_bar_and_keeps_the_fit(ids, capsys):
    model = small_classifier(verbose=2, callbacks=[Interrupt()])
    with pytest.raises(KeyboardInterrupt):
        model.fit(ids, Y)
    assert capsys.readouterr().err.endswith("\r")
    assert model.n_iter_ == 1
    assert model.predict(ids).shape == (40,)


def test_step_printer_prints_slow_steps_with_remaining_time(capsys, monkeypatch):
    monkeypatch.setattr(_progress, "_SECONDS_BETWEEN_LINES", 0)
    printer = StepPrinter("fits", 2)
    printer.step()
    printer.step()
    first, last = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"fits: 1/2, \d+ s left", first)
    assert last == "fits: 2/2, 0 s left"


def test_step_printer_prints_nothing_for_fast_steps(capsys):
    StepPrinter("fits", 1).step()
    assert capsys.readouterr().out == ""


def test_remaining_time_is_extrapolated_from_completed_steps(capsys, monkeypatch):
    clock = SimpleNamespace(perf_counter=iter([100.0, 110.0, 120.0]).__next__)
    monkeypatch.setattr(_progress, "time", clock)
    printer = StepPrinter("fits", 6)
    printer.step()
    printer.step()
    assert capsys.readouterr().out == "fits: 1/6, 50 s left\nfits: 2/6, 40 s left\n"
