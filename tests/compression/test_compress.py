import io
import json
import pickle
import zipfile

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier, GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline

from sklearn_bilstm import (
    BiLSTMClassifier,
    TableVectorizer,
    TextVectorizer,
    compress,
    explain,
    export_onnx,
    load,
    save,
)
from sklearn_bilstm.compression._ngrams import all_ngrams, with_ngrams
from sklearn_bilstm.compression._weights import with_rounding
from sklearn_bilstm.datasets import make_reviews
from sklearn_bilstm.onnx import OnnxModel
from sklearn_bilstm.utils._rounding import rounded, rounded_to_half
from tests.helpers import (
    small_classifier,
    small_pipeline,
    small_regressor,
    small_tagger,
)

RANDOM = np.random.RandomState(0)
N_ROWS = 120
TEXTS, LABELS = make_reviews(N_ROWS, max_fillers=1, random_state=0)
NGRAMS = {"log_odds_ngram_range": (1, 2), "linear_ngram_range": (1, 2)}
WHOLE = {**NGRAMS, "embedding": "svd", "hidden_layer_sizes": 16}

# frequent tokens have small ids, as those of a TextVectorizer
IDS = np.minimum(RANDOM.geometric(0.1, (N_ROWS, 12)) + 1, 60).astype(np.int32)
IDS[np.arange(12) >= RANDOM.randint(1, 13, N_ROWS)[:, None]] = 0
SUMS = (IDS * np.sin(IDS)).sum(1)
CLASSES = np.digitize(SUMS, np.quantile(SUMS, [0.2, 0.4, 0.6, 0.8]))
WITH_STATIC = np.hstack([IDS, RANDOM.standard_normal((N_ROWS, 2))])
SERIES = RANDOM.standard_normal((N_ROWS, 15, 2))
TRENDS = SERIES[:, :, 0].sum(1)
STEPS = [row[:, 0].cumsum() for row in SERIES]
WORDS = [f"{'Ww'[i % 2]}{i // 2}" for i in range(40)]
SENTENCES = [[WORDS[i] for i in RANDOM.randint(40, size=n % 7)] for n in range(60)]
TAGS = [["B-X" if word[0] == "W" else "O" for word in row] for row in SENTENCES]


def of_ids(**params):
    return small_classifier(input_type="tokens", **params)


MODELS = {
    "binary": (of_ids(**WHOLE), IDS, SUMS > 0),
    "many classes": (of_ids(**WHOLE), IDS, CLASSES.astype(str)),
    "labels": (of_ids(**WHOLE), IDS, np.stack([SUMS > 0, CLASSES > 1], 1).astype(int)),
    "tasks": (of_ids(**WHOLE), IDS, np.stack([SUMS > 0, CLASSES], 1).astype(str)),
    "static": (of_ids(n_static_features=2, **WHOLE), WITH_STATIC, SUMS > 0),
    "no log-odds": (of_ids(linear_ngram_range=(1, 2)), IDS, SUMS > 0),
    "no linear model": (of_ids(log_odds_ngram_range=(1, 2)), IDS, SUMS > 0),
    "other ranges": (of_ids(**{**WHOLE, "linear_ngram_range": (1, 3)}), IDS, SUMS > 0),
    "network": (of_ids(hidden_layer_sizes=(6, 24), cell="gru"), IDS, CLASSES),
    "attention": (of_ids(pooling="attention", normalization="layer"), IDS, CLASSES),
    "numbers": (small_classifier(linear_kernels=84), SERIES, TRENDS > 0),
    "network of numbers": (small_classifier(), SERIES, TRENDS > 0),
    "regressor": (small_regressor(input_type="tokens"), IDS, SUMS),
    "outputs": (
        small_regressor(hidden_layer_sizes=24, cell="rnn"),
        SERIES,
        np.stack([TRENDS, TRENDS**2], 1),
    ),
    "linear regressor": (small_regressor(linear_kernels=84), SERIES, TRENDS),
    "steps": (small_regressor(output_type="steps"), [*SERIES], STEPS),
    "tagger": (small_tagger(max_epochs=5), SENTENCES, TAGS),
    "tagger without CRF": (small_tagger(crf=False), SENTENCES, TAGS),
    "linear tagger": (
        small_tagger(linear_features="auto", max_epochs=5),
        SENTENCES,
        TAGS,
    ),
    "cased tagger": (small_tagger(lowercase=False, max_epochs=5), SENTENCES, TAGS),
    "pipeline": (small_pipeline(hidden_layer_sizes=16), TEXTS, LABELS),
}

