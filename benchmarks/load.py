"""A web service under load: an exported model, and TF-IDF with a linear model.

Both are fitted to film reviews and served by `examples/serving` with uvicorn. Clients
of locust send single reviews one after another; they share the cores with the service.
`start` is the time from the start of a process to its first answer, `memory` is the
largest resident memory of the process.
"""

import csv
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.request import Request, urlopen

import joblib
from _data import load
from _results import parse_arguments, print_table
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import sklearn_bilstm

FOLDER = Path(__file__).parent
PORT = 8765
URL = f"http://127.0.0.1:{PORT}"
N_TEXTS = 2000
APPS = {
    "OnnxModel": (FOLDER.parent / "examples" / "serving", "app:app"),
    "TF-IDF": (FOLDER, "_load_linear:app"),
}


def main():
    """Print a table with a row for each service."""
    args = parse_arguments(__doc__, reviews=3000, seconds=60, clients=50, cores=2)
    cores = sorted(os.sched_getaffinity(0))[: args.cores]
    os.sched_setaffinity(0, cores)  # those of the services and the clients, too
    with TemporaryDirectory() as folder:
        args.out = Path(folder)
        fit(args)
        rows = [[name, *measure(args, name)] for name in APPS]
    header = "service", "errors", "requests/s", "p50, ms", "p99, ms"
    print_table([*header, "memory, MB", "start, s"], rows)
    print(f"\n{args.clients} clients, {args.seconds} s, {len(cores)} cores")


def fit(args):
    """Fit both pipelines, and store them and the texts of the clients."""
    split = load(args.data, "imdb")
    texts, labels = split.texts[: args.reviews], split.labels[: args.reviews]
    # as fast and large as after more epochs
    classifier = sklearn_bilstm.BiLSTMClassifier(max_epochs=1, random_state=0)
    model = make_pipeline(sklearn_bilstm.TextVectorizer(), classifier)
    sklearn_bilstm.export_onnx(model.fit(texts, labels), args.out / "OnnxModel")
    tfidf = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    linear = make_pipeline(tfidf, LogisticRegression())
    joblib.dump(linear.fit(texts, labels), args.out / "TF-IDF")
    texts = split.test_texts[:N_TEXTS].tolist()
    (args.out / "texts.json").write_text(json.dumps(texts))


def measure(args, name):
    """Return the figures of a service."""
    folder, app = APPS[name]
    command = [sys.executable, "-m", "uvicorn", "--app-dir", str(folder), app]
    command += ["--port", str(PORT), "--log-level", "warning"]
    environment = {**os.environ, "MODEL": str(args.out / name)}
    start = time.perf_counter()
    server = subprocess.Popen(command, env=environment)
    try:
        wait_for_answer(server)
        seconds = time.perf_counter() - start
        figures = send_requests(args, name)
        return [*figures, f"{peak_memory_of(server.pid):.0f}", f"{seconds:.2f}"]
    finally:
        server.terminate()
        server.wait()


def wait_for_answer(server):
    """Wait until the service answers a text."""
    body = json.dumps({"texts": ["a review"]}).encode()
    headers = {"Content-Type": "application/json"}
    while True:
        if server.poll() is not None:
            raise RuntimeError("The service has ended.")
        try:
            urlopen(Request(f"{URL}/predict_proba", body, headers)).close()
        except OSError:  # it does not listen yet
            time.sleep(0.005)
        else:
            return


def send_requests(args, name):
    """Return the number of errors, the rate, and percentiles of the latency."""
    prefix = args.out / f"locust {name}"
    command = [sys.executable, "-m", "locust", "--headless", "--only-summary"]
    command += ["-f", str(FOLDER / "_load_clients.py"), "--host", URL]
    command += ["-u", str(args.clients), "-r", str(args.clients)]
    command += ["-t", f"{args.seconds}s", "--csv", str(prefix)]
    environment = {**os.environ, "TEXTS": str(args.out / "texts.json")}
    # the exit status is 1 if requests have failed, which the table shows
    subprocess.run(command, env=environment, stderr=subprocess.DEVNULL, check=False)
    with Path(f"{prefix}_stats.csv").open(newline="") as file:
        found = next(r for r in csv.DictReader(file) if r["Name"] == "Aggregated")
    rate = float(found["Requests/s"])
    return found["Failure Count"], f"{rate:.0f}", found["50%"], found["99%"]


def peak_memory_of(process):
    """Return the largest resident memory of another process in megabytes."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e6


if __name__ == "__main__":
    main()
