"""The IMDB film reviews of Maas et al. (2011)."""

import re
import tarfile
from collections.abc import Iterable, Iterator
from os import PathLike
from pathlib import Path
from urllib.error import URLError

import joblib
import numpy as np
from sklearn.datasets import get_data_home
from sklearn.utils import Bunch

from sklearn_bilstm.utils._optional import import_optional
from sklearn_bilstm.utils._sklearn import RemoteFileMetadata, fetch_remote

__all__ = ["fetch_imdb", "load_imdb"]

ARCHIVE = RemoteFileMetadata(
    filename="aclImdb_v1.tar.gz",
    url="https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",
    checksum="c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe",
)

# Folder, class and target of the reviews of each subset in the archive.
_PARTS = {
    "train": [("train", "neg", 0), ("train", "pos", 1)],
    "test": [("test", "neg", 0), ("test", "pos", 1)],
    "unsup": [("train", "unsup", -1)],
}
_REVIEW = re.compile(r"(train|test)/(neg|pos|unsup)/(\d+)_\d+\.txt$")
_LINKS = re.compile(r"(train|test)/urls_(neg|pos|unsup)\.txt$")


def load_imdb(
    folder: str | PathLike, *, subset: str = "train", return_X_y: bool = False
) -> Bunch | tuple[list[str], np.ndarray]:
    """Load the IMDB film reviews from a folder.

    Parameters
    ----------
    folder : path
        Folder with the extracted archive (`aclImdb` or its contents), or with
        `train.parquet`, `test.parquet` and `unsup.parquet` with the columns `text`,
        `label` (0 or 1) and optionally `movie`, which requires pyarrow.
    subset : {"train", "test", "unsup"}, default="train"
        The 25,000 training reviews, the 25,000 test reviews, or the 50,000 unlabelled
        reviews.
    return_X_y : bool, default=False
        Whether to return `(data, target)` instead of a Bunch.

    Returns
    -------
    reviews : :class:`~sklearn.utils.Bunch`
        data : list of str
            The reviews, sorted by class with negative reviews first. Shuffle them
            before splitting.
        target : ndarray of shape (n_reviews,)
            0 for negative, 1 for positive and -1 for unlabelled reviews.
        target_names : list of str
            "neg" and "pos".
        movie : ndarray of str, shape (n_reviews,), or None
            Identifier of the reviewed film, such as "tt0064354", for grouped
            cross-validation.

    Raises
    ------
    ValueError
        If the subset does not exist.
    FileNotFoundError
        If the folder contains the reviews in neither form.
    ImportError
        If the reviews are in parquet files and pyarrow is not installed.
    """
    _check_subset(subset)
    folder = Path(folder)
    parquet = folder / f"{subset}.parquet"
    tree = folder / "aclImdb" if (folder / "aclImdb").is_dir() else folder
    if parquet.is_file():
        reviews = _read_parquet(parquet)
    elif all((tree / split / name).is_dir() for split, name, _ in _PARTS[subset]):
        reviews = _collect(_tree_files(tree, subset))[subset]
    else:
        raise FileNotFoundError(
            f"{str(folder)!r} must be a folder with {subset}.parquet or with the "
            "unpacked aclImdb_v1.tar.gz. Use fetch_imdb() to download it."
        )
    return (reviews.data, reviews.target) if return_X_y else reviews


def fetch_imdb(
    *,
    data_home: str | PathLike | None = None,
    subset: str = "train",
    download_if_missing: bool = True,
    return_X_y: bool = False,
    n_retries: int = 3,
    delay: float = 1.0,
) -> Bunch | tuple[list[str], np.ndarray]:
    """Load the IMDB film reviews, and download them (84 MB) if necessary.

    Parameters
    ----------
    data_home : path, default=None
        Folder for datasets. If None, that of scikit-learn, `~/scikit_learn_data`.
    subset : {"train", "test", "unsup"}, default="train"
        As in :func:`load_imdb`.
    download_if_missing : bool, default=True
        Whether to download missing data. If False, an error is raised instead.
    return_X_y : bool, default=False
        Whether to return `(data, target)` instead of a Bunch.
    n_retries : int, default=3
        Number of retries after a failed download.
    delay : float, default=1.0
        Number of seconds between retries.

    Returns
    -------
    reviews : :class:`~sklearn.utils.Bunch`
        As returned by :func:`load_imdb`.

    Raises
    ------
    ValueError
        If the subset does not exist.
    OSError
        If the reviews are missing and `download_if_missing=False`, if the download
        fails, or if its checksum does not match.
    """
    _check_subset(subset)
    folder = Path(get_data_home(data_home)) / "imdb"
    cache = folder / f"{subset}.joblib"
    if not cache.is_file():
        if not download_if_missing:
            raise OSError(
                f"The IMDB reviews are not in {str(folder)!r}. Use "
                "download_if_missing=True to download them."
            )
        _download(folder, n_retries, delay)
    reviews = joblib.load(cache)
    return (reviews.data, reviews.target) if return_X_y else reviews


