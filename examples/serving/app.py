"""
A web service
=============

A service of FastAPI for lists of texts, or of rows of a table, with a model that
``export_onnx`` wrote::

    MODEL=reviews.onnx uvicorn --app-dir examples/serving app:app

Its threads share one model. When the file is replaced, the next request reads it.
"""

import logging
import os
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Lock
from typing import Annotated

from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, StringConstraints, model_validator

from sklearn_bilstm.onnx import OnnxModel

MOST_ROWS, MOST_CHARACTERS, MOST_COLUMNS = 1000, 100_000, 1000

logger = logging.getLogger("uvicorn.error")


class ModelFile:
    """A model that is read again when its file changes."""

    def __init__(self, path):
        self.path, self.error, self._lock = Path(path), None, Lock()
        self._stamp, self._model = self._stamp_of_file(), self._read()

    def current(self):
        """Return the model; if a new file is invalid, it is the old one."""
        if self._lock.acquire(blocking=False):  # meanwhile, others use the old model
            try:
                self._read_if_changed()
            finally:
                self._lock.release()
        return self._model

    def _stamp_of_file(self):
        status = self.path.stat()
        return status.st_mtime_ns, status.st_size, status.st_ino

    def _read(self):
        model = OnnxModel(self.path)
        try:
            if model.columns_ is None:
                model.predict(["a text"])
        except ValueError as error:
            raise ValueError(
                f"The service needs a model that reads texts: got {model!r}. Export a "
                "pipeline with its TextVectorizer."
            ) from error
        self.modified = self.path.stat().st_mtime
        return model

    def _read_if_changed(self):
        stamp = None
        try:
            stamp = self._stamp_of_file()
            if stamp != self._stamp:
                self._model, self.error = self._read(), None
        except (OSError, ValueError) as error:
            if str(error) != self.error:
                logger.error("The old model is kept: %s", error)
            self.error = str(error)
        self._stamp = stamp


@asynccontextmanager
async def lifespan(app):
    """Read the model, and let as many requests run at once as there are cores."""
    file = app.state.file = ModelFile(os.environ.get("MODEL", "model.onnx"))
    current_default_thread_limiter().total_tokens = file.current().n_threads
    yield


app = FastAPI(title="sklearn_bilstm", lifespan=lifespan)


Text = Annotated[str, StringConstraints(max_length=MOST_CHARACTERS)]
Cell = Text | bool | int | float | None
Row = Annotated[dict[str, Cell], Field(max_length=MOST_COLUMNS)]


class Batch(BaseModel):
    """Texts, or rows of a table with a value for each column."""

    texts: list[Text] | None = Field(None, min_length=1, max_length=MOST_ROWS)
    rows: list[Row] | None = Field(None, min_length=1, max_length=MOST_ROWS)

    @model_validator(mode="after")
    def check(self):
        """Refuse a batch of both, or of neither."""
        if (self.texts is None) == (self.rows is None):
            raise ValueError("give either texts or rows")
        return self


def answer(method, batch):
    """Return the result of a method of the model, or refuse values it cannot read."""
    try:
        return method(batch.texts if batch.rows is None else batch.rows)
    except ValueError as error:
        raise HTTPException(422, [str(error)]) from error


@app.exception_handler(RequestValidationError)
def refuse(request: Request, error: RequestValidationError):
    """Name the first problems of an invalid request, without repeating its texts."""
    found = error.errors()[:5]
    detail = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in found]
    return JSONResponse({"detail": detail}, status_code=422)


@app.get("/health")
def health():
    """Return the model that is served, and why it is not that of the file, if so.

    `columns` are those that a row must have, and `modified` is the time of the file
    when it was read, in seconds since 1970.
    """
    file = app.state.file
    model = file.current()
    about = {"model": repr(model), "columns": model.columns_}
    return {**about, "modified": file.modified, "error": file.error}


@app.post("/predict")
def predict(body: Batch):
    """Predict the label, or the numbers, of each text or row."""
    return {"predictions": answer(app.state.file.current().predict, body).tolist()}


@app.post("/predict_proba")
def predict_proba(body: Batch):
    """Predict the probability of each class, for each text or row."""
    model = app.state.file.current()
    if model.classes_ is None:
        raise HTTPException(404, "The model is a regressor: use /predict.")
    found = answer(model.predict_proba, body)
    if isinstance(found, list):  # of several tasks
        classes = [of_task.tolist() for of_task in model.classes_]
        return {"classes": classes, "probabilities": [p.tolist() for p in found]}
    return {"classes": model.classes_.tolist(), "probabilities": found.tolist()}
