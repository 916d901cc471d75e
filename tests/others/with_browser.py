"""Exported models in a browser, by onnxruntime-web in headless Chromium.

It requires the extra `onnx`, Node's npm, and Chromium, such as Debian's package:

    python -m pip install ".[onnx]" && npm install --prefix build onnxruntime-web
    python tests/others/with_browser.py build/node_modules/onnxruntime-web chromium
"""

import json
import os
import subprocess
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from tempfile import TemporaryDirectory
from threading import Thread

import numpy as np
from sklearn.pipeline import make_pipeline

from sklearn_bilstm import (
    BiLSTMClassifier,
    BiLSTMRegressor,
    TextVectorizer,
    export_onnx,
)
from sklearn_bilstm.datasets import make_cumulative_sums, make_reviews
from sklearn_bilstm.onnx import OnnxModel

PAGE = Path(__file__).with_suffix(".html")
N_ROWS, SECONDS = 200, 120


def main():
    """Compare outputs in a browser with those of OnnxModel."""
    package, browser = sys.argv[1:]
    with TemporaryDirectory() as folder:
        folder = Path(folder)
        (folder / "dist").symlink_to(Path(package).resolve() / "dist")
        (folder / "index.html").write_text(PAGE.read_text())
        expected = write_cases(folder)
        answer = answer_of_browser(folder, browser)
    for outputs, found in zip(expected, answer["found"], strict=True):
        for name, values in outputs.items():
            in_browser = np.reshape(found[name], values.shape)
            np.testing.assert_allclose(in_browser, values, rtol=0, atol=1e-5)


def models():
    """Return fitted models and X by name."""
    texts, labels = make_reviews(400, random_state=0)
    reviews = make_pipeline(TextVectorizer(), BiLSTMClassifier(max_epochs=2))
    series, signs = make_cumulative_sums(400, random_state=0)
    return {
        "reviews": (reviews.fit(texts, labels), [*texts[: N_ROWS - 1], ""]),
        "series": (BiLSTMClassifier(max_epochs=2).fit(series, signs), series[:N_ROWS]),
        "numbers": (
            BiLSTMRegressor(max_epochs=2, linear_kernels=None).fit(
                series, series[:, 0]
            ),
            series[:N_ROWS],
        ),
    }


def write_cases(folder):
    """Write models and inputs for the browser, and return the expected outputs."""
    cases, expected = [], []
    for name, (fitted, X) in models().items():
        path = folder / f"{name}.onnx"
        export_onnx(fitted, path)
        model = OnnxModel(path)
        inputs = {
            key: {
                "type": str(array.dtype),
                "values": array.ravel().tolist(),
                "shape": array.shape,
            }
            for key, array in model.inputs(X).items()
        }
        cases.append({"model": f"/{path.name}", "inputs": inputs})
        if model.classes_ is None:
            expected.append({"y": model.predict(X)})
        else:
            label = np.searchsorted(model.classes_, model.predict(X))
            probabilities = model.predict_proba(X)
            expected.append({"label": label, "probabilities": probabilities})
    (folder / "cases.json").write_text(json.dumps(cases))
    return expected


def answer_of_browser(folder, browser):
    """Open the page in a browser, and return what it sends."""
    answers = Queue()

    class Handler(SimpleHTTPRequestHandler):
        extensions_map = {
            **SimpleHTTPRequestHandler.extensions_map,
            ".mjs": "text/javascript",
            ".wasm": "application/wasm",
        }

        def do_POST(self):
            length = int(self.headers["Content-Length"])
            answers.put(json.loads(self.rfile.read(length)))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args):
            """Do not print requests."""

    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(Handler, directory=str(folder))
    )
    Thread(target=server.serve_forever, daemon=True).start()
    command = [browser, "--headless", "--disable-gpu", f"--user-data-dir={folder}/user"]
    command += ["--no-sandbox"] * (os.getuid() == 0)  # which root cannot use
    process = subprocess.Popen(
        [
            *command,
            "--remote-debugging-port=0",
            f"http://127.0.0.1:{server.server_port}",
        ],
        stderr=subprocess.DEVNULL,
    )
    try:
        answer = answers.get(timeout=SECONDS)
    finally:
        process.terminate()
        process.wait()
        server.shutdown()
    assert "error" not in answer, answer
    return answer


if __name__ == "__main__":
    main()
