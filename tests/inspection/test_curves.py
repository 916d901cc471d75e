import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from sklearn_bilstm.inspection._curves import curve

FILLS = [("rgba(1, 2, 3, 0.5)", "steps 0 to 1: +1"), ("red", "<step> & 2")]


def parsed(values, bounds, fills, name="x"):
    return ET.fromstring(
        f"<p>{curve(name, np.array(values), np.array(bounds), fills)}</p>"
    )


def points_of(root):
    points = root.find("svg/polyline").get("points").split()
    return np.array([point.split(",") for point in points], float)


def test_rectangles_cover_the_steps_of_their_intervals():
    root = parsed([1.0, 3.0, 2.0], [0, 2, 3], FILLS, name="<heart> & lung")
    assert root.find("div").text == "<heart> & lung"
    first, second = root.findall("svg/rect")
    width = float(root.find("svg").get("viewBox").split()[2])
    assert float(first.get("width")) == pytest.approx(width * 2 / 3, abs=0.01)
    assert float(second.get("x")) == pytest.approx(width * 2 / 3, abs=0.01)
    assert [r.find("title").text for r in (first, second)] == [t for _, t in FILLS]
    assert first.get("fill") == FILLS[0][0]


def test_larger_values_are_higher():
    points = points_of(parsed([1.0, 3.0, 2.0], [0, 2, 3], FILLS))
    x, y = points.T
    assert (np.diff(x) > 0).all()
    assert y[1] < y[2] < y[0]  # the vertical axis points down
    assert y[2] == pytest.approx((y[0] + y[1]) / 2, abs=0.01)


def test_a_constant_series_is_a_line_in_the_middle():
    root = parsed([5.0, 5.0, 5.0], [0, 2, 3], FILLS)
    height = float(root.find("svg").get("viewBox").split()[3])
    assert set(points_of(root)[:, 1]) == {height / 2}


def test_a_series_without_steps_has_no_points():
    root = parsed([], [0], [])
    assert root.find("svg/polyline").get("points") == ""


def test_a_long_series_keeps_its_extremes():
    values = np.random.RandomState(0).rand(100_000)
    values[[777, 55_555]] = 9, -9
    svg = curve("x", values, np.array([0, 100_000]), FILLS[:1])
    assert len(svg) < 50_000
    y = points_of(ET.fromstring(f"<p>{svg}</p>"))[:, 1]
    assert np.ptp(y) > 10 * np.ptp(np.sort(y)[1:-1])
    assert not re.search("nan|inf", svg)
