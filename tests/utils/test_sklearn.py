import ast
from pathlib import Path

import sklearn_bilstm

PACKAGE = Path(sklearn_bilstm.__file__).parent
DOOR = PACKAGE / "utils" / "_sklearn.py"


def private_imports(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
            "sklearn."
        ):
            parts = node.module.split(".") + [alias.name for alias in node.names]
            if any(part.startswith("_") for part in parts):
                yield node.module


def test_private_modules_of_scikit_learn_are_imported_through_one_door():
    assert list(private_imports(DOOR))
    for path in PACKAGE.rglob("*.py"):
        if path != DOOR:
            assert not list(private_imports(path)), path
