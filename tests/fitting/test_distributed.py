import os
import signal
import threading
import time
from _thread import interrupt_main

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from torch import distributed

from sklearn_bilstm import BiLSTMClassifier, TextVectorizer
from sklearn_bilstm.datasets import make_reviews
from tests.helpers import small_classifier, small_regressor, small_tagger
from tests.processes import Processes

pytestmark = pytest.mark.skipif(
    not distributed.is_available(), reason="this build of torch has no distributed"
)

RANDOM = np.random.RandomState(0)
IDS = RANDOM.randint(2, 40, (90, 12)).astype(np.int32)
Y = IDS[:, 0] % 3
SERIES = np.sin(np.arange(12) * np.where(np.arange(90) % 2, 2.0, 0.4)[:, np.newaxis])
SERIES = SERIES + 0.3 * RANDOM.normal(size=(90, 12))
SENTENCES = [[f"w{token}" for token in row[: 2 + row[0] % 9]] for row in IDS.tolist()]
TAGS = [["even" if len(w) % 2 else "odd" for w in row] for row in SENTENCES]
WHOLE = {
    "embedding": "svd",
    "log_odds_ngram_range": (1, 2),
    "linear_ngram_range": (1, 2),
}
# Rows of each process: unequal parts, or none in the second one.
PARTS = {"uneven": [slice(0, 60), slice(60, None)], "none": [slice(None), slice(0, 0)]}


@pytest.fixture(scope="module")
def processes():
    pair = Processes()
    yield pair
    pair.close()


def weights_of(model):
    return {name: w.numpy() for name, w in model.module_.state_dict().items()}


def fit_part(rank, model, X, y, parts, **more):
    """Fit a model to the rows of a process, and return what it predicts for all."""
    part = parts[rank]
    model.fit(X[part], y[part], **{name: rows[part] for name, rows in more.items()})
    return model.set_params(distributed=False).predict(X), weights_of(model)


def assert_equal_weights(found, expected):
    assert found.keys() == expected.keys()
    for name, weight in found.items():
        assert np.array_equal(weight, expected[name]), name


MODELS = {
    "text": (small_classifier(**WHOLE), IDS, Y),
    "tasks": (
        small_classifier(**WHOLE),
        IDS,
        np.column_stack([Y.astype(str), np.where(IDS[:, 1] > 20, "high", "low")]),
    ),
    "numbers": (small_regressor(), IDS, IDS[:, 0] + 0.5),
    "series": (small_classifier(linear_kernels=84), SERIES, np.arange(90) % 2),
    "tags": (small_tagger(), SENTENCES, TAGS),
    "batch": (small_classifier(normalization="batch"), IDS, Y),
    "held out": (small_classifier(early_stopping=True, max_epochs=4), IDS, Y),
    "plateau": (small_classifier(lr_schedule="plateau", max_norm=1.0), IDS, Y),
}


@pytest.mark.parametrize("parts", PARTS)
@pytest.mark.parametrize("name", MODELS)
def test_processes_end_with_the_model_of_one_process(processes, name, parts):
    model, X, y = MODELS[name]
    expected, weights = fit_part(0, clone(model), X, y, [slice(None)])
    found = processes.call(fit_part, model, X, y, PARTS[parts])
    for predicted, of_process in found:
        assert np.array_equal(np.hstack(predicted), np.hstack(expected))
        assert_equal_weights(of_process, weights)


def fit_in_shards(rank, n_rows):
    """Take one step of gradient descent for a batch of several shards."""
    X = np.random.RandomState(0).randint(2, 40, (64, 100)).astype(np.int32)
    part = slice(None) if n_rows is None else [slice(n_rows), slice(n_rows, None)][rank]
    model = small_classifier(
        batch_size=64, max_epochs=1, optimizer="sgd", lr_schedule="constant"
    )
    model.set_params(gradient_clip_norm=None, weight_decay=0.0, lr=1.0)
    model.fit(X[part], (X[:, 0] % 2)[part])
    return weights_of(model)


def test_the_gradient_of_a_batch_is_that_of_one_process(processes):
    expected = fit_in_shards(0, None)
    first, second = processes.call(fit_in_shards, 30)
    assert_equal_weights(first, second)
    for name, weight in first.items():
        np.testing.assert_allclose(weight, expected[name], rtol=1e-6, atol=1e-7)


def fit_text(rank, parts):
    texts, labels = make_reviews(80, random_state=0)
    vectorizer = TextVectorizer(min_df=2, max_length=None)
    part = parts[rank]
    X = vectorizer.fit_transform(texts[part])
    model = small_classifier(**WHOLE).fit(X, np.array(labels)[part])
    model.set_params(distributed=False)
    probabilities = model.predict_proba(vectorizer.transform(texts))
    return vectorizer.vocabulary_, vectorizer.max_length_, probabilities


