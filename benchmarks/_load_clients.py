"""Clients of the script `load.py`, which locust runs."""

import json
import os
from itertools import cycle
from pathlib import Path

from locust import FastHttpUser, task

TEXTS = cycle(json.loads(Path(os.environ["TEXTS"]).read_text()))


class Client(FastHttpUser):
    """A client that sends one text after the other, without pauses."""

    @task
    def predict(self):
        """Send a text; a status other than 200 is an error."""
        self.client.post("/predict_proba", json={"texts": [next(TEXTS)]})