# Standard deviation of the outputs in training, by their number.
SCALES = {1: 1.0, 2: np.stack([TRENDS, TRENDS**2], 1).std(0)}


class Compressed:
    """A fitted model, and what its compression must not change."""

    def __init__(self, name, tolerance):
        model, self.X, self.y = MODELS[name]
        self.tolerance = tolerance
        self.given = clone(model).fit(self.X, self.y)
        self.known = self.given.predict(self.X)
        self.bytes, self.params = contents(self.given), str(self.given.get_params())
        self.model = compress(self.given, self.X, tolerance=tolerance)
        self.report = estimator_of(self.model).compression_


def estimator_of(model):
    return model[-1] if isinstance(model, Pipeline) else model


def contents(model):
    save(model, file := io.BytesIO())
    return file.getvalue()


def loaded(model):
    return load(io.BytesIO(contents(model)))


def as_matrix(predictions):
    """Return the predictions of rows, or of the steps of all rows, as a matrix."""
    if isinstance(predictions, list) or predictions.dtype == object:
        rows = [np.asarray(row) for row in predictions if len(row)]
        predictions = np.concatenate(rows)
    return predictions.reshape(len(predictions), -1)


def change(before, after):
    """Return the change of predictions as the documentation defines it."""
    before, after = map(as_matrix, (before, after))
    if before.dtype.kind == "f":  # of outputs with a standard deviation of one
        return np.square((after - before) / SCALES[before.shape[1]]).mean(0).sum() / (
            (before / SCALES[before.shape[1]]).var(0).sum()
        )
    return (before != after).any(1).mean()


def assert_same_predictions(model, other, X):
    pairs = zip(model.predict(X), other.predict(X), strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs)


@pytest.fixture(scope="module", params=MODELS)
def case(request):
    return Compressed(request.param, 0.3)


def test_predictions_change_within_the_tolerance(case):
    found = change(case.known, case.model.predict(case.X))
    assert found <= case.tolerance
    assert found == pytest.approx(case.report.steps[-1].changed, abs=1e-6)
    assert all(step.after < step.before for step in case.report.steps)
    assert case.report.steps[-1].name == "bits per number"


@pytest.mark.parametrize("name", ["binary", "tagger"])
def test_a_low_tolerance_allows_fewer_changes(name):
    low, high = (Compressed(name, tolerance) for tolerance in (0.02, 0.5))
    assert change(low.known, low.model.predict(low.X)) <= 0.02
    assert len(contents(low.model)) > len(contents(high.model))


def test_the_given_model_is_not_changed(case):
    assert contents(case.given) == case.bytes
    assert str(case.given.get_params()) == case.params
    assert np.array_equal(as_matrix(case.given.predict(case.X)), as_matrix(case.known))
    assert not hasattr(estimator_of(case.given), "compression_")
    assert type(case.model) is type(case.given)


def test_compressed_models_are_saved_and_pickled(case):
    for again in (loaded(case.model), pickle.loads(pickle.dumps(case.model))):
        assert_same_predictions(again, case.model, case.X)
        assert estimator_of(again).compression_ == case.report
    for part, is_compressed in ((case.model, True), (case.given, False)):
        with zipfile.ZipFile(io.BytesIO(contents(part))) as archive:
            manifest = json.loads(archive.read("manifest.json"))
        assert manifest["format"] == (2 if is_compressed else 1)