def test_the_vocabulary_is_that_of_the_texts_of_all_processes(processes):
    expected = fit_text(0, [slice(None)])
    for found in processes.call(fit_text, PARTS["uneven"]):
        assert found[:2] == expected[:2]
        assert np.array_equal(found[2], expected[2])


def test_a_class_of_one_process_is_learnt_by_all(processes):
    y = np.where(np.arange(90) < 60, "first", "second")
    found = processes.call(fit_classes, y)
    assert found == [["first", "second"]] * 2


def fit_classes(rank, y):
    part = PARTS["uneven"][rank]
    return small_classifier().fit(IDS[part], y[part]).classes_.tolist()


def test_weights_and_validation_rows_are_joined(processes):
    expected = fit_with_weights(0, [slice(None)])
    for found in processes.call(fit_with_weights, PARTS["uneven"]):
        assert_equal_weights(found, expected)


def fit_with_weights(rank, parts):
    part, weight = parts[rank], np.linspace(0.5, 2, 90)
    valid = {"X_val": IDS[:20], "y_val": Y[:20]} if rank == 0 else {}
    model = small_classifier(max_epochs=4).fit(
        IDS[part], Y[part], sample_weight=weight[part], **valid
    )
    return weights_of(model)


def stream(rank, parts):
    model = small_classifier()
    for _ in range(3):
        model.partial_fit(IDS[parts[rank]], Y[parts[rank]], classes=[0, 1, 2])
    return weights_of(model)


def test_partial_fit_learns_from_the_batches_of_all_processes(processes):
    expected = stream(0, [slice(None)])
    for found in processes.call(stream, PARTS["uneven"]):
        assert_equal_weights(found, expected)


def fit_alone(rank):
    part = PARTS["uneven"][rank]
    return weights_of(small_classifier(distributed=False).fit(IDS[part], Y[part]))


def test_a_process_can_fit_its_own_rows(processes):
    for rank, found in enumerate(processes.call(fit_alone)):
        assert_equal_weights(found, fit_alone(rank))


DISAGREEMENTS = {
    "parameter": ({"lr": [0.1, 0.2]}, "the parameter 'lr': got 0.1 in process 0, and"),
    "seed": ({"random_state": [0, 1]}, "the parameter 'random_state'"),
    "kind": ({"cell": ["lstm", "gru"]}, "the parameter 'cell'.*distributed=False"),
}


def fit_differently(rank, params):
    model = small_classifier(**{name: values[rank] for name, values in params.items()})
    model.fit(IDS, Y)


@pytest.mark.parametrize("name", DISAGREEMENTS)
def test_different_parameters_raise_in_all_processes(processes, name):
    params, message = DISAGREEMENTS[name]
    for error in processes.call(fit_differently, params):
        with pytest.raises(ValueError, match=message):
            raise error


def fit_other_vocabularies(rank):
    texts = ["good film", "bad film"] if rank else ["dull plot", "fine plot"]
    X = TextVectorizer(distributed=False).fit_transform(texts)
    small_classifier().fit(X, ["a", "b"])


def test_different_vocabularies_raise_in_all_processes(processes):
    for error in processes.call(fit_other_vocabularies):
        with pytest.raises(ValueError, match="agree on the vocabulary of X"):
            raise error


def fit_or_stream(rank):
    model = small_classifier()
    if rank:
        model.partial_fit(IDS, Y, classes=[0, 1, 2])
    else:
        model.fit(IDS, Y)


def test_different_methods_raise_in_all_processes(processes):
    for error in processes.call(fit_or_stream):
        with pytest.raises(ValueError, match="agree on the method.*partial_fit"):
            raise error


def fit_a_missing_label(rank):
    y = Y.astype(object)
    y[70] = 0.5
    part = PARTS["uneven"][rank]
    small_classifier().fit(IDS[part], y[part])


def test_invalid_rows_of_one_process_raise_in_all(processes):
    for error in processes.call(fit_a_missing_label):
        with pytest.raises(ValueError, match="Unknown label type"):
            raise error


OTHER_LENGTHS = {
    "y": {"y": [slice(0, 50), slice(50, 90)]},
    "weights": {"sample_weight": [slice(0, 90), None]},
    "validation": {"X_val": [slice(0, 9), None], "y_val": [None, slice(0, 9)]},
}


def fit_other_lengths(rank, name):
    arguments = {
        argument: None if parts[rank] is None else Y[parts[rank]]
        for argument, parts in OTHER_LENGTHS[name].items()
    }
    if "X_val" in arguments and rank == 0:
        arguments["X_val"] = IDS[:9]
    part = PARTS["uneven"][rank]
    small_classifier().fit(IDS[part], **{"y": Y[part], **arguments})


