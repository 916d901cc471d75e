import re
import tomllib
from pathlib import Path

import sklearn_bilstm
from sklearn_bilstm import (
    BiLSTMClassifier,
    BiLSTMRegressor,
    BiLSTMTagger,
    TextVectorizer,
    datasets,
    inspection,
    metrics,
    model_selection,
    onnx,
    plotting,
    sequences,
    text,
)
from sklearn_bilstm.utils._documentation import DOCUMENTATION

ROOT = Path(__file__).parents[2]
SECTION = re.compile(r"\.\. currentmodule:: (\S+)|^   (\w+)$", re.MULTILINE)


def pages():
    """Return the paths of the API pages that autosummary generates."""
    found, module = [], None
    for new_module, name in SECTION.findall((ROOT / "docs" / "api.md").read_text()):
        module = new_module or module
        if name:
            found.append(f"api/{module}.{name}.html")
    return found


def test_every_public_name_has_an_api_page():
    expected = {}
    modules = datasets, inspection, metrics, model_selection, onnx, plotting
    for module in (sklearn_bilstm, *modules):
        for name in module.__all__:
            expected.setdefault(name, f"api/{module.__name__}.{name}.html")
    # the other names of these modules are internal
    for name in ("channels_last", "split_panel"):
        expected[name] = f"api/{sequences.__name__}.{name}.html"
    names = "StoredTokenIds", "TextBatches", "open_token_ids", "write_token_ids"
    for name in (*names, "StaticEncoder", "token_offsets"):
        expected[name] = f"api/{text.__name__}.{name}.html"
    assert sorted(pages()) == sorted(expected.values())


def test_documentation_links_of_estimators_exist():
    for cls in (BiLSTMClassifier, BiLSTMRegressor, BiLSTMTagger, TextVectorizer):
        assert cls()._get_doc_link().removeprefix(DOCUMENTATION) in pages()


def test_documentation_url_of_the_project_matches():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["urls"]["Documentation"] == DOCUMENTATION
