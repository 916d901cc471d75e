"""The oldest tested dependencies are the lower bounds of the package."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OLDEST = ROOT / ".ci" / "oldest.txt"

pytestmark = pytest.mark.skipif(
    not OLDEST.is_file(), reason="a source distribution does not contain .ci"
)


def version_of(text):
    """Return a version without trailing zeros, so that 1.6 equals 1.6.0."""
    return re.sub(r"(\.0)+$", "", text)


def test_oldest_versions_are_the_lower_bounds():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    bounds = dict(requirement.split(">=") for requirement in project["dependencies"])
    pins = re.findall(r"^([\w-]+)==(\S+)$", OLDEST.read_text("utf-8"), re.MULTILINE)
    assert {name: version_of(version) for name, version in pins} == {
        name: version_of(version) for name, version in bounds.items()
    }
