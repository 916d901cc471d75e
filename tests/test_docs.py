"""The code of the user guide runs, and its links are valid."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from sklearn_bilstm.utils._documentation import DOCUMENTATION

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs").glob("*.md"))
LLMS = ROOT / "docs" / "llms.txt"
TEXTS = [
    *PAGES,
    *ROOT.glob("*.md"),
    ROOT / "examples" / "README.md",
    ROOT / "benchmarks" / "README.md",
]

BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:)([^)#]+)[^)]*\)")
# Optional tools, whose blocks are skipped if they are not installed.
TOOL = re.compile(
    r"^(?:import|from) (dask|darts|datasets|imblearn|mlflow|optuna|optuna_integration"
    r"|pyspark|ray|skforecast|skops|sktime)\b",
    re.MULTILINE,
)
SCRIPT = re.compile(r"\b(?:examples|benchmarks)/\w+\.py\b")

any_page = pytest.mark.parametrize("page", [*PAGES, LLMS], ids=lambda page: page.stem)
any_text = pytest.mark.parametrize(
    "page", TEXTS, ids=lambda page: str(page.relative_to(ROOT))
)


def as_one_script(page):
    """Return the executable blocks of a page as one script with equal line numbers."""
    text = page.read_text(encoding="utf-8")
    lines = [""] * text.count("\n")
    for match in BLOCK.finditer(text):
        if None in map(find_spec, TOOL.findall(match[1])):
            continue
        first = text.count("\n", 0, match.start(1))
        code = match[1].splitlines()
        lines[first : first + len(code)] = code
    return "\n".join(lines)


@pytest.mark.filterwarnings(
    "error",
    "ignore:::mlflow",
    "ignore:The inplace",
    "ignore:(OptunaSearchCV|DaskStorage) is experimental",
    "ignore:`optuna.terminator` module has been deprecated",
)
@pytest.mark.usefixtures("restored_environment")
@any_page
def test_code_of_every_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(as_one_script(page), page, "exec"), {"__name__": page.stem})


@any_text
def test_links_point_to_existing_files(page):
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        assert (page.parent / target).is_file(), target


@any_text
def test_mentioned_scripts_exist(page):
    for script in SCRIPT.findall(page.read_text(encoding="utf-8")):
        assert (ROOT / script).is_file(), script


def test_user_guide_links_to_every_page():
    guide = (ROOT / "docs" / "user_guide.md").read_text(encoding="utf-8")
    linked = {"index.md", "user_guide.md", *LINK.findall(guide)}
    assert {page.name for page in PAGES} <= linked


def test_links_in_llms_txt_point_to_existing_pages():
    pages = re.findall(rf"{DOCUMENTATION}([\w/]+)\.html", LLMS.read_text("utf-8"))
    assert pages
    for page in set(pages) - {"auto_examples/index"}:
        assert (ROOT / "docs" / f"{page}.md").is_file(), page


def test_every_example_is_listed_in_the_readme():
    table = (ROOT / "examples" / "README.md").read_text(encoding="utf-8")
    for example in (ROOT / "examples").glob("*.py"):
        assert f"`python examples/{example.name}" in table, example.name
