import hashlib
import io
import json
import os
import pickle
import struct
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import safetensors.numpy

from sklearn_bilstm.utils import _archive
from sklearn_bilstm.utils._archive import read_archive, read_content, write_archive

CONTENT = {"name": "ünïcode", "list": [1, 2.5, None]}
ARRAYS = {"a": np.arange(3, dtype=np.float32), "b": np.zeros((0, 2), np.int8)}


class Malice:
    """An object whose pickle makes a file when it is loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "file.zip"
    write_archive(path, kind="model", content=CONTENT, arrays=ARRAYS)
    return path


def parts_of(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write_parts(path, parts, **kwargs):
    """Write a zip, with checksums that are right, as a forger would."""
    manifest = json.loads(parts["manifest.json"])
    for name in manifest["sha256"]:
        manifest["sha256"][name] = hashlib.sha256(parts.get(name, b"")).hexdigest()
    parts = {**parts, "manifest.json": json.dumps(manifest).encode()}
    with zipfile.ZipFile(path, "w", **kwargs) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)


def assert_refused(path, match):
    with pytest.raises(ValueError, match=match) as error:
        read_archive(path, kind="model")
    assert str(path) in str(error.value)


def test_content_and_arrays_round_trip(path):
    content, arrays = read_archive(path, kind="model")
    assert content == CONTENT == read_content(path, kind="model")
    assert arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(arrays[name], array)
        assert arrays[name].flags.writeable


def test_equal_content_gives_identical_files(path, tmp_path):
    write_archive(tmp_path / "again", kind="model", content=CONTENT, arrays=ARRAYS)
    assert path.read_bytes() == (tmp_path / "again").read_bytes()


def test_parts_are_readable_as_zip_json_and_safetensors(path):
    parts = parts_of(path)
    assert json.loads(parts["content.json"]) == CONTENT
    assert safetensors.numpy.load(parts["arrays.safetensors"]).keys() == ARRAYS.keys()


@pytest.mark.parametrize("mask", [0x01, 0x80, 0xFF])
def test_a_flipped_byte_raises_or_is_irrelevant(path, mask):
    data = bytearray(path.read_bytes())
    n_found = 0
    for place in range(len(data)):
        data[place] ^= mask
        path.write_bytes(data)
        data[place] ^= mask
        try:
            content, arrays = read_archive(path, kind="model")
        except ValueError:
            n_found += 1
        else:  # a byte of the zip that nothing hangs on, such as a date
            assert content == CONTENT
            assert all(np.array_equal(arrays[name], ARRAYS[name]) for name in ARRAYS)
    assert n_found > len(data) / 2


def test_a_truncated_file_raises(path):
    data = path.read_bytes()
    for length in range(len(data)):
        path.write_bytes(data[:length])
        assert_refused(path, "cannot be read as a model")


def test_a_file_that_is_no_zip_raises(path):
    for data in (b"", b"text", b"\x89PNG\r\n", os.urandom(1000)):
        path.write_bytes(data)
        assert_refused(path, "not a zip file")


def test_a_pickle_is_never_loaded(path, tmp_path):
    pickled = pickle.dumps(Malice(tmp_path / "made"))
    path.write_bytes(pickled)
    assert_refused(path, "not a zip file")
    parts = parts_of_new(path)
    write_parts(path, {**parts, "data.pkl": pickled})
    assert_refused(path, "must contain three parts")
    for name in ("content.json", "arrays.safetensors"):
        write_parts(path, {**parts, name: pickled})
        assert_refused(path, "cannot be read as a model")
    write_parts(path, parts)
    read_archive(path, kind="model")
    assert not (tmp_path / "made").exists()


def parts_of_new(path):
    write_archive(path, kind="model", content=CONTENT, arrays=ARRAYS)
    return parts_of(path)


@pytest.mark.parametrize(
    "name",
    ["../escaped", "/etc/escaped", "..\\escaped", "content.json/", "CONTENT.JSON"],
)
def test_an_unexpected_part_name_raises(path, name):
    write_parts(path, {**parts_of(path), name: b"{}"})
    assert_refused(path, "must contain three parts")


def test_a_missing_or_duplicate_part_raises(path):
    parts = parts_of(path)
    with (
        pytest.warns(UserWarning, match="Duplicate name"),
        zipfile.ZipFile(path, "a") as archive,
    ):
        archive.writestr("content.json", b"{}")
    assert_refused(path, "must contain three parts")
    del parts["content.json"]
    write_parts(path, parts)
    assert_refused(path, "must contain three parts")
    del parts["arrays.safetensors"]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("content.json", b"{}")
    assert_refused(path, "manifest.json")


def test_a_compressed_part_raises(path):
    parts = {**parts_of(path), "content.json": b" " * 10**8}
    write_parts(path, parts, compression=zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 10**6
    assert_refused(path, "is compressed")


def test_overlapping_parts_raise(path):
    """A part that is read many times is a bomb without compression."""
    data = bytearray(path.read_bytes())
    size = len(data)
    directory = data.rindex(b"PK\x01\x02")  # of the arrays, the last part
    struct.pack_into("<II", data, directory + 20, size, size)
    path.write_bytes(data)
    assert_refused(path, "larger than the file")


def test_a_part_size_beyond_the_file_raises(path):
    data = bytearray(path.read_bytes())
    for start in [i for i in range(len(data)) if data[i : i + 4] == b"PK\x01\x02"]:
        struct.pack_into("<II", data, start + 20, 2**31, 2**31)
    path.write_bytes(data)
    assert_refused(path, "cannot be read|too large")


@pytest.mark.parametrize("length", [2**62, 10**8 + 1, 10**6])
def test_an_oversized_header_raises(path, length):
    header = struct.pack("<Q", length) + b"{}"
    write_parts(path, {**parts_of(path), "arrays.safetensors": header})
    assert_refused(path, "(?i)header")


def test_arrays_larger_than_their_part_raise(path):
    header = b'{"a":{"dtype":"F32","shape":[1000000000],"data_offsets":[0,4000000000]}}'
    part = struct.pack("<Q", len(header)) + header + bytes(4)
    write_parts(path, {**parts_of(path), "arrays.safetensors": part})
    assert_refused(path, "cannot be read as a model")


def test_array_dtypes_without_numpy_equivalent_raise(path):
    header = b'{"a":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}}'
    part = struct.pack("<Q", len(header)) + header + bytes(4)
    write_parts(path, {**parts_of(path), "arrays.safetensors": part})
    assert_refused(path, "cannot be read as a model")


@pytest.mark.parametrize(
    "data", [b"[" * 10**6, b'{"a":' * 10**6, b"{", b"\xff", b"NaN"]
)
def test_invalid_or_deeply_nested_json_raises(path, data):
    write_parts(path, {**parts_of(path), "content.json": data})
    assert_refused(path, "cannot be read as a model")


def with_manifest(path, **changes):
    parts = parts_of(path)
    manifest = {**json.loads(parts["manifest.json"]), **changes}
    write_parts(path, {**parts, "manifest.json": json.dumps(manifest).encode()})


def test_a_zip_archive_of_many_entries_is_not_listed(path, monkeypatch):
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(3000):
            archive.writestr(str(number), b"")
    monkeypatch.setattr(zipfile, "ZipFile", None)
    assert_refused(path, "its directory is too large")


def test_a_directory_of_the_64_bit_format_in_a_small_file_raises(path):
    data = path.read_bytes()
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, len(data) - 22, 1)
    path.write_bytes(data[:-22] + locator + data[-22:])
    assert_refused(path, "its directory is too large")


def test_json_of_many_lists_is_not_parsed(path, monkeypatch):
    monkeypatch.setattr(_archive, "_MAX_CONTAINERS", 50)
    parts = parts_of(path)
    write_parts(path, {**parts, "content.json": b"[" + b"[],{}," * 30 + b"[]]"})
    assert_refused(path, "more than 50 lists and objects")


def test_brackets_within_strings_are_no_lists(path, monkeypatch):
    monkeypatch.setattr(_archive, "_MAX_CONTAINERS", 50)
    content = {"names": ['[["', "\\", "[{" * 100]}
    write_archive(path, kind="model", content=content, arrays={})
    assert read_content(path, kind="model") == content


def test_json_that_could_not_be_read_is_not_written(path, monkeypatch):
    monkeypatch.setattr(_archive, "_MAX_CONTAINERS", 50)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="more than 50 lists and objects"):
        write_archive(path, kind="model", content=[[]] * 60, arrays={})
    assert path.read_bytes() == before


def test_a_newer_format_raises_and_suggests_a_newer_version(path):
    with_manifest(path, format=_archive.FORMAT + 1)
    assert_refused(path, "Use a newer version of sklearn_bilstm")


@pytest.mark.parametrize(("is_compact", "number"), [(False, 1), (True, 2)])
def test_only_compact_content_requires_format_2(tmp_path, is_compact, number):
    path = tmp_path / "model"
    write_archive(path, kind="model", content=3, arrays={}, is_compact=is_compact)
    assert json.loads(parts_of(path)["manifest.json"])["format"] == number
    assert read_archive(path, kind="model") == (3, {})


@pytest.mark.parametrize("number", [0, -1, "1", 1.0, True, None, [1]])
def test_an_invalid_format_version_raises(path, number):
    with_manifest(path, format=number)
    assert_refused(path, "not a format version")


def test_another_kind_of_file_raises(path):
    with pytest.raises(ValueError, match="as a checkpoint of .* it contains a 'model'"):
        read_archive(path, kind="checkpoint")


@pytest.mark.parametrize("sums", [None, {}, [], {"content.json": 3}])
def test_missing_checksums_raise(path, sums):
    parts = parts_of(path)
    manifest = {**json.loads(parts["manifest.json"]), "sha256": sums}
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("manifest.json", json.dumps(manifest))
        archive.writestr("content.json", parts["content.json"])
        archive.writestr("arrays.safetensors", parts["arrays.safetensors"])
    path.write_bytes(data.getvalue())
    assert_refused(path, "cannot be read as a model")


def test_a_missing_file_raises_file_not_found_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_archive(tmp_path / "absent", kind="model")


def test_a_process_killed_while_writing_keeps_the_old_file(path):
    before = path.read_bytes()
    code = f"""
import os, signal
os.fsync = lambda descriptor: os.kill(os.getpid(), signal.SIGKILL)
from sklearn_bilstm.utils._archive import write_archive
write_archive({str(path)!r}, kind="model", content={{}}, arrays={{}})
"""
    killed = subprocess.run([sys.executable, "-c", code], check=False)
    assert killed.returncode == -9
    assert path.read_bytes() == before
