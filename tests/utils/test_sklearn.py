import ast
import re
from pathlib import Path

import sklearn_bilstm

PACKAGE = Path(sklearn_bilstm.__file__).parent
COMPATIBILITY_MODULE = PACKAGE / "utils" / "_sklearn.py"
PRIVATE = re.compile("_(?!_)")


def private_imports(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
            "sklearn."
        ):
            parts = node.module.split(".") + [alias.name for alias in node.names]
            if any(part.startswith("_") for part in parts):
                yield node.module


def private_attributes(path):
    """Yield private names that are read from modules of scikit-learn."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    modules = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "sklearn"
        for alias in node.names
    }
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(ast.Name(name), attribute) if name in modules:
                if PRIVATE.match(attribute):
                    yield attribute


def test_private_modules_of_scikit_learn_are_imported_in_one_module():
    assert list(private_imports(COMPATIBILITY_MODULE))
    for path in PACKAGE.rglob("*.py"):
        if path != COMPATIBILITY_MODULE:
            assert not list(private_imports(path)), path
            assert not list(private_attributes(path)), path
