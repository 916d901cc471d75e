"""
Serving a fitted pipeline without torch
=======================================

A pipeline is fitted and exported to ONNX. A separate process, which never imports
torch, loads the file and predicts.
"""

# %%
# Fit a pipeline that predicts the sentiment of reviews.
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sklearn.pipeline import make_pipeline

from sklearn_bilstm import BiLSTMClassifier, TextVectorizer, export_onnx
from sklearn_bilstm.datasets import make_reviews
from sklearn_bilstm.onnx import OnnxModel

texts, labels = make_reviews(1600, random_state=0)
model = make_pipeline(TextVectorizer(), BiLSTMClassifier(random_state=0))
model.fit(texts[:1200], labels[:1200])
print(f"accuracy of the pipeline: {model.score(texts[1200:], labels[1200:]):.3f}")

# %%
# Export the pipeline. The file includes the vocabulary and the labels.
path = Path(tempfile.mkdtemp()) / "reviews.onnx"
export_onnx(model, path)
print(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB")

# %%
# Predictions are equal to those of the pipeline, and faster.
served = OnnxModel(path)
new_texts = [
    "the music was not boring, it was touching.",
    "the music was not touching, it was boring.",
    "although the script was silly, the film as a whole was brilliant.",
]
difference = served.predict_proba(texts) - model.predict_proba(texts)
print(f"largest difference of probabilities: {abs(difference).max():.0e}")
for name, predict in (("pipeline", model.predict), ("OnnxModel", served.predict)):
    start = time.perf_counter()
    for text in new_texts * 20:
        predict([text])
    milliseconds = 1000 * (time.perf_counter() - start) / 60
    print(f"{name:10}{milliseconds:5.1f} ms per review")

# %%
# Start a server process, which requires onnxruntime, scikit-learn and the file.
SERVER = """
import sys
from sklearn_bilstm.onnx import OnnxModel

model = OnnxModel(sys.argv[1])
for text in sys.stdin:
    probability = model.predict_proba([text]).max()
    print(f"{model.predict([text])[0]}, {probability:.3f}: {text.strip()}")
print("torch was imported:", "torch" in sys.modules)
"""
answers = subprocess.run(
    [sys.executable, "-c", SERVER, path],
    input="\n".join(new_texts),
    capture_output=True,
    text=True,
    check=True,
)
print(f"\noutput of the server:\n{answers.stdout}")
