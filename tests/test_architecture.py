"""A folder is a layer, and imports point to lower layers only."""

import ast
from functools import cache
from pathlib import Path

import pytest

import sklearn_bilstm

PACKAGE = Path(sklearn_bilstm.__file__).parent
LAYERS = {
    "utils": 0,
    "nn": 1,
    "text": 1,
    "sequences": 1,
    "datasets": 1,
    "metrics": 1,
    "model_selection": 1,
    "training": 2,
    "fitting": 3,
    "estimators": 4,
    "inspection": 5,
    "onnx": 5,
    "persistence": 5,
    "compression": 6,
    "plotting": 6,
    "__init__": 7,
}
# Libraries that each folder may import besides the standard library.
LIBRARIES = {
    "utils": {"numpy", "safetensors", "scipy", "sklearn", "threadpoolctl", "torch"},
    "nn": {"torch"},
    "text": {"joblib", "lazy_loader", "numpy", "scipy", "sklearn"},
    "sequences": {"lazy_loader", "numpy", "scipy", "torch"},
    "compression": {"numpy", "scipy", "sklearn", "torch"},
    "datasets": {"joblib", "numpy", "sklearn"},
    "metrics": {"numpy", "sklearn"},
    "model_selection": {"numpy", "sklearn"},
    "training": {"numpy", "scipy", "sklearn", "skorch", "torch", "tqdm"},
    "fitting": {"numpy", "scipy", "sklearn", "skorch", "torch"},
    "estimators": {"numpy", "scipy", "sklearn", "torch"},
    "inspection": {"numpy", "scipy", "sklearn", "skorch", "torch"},
    "onnx": {"lazy_loader", "numpy", "scipy", "sklearn", "torch"},
    "persistence": {"joblib", "numpy", "scipy", "sklearn", "torch"},
    "plotting": {"numpy", "sklearn"},
    "__init__": {"lazy_loader"},
}
OPTIONAL = {
    "captum",
    "matplotlib",
    "onnx",
    "onnxruntime",
    "pandas",
    "polars",
    "pyarrow",
    "tensorboard",
}
FILES = sorted(PACKAGE.rglob("*.py"))


def folder_of(path):
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imported_names(path):
    """Names of all modules imported in a file, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        yield from imported_names_of(node)


def imported_names_of(node):
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, f"line {node.lineno}: imports are absolute"
        yield node.module


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_to_lower_layers(path):
    folder = folder_of(path)
    for name in imported_names(path):
        top, *rest = name.split(".")
        if top == "sklearn_bilstm" and rest and rest[0] != folder:
            assert LAYERS[rest[0]] < LAYERS[folder], f"{folder} must not import {name}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_folders_import_allowed_libraries_only(path):
    known = set.union(*LIBRARIES.values()) | OPTIONAL
    used = {name.partition(".")[0] for name in imported_names(path)} & known
    assert used <= LIBRARIES[folder_of(path)]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_optional_libraries_are_not_imported_at_the_top(path):
    top_level = ast.parse(path.read_text(encoding="utf-8")).body
    for node in top_level:
        assert not OPTIONAL & {
            name.partition(".")[0] for name in imported_names_of(node)
        }


def test_every_folder_is_a_flat_layer():
    folders = {path.parent for path in FILES} - {PACKAGE}
    assert {folder.name for folder in folders} == LAYERS.keys() - {"__init__"}
    assert all(folder.parent == PACKAGE for folder in folders)


def test_files_are_private_and_have_at_most_600_lines():
    for path in FILES:
        assert path.name.startswith("_"), path
        n_lines = path.read_text(encoding="utf-8").count("\n")
        assert n_lines <= 600, f"{path} has {n_lines} lines"


def test_every_file_has_a_test_file():
    tests = Path(__file__).parent
    for path in FILES:
        folder = path.relative_to(PACKAGE).parent
        if path.name != "__init__.py":
            mirrored = tests / folder / f"test{path.name}"
            assert mirrored.exists() or path.stem in UNTESTED_ALONE, mirrored


def test_every_test_file_of_a_folder_has_a_file():
    tests = Path(__file__).parent
    for path in sorted(tests.glob("*/test_*.py")):
        folder = path.relative_to(tests).parent
        mirrored = PACKAGE / folder / path.name.removeprefix("test")
        assert mirrored.exists() or path.name in TESTS_OF_FOLDERS, mirrored


# Folders that use fitted models, through public attributes only.
USERS_OF_MODELS = "estimators", "inspection", "onnx", "persistence", "plotting"


@pytest.mark.parametrize(
    "path",
    [path for path in FILES if folder_of(path) in USERS_OF_MODELS],
    ids=lambda p: str(p.relative_to(PACKAGE)),
)
def test_private_attributes_of_fitted_models_are_not_used(path):
    private = private_names_of_fitting()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and node.attr in private:
            is_own = isinstance(node.value, ast.Name) and node.value.id in OWN
            assert is_own, f"line {node.lineno} reads {node.attr}"


# Names by which a class accesses its own attributes.
OWN = {"self", "cls"}


@cache
def private_names_of_fitting():
    """Names of all private attributes and methods in the layers of a fitted model."""
    return {
        name
        for folder in ("fitting", "training", "sequences")
        for path in FILES
        if folder_of(path) == folder
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in [getattr(node, "attr", getattr(node, "name", None))]
        if isinstance(node, ast.Attribute | ast.FunctionDef)
        and name.startswith("_")
        and not name.endswith("__")
    }


# Tested through the files that use them.
UNTESTED_ALONE = {
    "_base",
    "_fit",
    "_ids",
    "_model",
    "_optimizers",
    "_parameters",
    "_stop",
    "_target",
}

# Tests of several files of a folder.
TESTS_OF_FOLDERS = {"test_golden.py"}