def test_sizes_of_the_report_are_those_of_files(case):
    assert case.report.n_bytes == pytest.approx(len(case.bytes), rel=0.02)
    found = len(contents(case.model))
    assert case.report.steps[-1].n_bytes == pytest.approx(found, rel=0.05)


def test_training_can_be_continued(case):
    model, X = case.model, case.X
    if isinstance(model, Pipeline):
        model, X = model[-1], model[:-1].transform(X)
    before = contents(model)
    warm = pickle.loads(pickle.dumps(model)).set_params(warm_start=True)
    continued = [warm.fit(X, case.y)]
    if hasattr(model, "partial_fit") and getattr(model, "network_scale_", 1):
        continued.append(pickle.loads(pickle.dumps(model)).partial_fit(X, case.y))
    for more in continued:
        assert len(more.predict(X)) == len(case.y)
        assert not hasattr(more, "compression_")
    assert not hasattr(clone(model), "compression_")
    assert contents(model) == before


def test_a_compressed_model_is_compressed_again():
    case = Compressed("binary", 0.1)
    again = compress(case.model, IDS, tolerance=0.1)
    assert change(case.model.predict(IDS), again.predict(IDS)) <= 0.1
    assert len(contents(again)) < len(contents(case.model))


def test_a_compressed_model_can_be_pretrained():
    found = Compressed("binary", 0.3).model
    assert found.hidden_layer_sizes == (8,)
    params = {"hidden_layer_sizes": found.hidden_layer_sizes, "pretrained": found}
    other = of_ids(**NGRAMS, **params).fit(IDS, CLASSES)
    assert set(other.predict(IDS)) <= {*CLASSES}


# -- pipelines


@pytest.fixture(scope="module")
def pipeline():
    return Compressed("pipeline", 0.3)


def test_the_vectorizer_of_a_pipeline_has_the_tokens_of_the_network(pipeline):
    vectorizer, classifier = pipeline.model
    n_tokens = len(vectorizer.vocabulary_)
    assert n_tokens == classifier.module_.input_layer.input_size - 2
    assert n_tokens < len(pipeline.given[0].vocabulary_)
    assert vectorizer.transform(TEXTS).max() == n_tokens + 1


def test_a_pipeline_learns_new_tokens_after_the_compression(pipeline):
    vectorizer, classifier = loaded(pipeline.model)
    more = ["zyx wvu", "wvu"] * 10
    ids = vectorizer.partial_fit(more).transform(more)
    classifier.partial_fit(ids, LABELS[:20])
    known = len(pipeline.model[0].vocabulary_)
    assert vectorizer.vocabulary_["wvu"] >= known + 2
    assert len(classifier.predict(ids)) == 20


def test_a_compressed_pipeline_explains_its_predictions(pipeline):
    text = "not a good film"
    (explanation,) = explain(pipeline.model, [text], method="occlusion")
    assert len(explanation.scores) == 4
    assert explanation.target == pipeline.model.predict([text])[0]


@pytest.mark.parametrize("n_kept", [None, 0], ids=["compressed", "without n-grams"])
def test_a_compressed_pipeline_is_exported_to_onnx(pipeline, n_kept, tmp_path):
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    model, path = loaded(pipeline.model), tmp_path / "model.onnx"
    if n_kept is not None:
        models = model[-1].model_.auxiliary_models
        kept = {key: columns[:0] for key, columns in all_ngrams(models).items()}
        model[-1].model_.auxiliary_models = with_ngrams(models, kept)
    export_onnx(model, path)
    size = path.stat().st_size
    assert OnnxModel(path, n_threads=1).predict(TEXTS).tolist() == [
        *model.predict(TEXTS)
    ]
    if n_kept is None:
        export_onnx(pipeline.given, path)
        assert size < path.stat().st_size


