"""Files of earlier versions, which every later version must load."""

from pathlib import Path

import numpy as np
import pytest

from sklearn_bilstm import load
from tests.persistence.make_golden import golden_models, predictions

FOLDER = Path(__file__).parent / "golden"
FILES = sorted(FOLDER.glob("*.zip"))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.InconsistentVersionWarning")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_of_an_earlier_version_predicts_the_same(path):
    kind, version = path.stem.split("-")
    _, X, _ = golden_models()[kind]
    expected = np.load(FOLDER / f"predictions-{version}.npz")[kind]
    found = predictions(load(path), X)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", golden_models())
def test_golden_files_exist_for_each_kind(kind):
    assert any(path.stem.startswith(kind) for path in FILES)
