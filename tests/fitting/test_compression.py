import pytest

from sklearn_bilstm.fitting import CompressionReport, CompressionStep

STEPS = (
    CompressionStep("n-grams", 120_000, 6_000, 1_234_000, 0.004),
    CompressionStep("bits per number", 32, 8, 400_000, 0.01),
)
REPORT = CompressionReport(9_870_000, STEPS)


def test_report_is_a_table_of_the_steps():
    lines = str(REPORT).splitlines()
    cells = [line.split() for line in lines]
    assert cells[1] == ["9.87"]
    assert cells[2] == ["n-grams", "120,000", "6,000", "1.23", "0.40%"]
    assert cells[3][-4:] == ["32", "8", "0.40", "1.00%"]
    assert len({line.index(".") for line in lines[1:]}) == 1  # aligned columns


def test_report_without_steps_is_a_table():
    assert len(str(CompressionReport(10, ())).splitlines()) == 2


def test_report_round_trips():
    assert CompressionReport.from_state(REPORT.state()) == REPORT


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", 3),
        ("name", None),
        ("before", -1),
        ("before", 1.5),
        ("after", "6"),
        ("n_bytes", -1),
        ("n_bytes", 2**64),
        ("changed", -0.1),
        ("changed", float("nan")),
        ("changed", 0),
        ("other", 1),
    ],
)
def test_invalid_steps_are_refused(name, value):
    state = REPORT.state()
    state["steps"][1][name] = value
    with pytest.raises((TypeError, ValueError)):
        CompressionReport.from_state(state)


@pytest.mark.parametrize("state", [{}, {"n_bytes": 1}, {"n_bytes": -1, "steps": []}])
def test_invalid_reports_are_refused(state):
    with pytest.raises((LookupError, ValueError)):
        CompressionReport.from_state(state)