def _check_subset(subset: str) -> None:
    if subset not in _PARTS:
        raise ValueError(f"subset must be one of {list(_PARTS)}: got {subset!r}.")


def _download(folder: Path, n_retries: int, delay: float) -> None:
    """Download the archive, and store its reviews in one file per subset."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        archive = fetch_remote(
            ARCHIVE, dirname=folder, n_retries=n_retries, delay=delay
        )
    except (URLError, TimeoutError) as error:
        raise OSError(
            f"{ARCHIVE.url} could not be downloaded: {error}. Without network access, "
            "unpack a copy of the archive and use load_imdb(folder)."
        ) from error
    for subset, reviews in _collect(_archive_files(archive)).items():
        part = folder / f"{subset}.part"
        joblib.dump(reviews, part, compress=3)
        part.replace(folder / f"{subset}.joblib")
    archive.unlink()


def _read_parquet(path: Path) -> Bunch:
    parquet = import_optional("pyarrow.parquet", purpose="load_imdb on parquet files")
    table = parquet.read_table(path)
    texts = table.column("text").to_pylist()
    columns = table.column_names
    target = table.column("label").to_numpy() if "label" in columns else None
    movies = table.column("movie").to_pylist() if "movie" in columns else None
    return _bunch(texts, target, movies)


def _tree_files(tree: Path, subset: str) -> Iterator[tuple[str, bytes]]:
    for split, class_name, _ in _PARTS[subset]:
        for path in (tree / split / class_name).glob("*.txt"):
            yield path.relative_to(tree).as_posix(), path.read_bytes()
        links = tree / split / f"urls_{class_name}.txt"
        if links.is_file():
            yield links.relative_to(tree).as_posix(), links.read_bytes()


def _archive_files(archive: Path) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(archive) as tar:
        for member in tar:
            content = tar.extractfile(member)
            if content is not None:
                yield member.name, content.read()


def _collect(files: Iterable[tuple[str, bytes]]) -> dict[str, Bunch]:
    """Group the files of the archive by subset, in the official order."""
    texts: dict[tuple[str, str], dict[int, str]] = {}
    links: dict[tuple[str, str], list[str]] = {}
    for name, content in files:
        if match := _REVIEW.search(name):
            split, class_name, number = match.groups()
            part = texts.setdefault((split, class_name), {})
            part[int(number)] = content.decode("utf-8-sig")
        elif match := _LINKS.search(name):
            links[match[1], match[2]] = re.findall(r"tt\d+", content.decode("utf-8"))
    return {
        subset: _join(subset, texts, links)
        for subset, parts in _PARTS.items()
        if all(part[:2] in texts for part in parts)
    }


def _join(
    subset: str,
    texts: dict[tuple[str, str], dict[int, str]],
    links: dict[tuple[str, str], list[str]],
) -> Bunch:
    data: list[str] = []
    target: list[int] = []
    movies: list[str] = []
    for split, class_name, label in _PARTS[subset]:
        numbers = sorted(texts[split, class_name])
        data += [texts[split, class_name][number] for number in numbers]
        target += [label] * len(numbers)
        part_links = links.get((split, class_name), [])
        movies += [part_links[number] for number in numbers if number < len(part_links)]
    return _bunch(data, target, movies if len(movies) == len(data) else None)


def _bunch(
    data: list[str], target: Iterable[int] | None, movies: list[str] | None
) -> Bunch:
    unknown = np.full(len(data), -1)
    return Bunch(
        data=data,
        target=unknown if target is None else np.asarray(target, dtype=np.int64),
        target_names=["neg", "pos"],
        movie=None if movies is None else np.array(movies),
    )
