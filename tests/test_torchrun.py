"""The script of the documentation runs in two processes that torchrun starts."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from torch import distributed

from sklearn_bilstm import load
from sklearn_bilstm.datasets import make_reviews

PAGE = Path(__file__).parents[1] / "docs" / "scaling.md"
SCRIPT = re.compile(r"^```py\n(# train\.py\n.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.skipif(
    not distributed.is_available(), reason="this build of torch has no distributed"
)
def test_the_documented_script_trains_in_two_processes(tmp_path):
    (script,) = SCRIPT.findall(PAGE.read_text(encoding="utf-8"))
    (tmp_path / "train.py").write_text(script, encoding="utf-8")
    texts, labels = make_reviews(200, random_state=0)
    reviews = pd.DataFrame({"text": texts, "label": labels})
    reviews.to_csv(tmp_path / "reviews.csv", index=False)
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run([*command, "train.py"], cwd=tmp_path, env=environment, check=True)
    assert load(tmp_path / "reviews.zip").score(texts, labels) > 0.9