@pytest.mark.parametrize(
    ("vectorizer", "is_table"),
    [(TextVectorizer(tokenizer=str.split), False), (TextVectorizer(), True)],
    ids=["tokenizer", "table"],
)
def test_pipelines_of_text_and_tables_are_compressed(vectorizer, is_table):
    X = pd.DataFrame({"title": TEXTS, "body": TEXTS[::-1]}) if is_table else TEXTS
    model = make_pipeline(vectorizer, small_classifier(**NGRAMS)).fit(X, LABELS)
    found = compress(model, X, tolerance=0.5)
    assert change(model.predict(X), found.predict(X)) <= 0.5
    assert len(found[0].vocabulary_) < len(model[0].vocabulary_)


def test_a_pipeline_of_other_steps_keeps_them():
    X = pd.DataFrame({"text": TEXTS, "number": np.arange(N_ROWS) / N_ROWS})
    columns = ColumnTransformer(
        [("t", TextVectorizer(), "text"), ("n", "passthrough", ["number"])],
        sparse_threshold=0,
    )
    classifier = small_classifier(n_static_features=1, **NGRAMS)
    model = make_pipeline(columns, classifier).fit(X, LABELS)
    found = compress(model, X, tolerance=0.3)
    assert change(model.predict(X), found.predict(X)) <= 0.3
    assert found[0] is model[0]


def test_a_pipeline_of_one_step_is_compressed():
    model = make_pipeline(of_ids()).fit(IDS, CLASSES)
    found = compress(model, IDS, tolerance=0.3)
    assert change(model.predict(IDS), found.predict(IDS)) <= 0.3


def test_a_vocabulary_that_is_not_required_keeps_a_token():
    texts = ["few words", "the others"] * 10
    model = make_pipeline(TextVectorizer(), small_regressor())
    model.fit(texts, np.ones(20))  # constant predictions
    found = compress(model, texts, tolerance=0.1)
    (token,) = found[0].vocabulary_
    assert model[0].vocabulary_[token] == 2
    assert_same_predictions(loaded(found), model, texts)


def test_an_iterable_is_read_once(pipeline):
    found = compress(pipeline.given, iter(TEXTS), tolerance=0.3)
    assert_same_predictions(found, pipeline.model, TEXTS)


def test_weights_can_be_trained_after_compression_in_inference_mode():
    model = of_ids().fit(IDS, CLASSES)
    with torch.inference_mode():
        found = compress(model, IDS, tolerance=0.3)
    assert not any(weight.is_inference() for weight in found.module_.parameters())
    found.partial_fit(IDS, CLASSES)


# -- invalid input


@pytest.fixture(scope="module")
def classifier():
    return of_ids().fit(IDS, CLASSES)


@pytest.mark.parametrize("tolerance", [0, 1, -0.1, 1.5, float("nan"), "0.1", None])
def test_an_invalid_tolerance_raises(classifier, tolerance):
    with pytest.raises(
        ValueError, match=r"'tolerance' parameter .* range \(0.0, 1.0\)"
    ):
        compress(classifier, IDS, tolerance=tolerance)


def test_too_few_rows_raise(classifier):
    with pytest.raises(ValueError, match="at least 100 rows .* Pass more rows, or"):
        compress(classifier, IDS[:99])


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (IDS[:0], "0 sample"),
        (TEXTS, "X contains text"),
        (SERIES, "X must be 2-D"),
        (IDS[:, :5], "X has 5 features"),
        (None, "Expected 2D array"),
    ],
)
def test_an_invalid_x_raises(classifier, X, message):
    with pytest.raises(ValueError, match=message):
        compress(classifier, X)


def test_sentences_without_tokens_raise():
    tagger = small_tagger().fit(SENTENCES, TAGS)
    with pytest.raises(ValueError, match="100 tokens .* got 0"):
        compress(tagger, [[], []])


@pytest.mark.parametrize(
    "model", [of_ids(), make_pipeline(TextVectorizer(), small_classifier())]
)
def test_an_unfitted_model_raises(model):
    with pytest.raises(NotFittedError, match="not fitted yet"):
        compress(model, IDS)


