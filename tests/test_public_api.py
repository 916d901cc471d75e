"""The public API contains the intended names only."""

import importlib
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import sklearn_bilstm

FOLDERS = [
    f"sklearn_bilstm.{module.name}"
    for module in pkgutil.iter_modules(sklearn_bilstm.__path__)
]
PUBLIC = ["sklearn_bilstm", *(name for name in FOLDERS if not name.endswith(".utils"))]


@pytest.mark.parametrize("name", PUBLIC)
def test_all_is_sorted_and_equals_the_visible_names(name):
    module = importlib.import_module(name)
    assert len(set(module.__all__)) == len(module.__all__)
    names = {*dir(module), *vars(module)}
    visible = {
        name
        for name in names
        if not name.startswith("_") and not hasattr(getattr(module, name), "__path__")
    }
    assert set(module.__all__) == visible


def test_root_module_exports_the_user_api():
    assert sklearn_bilstm.__all__ == [
        "AttentionDisplay",
        "BiLSTMClassifier",
        "BiLSTMRegressor",
        "BiLSTMTagger",
        "EntityRecognizer",
        "LabelConfusionDisplay",
        "LearningRateDisplay",
        "TableVectorizer",
        "TextVectorizer",
        "TokenImportanceDisplay",
        "TrainingCurveDisplay",
        "TransitionDisplay",
        "WordVectors",
        "compress",
        "explain",
        "export_onnx",
        "find_learning_rate",
        "highlight_spans",
        "load",
        "load_word_vectors",
        "save",
    ]
    assert re.fullmatch(r"\d+\.\d+\.\d+", sklearn_bilstm.__version__)


def test_readme_lists_all_public_names():
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    datasets = importlib.import_module("sklearn_bilstm.datasets")
    for name in [*sklearn_bilstm.__all__, *datasets.__all__]:
        assert f"`{name}`" in readme, name


def test_contributing_guide_lists_every_folder():
    guide = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for name in FOLDERS:
        assert f"`{name.removeprefix('sklearn_bilstm.')}/`" in guide, name


def test_changelog_contains_the_current_version():
    changelog = (Path(__file__).parents[1] / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## [{sklearn_bilstm.__version__}]" in changelog


def test_text_vectorizer_does_not_import_torch():
    code = """
import sys
from sklearn_bilstm import TextVectorizer
TextVectorizer().fit_transform(["a text"])
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