@pytest.mark.parametrize("name", OTHER_LENGTHS)
def test_each_process_must_have_as_many_labels_as_rows(processes, name):
    message = r"must have one item per row of X\w* in each process: got .* in process 0"
    for error in processes.call(fit_other_lengths, name):
        with pytest.raises(ValueError, match=message):
            raise error


def fit_twice(rank, parts):
    model = small_classifier(random_state=np.random.RandomState(0))
    fits = [model.fit(IDS[parts[rank]], Y[parts[rank]]) for _ in range(2)]
    return weights_of(fits[1])


def test_a_random_state_is_the_same_after_a_fit_in_all_processes(processes):
    expected = fit_twice(0, [slice(None)])
    for found in processes.call(fit_twice, PARTS["uneven"]):
        assert_equal_weights(found, expected)


def fit_a_number(rank):
    TextVectorizer().fit(["good film", 5 if rank else "bad film"])


def test_an_invalid_document_of_one_process_stops_the_others(processes):
    first, second = processes.call(fit_a_number)
    with pytest.raises(RuntimeError, match=r"processes \[1\] failed"):
        raise first
    with pytest.raises(ValueError, match="X must hold strings: row 1 holds 5"):
        raise second


def extend_other_vocabularies(rank):
    vectorizer = TextVectorizer(distributed=False).fit([f"word{rank}"])
    vectorizer.set_params(distributed=True).partial_fit(["film"])


def test_a_vocabulary_is_extended_only_if_it_is_the_same(processes):
    for error in processes.call(extend_other_vocabularies):
        with pytest.raises(ValueError, match="agree on the vocabulary so far"):
            raise error


def fit_frame(rank):
    frame = pd.DataFrame(SERIES, columns=["fingerprint", *map(str, range(11))])
    part = PARTS["uneven"][rank]
    return small_classifier().fit(frame[part], Y[part]).n_iter_


def test_a_column_can_have_the_name_of_an_attribute(processes):
    assert processes.call(fit_frame) == [2, 2]


def once_training(path, function, *args):
    """Call a function in another thread, once a checkpoint has been written."""

    def wait():
        while not path.exists():
            time.sleep(0.01)
        time.sleep(0.1)
        function(*args)

    threading.Thread(target=wait, daemon=True).start()


def fit_without_end(path):
    params = {"max_epochs": 10_000, "lr_schedule": "constant", "checkpoint": path}
    return small_classifier(**params).fit(IDS, Y)


def fit_until_interrupted(rank, interrupted, path):
    if rank == interrupted:
        # processes in the background ignore it
        signal.signal(signal.SIGINT, signal.default_int_handler)
        once_training(path, interrupt_main)
    fit_without_end(path)


@pytest.mark.parametrize("interrupted", [0, 1])
def test_ctrl_c_in_one_process_stops_the_others(processes, interrupted, tmp_path):
    path = tmp_path / "training.zip"
    found = processes.call(fit_until_interrupted, interrupted, path)
    assert type(found[interrupted]) is KeyboardInterrupt, found
    with pytest.raises(RuntimeError, match=rf"processes \[{interrupted}\] failed"):
        raise found[1 - interrupted]


def fit_until_killed(rank, path):
    if rank == 1:
        once_training(path, os.kill, os.getpid(), signal.SIGKILL)
    fit_without_end(path)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no such signal")
def test_a_killed_process_raises_in_the_others_and_leaves_a_checkpoint(tmp_path):
    pair, path = Processes(), tmp_path / "training.zip"
    try:
        error, nothing = pair.call(fit_until_killed, path)
    finally:
        pair.close()
    assert nothing is None
    with pytest.raises(RuntimeError, match="lost the connection to another process"):
        raise error
    with pytest.raises(ValueError, match="the state of another training"):
        small_classifier(checkpoint=path).fit(IDS, Y)  # complete, but of another lr


def resume(rank, path, max_epochs):
    params = {"checkpoint": path, "max_epochs": max_epochs}
    model = small_classifier(**params, n_iter_no_change=1, early_stopping=True)
    part = PARTS["uneven"][rank]
    model.fit(IDS[part], Y[part])
    return weights_of(model), len(model.history_)


def test_a_finished_training_is_read_from_its_checkpoint(processes, tmp_path):
    path = tmp_path / "training.zip"
    first = processes.call(resume, path, 3)
    modified = path.stat().st_mtime_ns
    for (weights, n_epochs), (again, n_again) in zip(
        first, processes.call(resume, path, 3), strict=True
    ):
        assert_equal_weights(again, weights)
        assert n_again == n_epochs
    assert path.stat().st_mtime_ns >= modified


def test_without_a_group_fit_uses_the_rows_of_the_process():
    assert not distributed.is_initialized()
    model = BiLSTMClassifier(max_epochs=1, random_state=0).fit(IDS, Y)
    assert model.distributed
    assert torch.isfinite(next(model.module_.parameters())).all()