@pytest.mark.parametrize(
    "model",
    [
        LogisticRegression(),
        BiLSTMClassifier,
        None,
        TextVectorizer(),
        Pipeline([]),
        make_pipeline(TextVectorizer(), LogisticRegression()),
    ],
    ids=repr,
)
def test_another_estimator_raises(model):
    with pytest.raises(TypeError, match="must be a BiLSTMClassifier, .* or a Pipeline"):
        compress(model, IDS)


def test_a_search_raises_with_its_best_estimator(classifier):
    search = GridSearchCV(classifier, {"lr": [0.01]}, cv=2).fit(IDS, CLASSES % 2)
    with pytest.raises(TypeError, match="GridSearchCV. For a search, pass best_est"):
        compress(search, IDS)
    assert compress(search.best_estimator_, IDS, tolerance=0.3).compression_


def test_a_threshold_is_fitted_around_the_compressed_estimator():
    classifier = small_classifier().fit(IDS, CLASSES % 2)
    model = FixedThresholdClassifier(classifier, threshold=0.4)
    with pytest.raises(TypeError, match=r"FrozenEstimator\(compressed\)"):
        compress(model, IDS)
    small = compress(classifier, IDS, tolerance=0.3)
    decided, file = FixedThresholdClassifier(FrozenEstimator(small)), io.BytesIO()
    save(decided, file)
    with zipfile.ZipFile(file) as archive:
        assert json.loads(archive.read("manifest.json"))["format"] == 2
    found = load(io.BytesIO(file.getvalue()))
    assert found.predict(IDS).tolist() == decided.predict(IDS).tolist()


def test_a_tolerance_that_no_step_meets_raises():
    model = small_classifier(max_epochs=20, lr=0.03).fit(SERIES, TRENDS > 0)
    given = model.model_
    first, last = SERIES[TRENDS.argmin()], SERIES[TRENDS.argmax()]
    start, end = 0.0, 1.0
    for _ in range(20):  # series between them, where the label changes
        middle = (start + end) / 2
        is_last = model.predict((first + middle * (last - first))[None])[0]
        start, end = (start, middle) if is_last else (middle, end)
    shares = start + np.linspace(-1e-2, 1e-2, 10_001)[:, None, None]
    X = first + shares * (last - first)
    rows = given.read(X)
    label = given.logits(rows).argmax(1)
    groups = []
    for function in (rounded, rounded_to_half):
        other = with_rounding(given, function).logits(rows).argmax(1)
        groups.append(np.flatnonzero(other != label))
    assert all(map(len, groups))
    borderline = X[np.concatenate([np.resize(group, 50) for group in groups])]
    with pytest.raises(ValueError, match="cannot be compressed within the 'tolerance'"):
        compress(model, borderline, tolerance=0.1)


def test_a_table_is_compressed_with_its_vocabulary():
    frame = pd.DataFrame({"text": TEXTS, "age": SUMS, "kind": CLASSES.astype(str)})
    model = make_pipeline(TableVectorizer(), small_classifier(**WHOLE))
    model.fit(frame, LABELS)
    small = compress(model, frame, tolerance=0.3)
    known = model.predict(frame)
    assert change(known, small.predict(frame)) <= 0.3
    vocabularies = [each[0].text_vectorizer_.vocabulary_ for each in (small, model)]
    (of_tokens,) = [s for s in small[-1].compression_.steps if s.name == "tokens"]
    n_removed = of_tokens.before - of_tokens.after
    assert len(vocabularies[1]) - len(vocabularies[0]) == n_removed > 0
    assert_same_predictions(loaded(small), small, frame)
    export_onnx(small, file := io.BytesIO())
    served = OnnxModel(io.BytesIO(file.getvalue()), n_threads=1)
    expected = small.predict_proba(frame)
    np.testing.assert_allclose(served.predict_proba(frame), expected, atol=1e-5)
    names = explain(small, frame.iloc[[0]])[0].static_names
    assert list(names) == ["age", *(f"kind_{kind}" for kind in "01234")]
