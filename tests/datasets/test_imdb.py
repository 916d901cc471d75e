import hashlib
import io
import os
import tarfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sklearn_bilstm.datasets import _imdb, fetch_imdb, load_imdb

REVIEWS = {
    ("train", "neg"): ["bad", "worse"],
    ("train", "pos"): ["good"],
    ("train", "unsup"): ["who knows"],
    ("test", "neg"): ["awful"],
    ("test", "pos"): ["très bien"],
}


def files():
    """Return the content of the archive by name."""
    found = {"aclImdb/README": "ignored", "aclImdb/train/labeledBow.feat": "ignored"}
    for (split, name), texts in REVIEWS.items():
        links = [f"http://www.imdb.com/title/tt{i}/usercomments" for i in range(9)]
        found[f"aclImdb/{split}/urls_{name}.txt"] = "\n".join(links)
        for i, text in enumerate(texts):
            found[f"aclImdb/{split}/{name}/{i}_7.txt"] = text
    return found


@pytest.fixture
def tree(tmp_path):
    for name, text in files().items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


@pytest.fixture
def archive(tmp_path, monkeypatch):
    """Replace the remote archive by a small local one."""
    path = tmp_path / "remote.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for name, text in files().items():
            content = text.encode()
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    checksum = hashlib.sha256(path.read_bytes()).hexdigest()
    remote = _imdb.ARCHIVE._replace(url=path.as_uri(), checksum=checksum)
    monkeypatch.setattr(_imdb, "ARCHIVE", remote)
    return path


def check_train(reviews):
    assert reviews.data == ["bad", "worse", "good"]
    assert reviews.target.tolist() == [0, 0, 1]
    assert reviews.target_names == ["neg", "pos"]


@pytest.mark.parametrize("folder", ["", "aclImdb"])
def test_load_imdb_reads_the_extracted_archive(tree, folder):
    reviews = load_imdb(tree / folder)
    check_train(reviews)
    assert reviews.movie.tolist() == ["tt0", "tt1", "tt0"]


def test_load_imdb_reads_every_subset(tree):
    assert load_imdb(tree, subset="test").data == ["awful", "très bien"]
    unlabelled = load_imdb(str(tree), subset="unsup")
    assert unlabelled.data == ["who knows"]
    assert unlabelled.target.tolist() == [-1]


def test_a_byte_order_mark_is_skipped(tree):
    path = tree / "aclImdb" / "test" / "pos" / "0_7.txt"
    path.write_text("très bien", encoding="utf-8-sig")
    assert load_imdb(tree, subset="test").data == ["awful", "très bien"]


def test_return_x_y_returns_data_and_target(tree):
    data, target = load_imdb(tree, return_X_y=True)
    assert (data, target.tolist()) == (["bad", "worse", "good"], [0, 0, 1])


def test_reviews_are_sorted_by_number(tree):
    for i in (10, 9, 2):
        (tree / f"aclImdb/train/pos/{i}_8.txt").write_text(f"good {i}")
    assert load_imdb(tree).data[2:] == ["good", "good 2", "good 9", "good 10"]


def test_movie_is_none_without_links(tree):
    for path in tree.rglob("urls_*.txt"):
        path.unlink()
    assert load_imdb(tree).movie is None


def test_load_imdb_reads_parquet_files(tmp_path):
    columns = {"text": ["bad", "worse", "good"], "label": [0, 0, 1]}
    pq.write_table(pa.table(columns), tmp_path / "train.parquet")
    pq.write_table(pa.table({"text": ["who knows"]}), tmp_path / "unsup.parquet")
    check_train(load_imdb(tmp_path))
    assert load_imdb(tmp_path).movie is None
    assert load_imdb(tmp_path, subset="unsup").target.tolist() == [-1]


@pytest.mark.parametrize(
    "read",
    [load_imdb, lambda folder, subset: fetch_imdb(data_home=folder, subset=subset)],
)
def test_an_unknown_subset_raises(tree, read):
    with pytest.raises(ValueError, match="subset must be one of .*got 'all'"):
        read(tree, subset="all")


def test_a_folder_without_reviews_raises(tmp_path):
    with pytest.raises(FileNotFoundError, match="train.parquet.*fetch_imdb"):
        load_imdb(tmp_path)


def test_fetch_imdb_downloads_once(tmp_path, archive):
    check_train(fetch_imdb(data_home=tmp_path))
    archive.unlink()
    check_train(fetch_imdb(data_home=tmp_path, download_if_missing=False))
    data, target = fetch_imdb(data_home=tmp_path, subset="test", return_X_y=True)
    assert (data, target.tolist()) == (["awful", "très bien"], [0, 1])
    assert not list((tmp_path / "imdb").glob("*.tar.gz"))


def test_download_if_missing_false_raises_without_data(tmp_path):
    with pytest.raises(OSError, match="download_if_missing=True"):
        fetch_imdb(data_home=tmp_path, download_if_missing=False)


@pytest.mark.filterwarnings("ignore:Retry downloading")
def test_a_failed_download_raises_and_suggests_load_imdb(tmp_path, archive):
    archive.unlink()
    with pytest.raises(OSError, match=r"could not be downloaded.*load_imdb\(folder\)"):
        fetch_imdb(data_home=tmp_path, n_retries=1, delay=0)


def test_a_wrong_checksum_raises(tmp_path, archive, monkeypatch):
    changed = _imdb.ARCHIVE._replace(checksum="0" * 64)
    monkeypatch.setattr(_imdb, "ARCHIVE", changed)
    with pytest.raises(OSError, match="SHA256"):
        fetch_imdb(data_home=tmp_path)
    assert not list((tmp_path / "imdb").glob("*.joblib"))


@pytest.mark.skipif(
    "SKLEARN_BILSTM_DATA" not in os.environ,
    reason="the environment variable SKLEARN_BILSTM_DATA names no folder with imdb/",
)
def test_real_reviews_are_complete():
    folder = Path(os.environ["SKLEARN_BILSTM_DATA"]) / "imdb"
    train = load_imdb(folder)
    assert len(train.data) == len(load_imdb(folder, subset="test").data) == 25_000
    assert train.target.sum() == 12_500
    assert len(load_imdb(folder, subset="unsup").data) == 50_000
