import gzip
import io
import os
import subprocess
import sys

import pytest

from sklearn_bilstm.utils._files import (
    open_bytes,
    opened_to_write,
    replaced_atomically,
)


@pytest.mark.parametrize("name", ["text", "text.gz"])
def test_open_bytes_detects_compression_by_content(tmp_path, name):
    plain, compressed = tmp_path / f"plain_{name}", tmp_path / f"compressed_{name}"
    plain.write_bytes(b"one\ntwo\n")
    compressed.write_bytes(gzip.compress(b"one\ntwo\n"))
    for path in (plain, compressed):
        with open_bytes(path) as file:
            assert list(file) == [b"one\n", b"two\n"]


def test_an_empty_file_has_no_lines(tmp_path):
    path = tmp_path / "empty"
    path.touch()
    with open_bytes(path) as file:
        assert list(file) == []


def test_replaced_atomically_replaces_the_file_on_exit(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with replaced_atomically(path) as file:
        file.write(b"new")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_replaced_atomically_keeps_the_old_file_on_error(tmp_path, error):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(error), replaced_atomically(path) as file:  # noqa: PT012
        file.write(b"new")
        raise error
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


KILLED_WHILE_WRITING = """
import os, signal, sys
from sklearn_bilstm.utils._files import replaced_atomically

with replaced_atomically(sys.argv[1]) as file:
    file.write(b"half")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(os.name != "posix", reason="needs locks of files")
def test_the_next_writer_removes_files_of_killed_writers(tmp_path):
    path = tmp_path / "file"
    command = [sys.executable, "-c", KILLED_WHILE_WRITING, path]
    subprocess.run(command, check=False)
    assert [left.read_bytes() for left in tmp_path.iterdir()] == [b"half"]
    with replaced_atomically(path) as file:
        file.write(b"new")
    assert list(tmp_path.iterdir()) == [path]


def test_two_writers_of_one_path_do_not_disturb_each_other(tmp_path):
    path = tmp_path / "file"
    with replaced_atomically(path) as first:
        first.write(b"first")
        with replaced_atomically(path) as second:
            second.write(b"second")
        assert path.read_bytes() == b"second"
    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]


def test_a_name_can_be_as_long_as_the_file_system_allows(tmp_path):
    path = tmp_path / ("n" * 255)
    with replaced_atomically(path) as file:
        file.write(b"new")
    assert path.read_bytes() == b"new"


@pytest.mark.skipif(
    os.name != "posix" or os.geteuid() == 0, reason="root writes to any folder"
)
def test_errors_of_a_read_only_folder_name_the_path_of_the_user(tmp_path):
    path = tmp_path / "file"
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError, match="/file'$"), replaced_atomically(path):
        pass


def test_replaced_atomically_preserves_symlink_and_mode(tmp_path):
    path, link = tmp_path / "file", tmp_path / "link"
    path.write_bytes(b"old")
    path.chmod(0o600)
    link.symlink_to(path)
    with replaced_atomically(link) as file:
        file.write(b"new")
    assert link.is_symlink()
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_missing_folder_raises(tmp_path):
    with (
        pytest.raises(FileNotFoundError, match=r"nowhere. for .file. does not exist"),
        replaced_atomically(tmp_path / "nowhere" / "file"),
    ):
        pass


def test_a_folder_as_target_raises(tmp_path):
    with (
        pytest.raises(IsADirectoryError, match=r"' is a folder: pass the path of a f"),
        replaced_atomically(tmp_path),
    ):
        pass
    assert not list(tmp_path.parent.glob(f".{tmp_path.name}.*"))


class OneByteAtATime(io.RawIOBase):
    def __init__(self):
        self.written = b""

    def writable(self):
        return True

    def write(self, data):
        self.written += bytes(data[:1])
        return 1


def test_all_bytes_are_written_to_a_raw_file():
    file = OneByteAtATime()
    with opened_to_write(file) as written:
        written.write(b"a model")
    assert file.written == b"a model"
