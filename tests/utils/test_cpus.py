import os

import pytest

from sklearn_bilstm.utils import _cpus
from sklearn_bilstm.utils._cpus import cpu_count


@pytest.fixture
def groups(tmp_path, monkeypatch):
    """Folder of the files of a control group, on a machine with eight CPUs."""
    monkeypatch.setattr(_cpus, "_CONTROL_GROUPS", tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), False)
    return tmp_path


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ("max 100000\n", 8),
        ("200000 100000\n", 2),
        ("150000 100000\n", 2),
        ("50000 100000\n", 1),
        ("1600000 100000\n", 8),
        ("nonsense", 8),
    ],
)
def test_quota_of_a_container_is_respected(groups, limits, expected):
    (groups / "cpu.max").write_text(limits)
    assert cpu_count() == expected


@pytest.mark.parametrize(("quota", "expected"), [("-1", 8), ("300000", 3)])
def test_quota_of_older_control_groups_is_respected(groups, quota, expected):
    (groups / "cpu").mkdir()
    (groups / "cpu" / "cpu.cfs_quota_us").write_text(f"{quota}\n")
    (groups / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    assert cpu_count() == expected


def test_affinity_of_the_process_is_respected(groups, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {1, 5}, False)
    assert cpu_count() == 2
