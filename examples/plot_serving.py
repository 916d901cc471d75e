"""
Serve a fitted pipeline without torch
=====================================

A pipeline is fitted and exported to one ONNX file, which contains the vocabulary and
the labels. A process that never imports torch loads the file and predicts. This example
requires the extra ``onnx``: ``pip install -c constraints.txt '.[onnx]'``.
"""

# %%
# Fit and export a pipeline
# -------------------------
import tempfile
from pathlib import Path

from sklearn.pipeline import make_pipeline

from sklearn_bilstm import BiLSTMClassifier, TextVectorizer, export_onnx
from sklearn_bilstm.datasets import make_reviews

texts, labels = make_reviews(1200, max_fillers=1, random_state=0)
model = make_pipeline(TextVectorizer(), BiLSTMClassifier(max_epochs=8, random_state=0))
model.fit(texts[:800], labels[:800])

path = Path(tempfile.mkdtemp()) / "reviews.onnx"
export_onnx(model, path)
print(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB")

# %%
# Predictions are the same
# ------------------------
#
# :class:`~sklearn_bilstm.onnx.OnnxModel` takes raw text, and its predictions equal
# those of the pipeline up to rounding.
from sklearn_bilstm.onnx import OnnxModel

served = OnnxModel(path)
difference = served.predict_proba(texts[800:]) - model.predict_proba(texts[800:])
accuracy = (served.predict(texts[800:]) == labels[800:]).mean()
print(f"accuracy of the file: {accuracy:.3f}")
print(f"largest difference of probabilities: {abs(difference).max():.0e}")

# %%
# Single texts are faster
# -----------------------
import time

import matplotlib.pyplot as plt

milliseconds = {}
for name, fitted in {"pipeline with torch": model, "OnnxModel": served}.items():
    fitted.predict(texts[:20])
    start = time.perf_counter()
    for text in texts[800:900]:
        fitted.predict([text])
    milliseconds[name] = 1000 * (time.perf_counter() - start) / 100
    print(f"{name:22}{milliseconds[name]:.1f} ms per review")

figure, ax = plt.subplots(figsize=(6, 1.8), layout="constrained")
ax.bar_label(ax.barh(list(milliseconds), list(milliseconds.values())), fmt=" {:.1f}")
ax.margins(x=0.1)
ax.set_xlabel("milliseconds per review")
plt.show()

# %%
# Start a server
# --------------
#
# The process of a server requires NumPy, onnxruntime, lazy-loader and the file.
import subprocess
import sys

SERVER = """
import sys
from sklearn_bilstm.onnx import OnnxModel

model = OnnxModel(sys.argv[1])
for text in sys.stdin:
    probability = model.predict_proba([text]).max()
    print(f"{model.predict([text])[0]}, {probability:.3f}: {text.strip()}")
for library in "torch", "sklearn":
    print(f"{library} was imported:", library in sys.modules)
"""
new_texts = [
    "the music was not boring, it was touching.",
    "the music was not touching, it was boring.",
    "although the script was silly, the film as a whole was brilliant.",
]
answers = subprocess.run(
    [sys.executable, "-c", SERVER, path],
    input="\n".join(new_texts),
    capture_output=True,
    text=True,
    check=True,
)
print(answers.stdout)
