"""A regressor with numbers for each step, from fit to files and searches."""

import pickle
from functools import partial

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.metrics import r2_score
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    cross_val_predict,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline

from sklearn_bilstm import (
    BiLSTMTagger,
    TextVectorizer,
    explain,
    find_learning_rate,
    load,
    save,
)
from sklearn_bilstm.model_selection import LabelledSplit
from sklearn_bilstm.nn import CELLS, NORMALIZATIONS
from tests.helpers import small_regressor

NAN = np.nan


@pytest.fixture(scope="module")
def series():
    """60 series of unequal length and their cumulative sums."""
    random = np.random.RandomState(0)
    X = [random.normal(size=(n, 2)) for n in random.randint(1, 13, size=60)]
    return X, [x[:, 0].cumsum() for x in X]


@pytest.fixture(scope="module")
def labelled_ids(ids):
    """Rows of token ids and, at each token, the number of tokens up to it."""
    return ids, [np.arange(1.0, 1 + n) for n in (ids > 0).sum(1)]


@pytest.fixture(scope="module")
def model(series):
    """A regressor of steps fitted on `series`, read-only."""
    return small_regressor().fit(*series)


def learner(**params):
    defaults = {"hidden_layer_sizes": 16, "max_epochs": 40, "dropout": 0.0, "lr": 0.02}
    return small_regressor(**{**defaults, **params})


def assert_rows_close(found, expected, **tolerances):
    assert len(found) == len(expected)
    for row, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(row, other, **tolerances)


def padded(rows):
    """Return rows as one array, padded with NaN."""
    longest = max(map(len, rows))
    shape = (len(rows), longest, *rows[0].shape[1:])
    table = np.full(shape, NAN)
    for row, values in zip(table, rows, strict=True):
        row[: len(values)] = values
    return table


# -- learning


@pytest.mark.parametrize("bidirectional", [True, False])
def test_it_learns_the_sum_up_to_each_step(series, bidirectional):
    X, y = series
    model = learner(bidirectional=bidirectional).fit(X[:50], y[:50])
    assert model.score(X[50:], y[50:]) > 0.8


def test_it_learns_from_tokens(labelled_ids):
    ids, y = labelled_ids
    assert learner().fit(ids, y).score(ids, y) > 0.8


def test_it_predicts_several_outputs(series):
    X, y = series
    both = [np.column_stack([row, 3 - 1000 * row]) for row in y]
    model = learner().fit(X, both)
    found = np.concatenate(model.predict(X))
    assert model.n_outputs_ == 2
    assert np.corrcoef(found.T)[0, 1] < -0.99
    assert found[:, 1].std() > 500 * found[:, 0].std()


def test_predictions_are_arrays_of_the_length_of_their_rows(model, series):
    X, y = series
    found = model.predict(X)
    assert isinstance(found, list)
    assert [row.shape for row in found] == [row.shape for row in y]
    assert {row.dtype for row in found} == {np.dtype(np.float64)}


def test_a_quantile_exceeds_its_fraction_of_the_steps():
    random = np.random.RandomState(1)
    X, y = [random.rand(40, 1) for _ in "a" * 50], random.rand(50, 40)
    params = {"loss": "quantile", "quantile": 0.9, "hidden_layer_sizes": 4}
    found = learner(**params).fit(X, [*y]).predict(X)
    assert (y < np.stack(found)).mean() == pytest.approx(0.9, abs=0.03)


def test_static_features_are_used_at_every_step():
    static = np.random.RandomState(0).choice([-1.0, 1.0], size=(50, 1))
    X, y = np.column_stack([np.zeros((50, 5)), static]), static.repeat(5, axis=1)
    model = learner(n_static_features=1, input_type="numeric").fit(X, [*y])
    assert model.score(X, [*y]) > 0.95


# -- formats of y


def test_formats_of_y_are_equivalent(series):
    X, y = series
    fit = partial(small_regressor(max_epochs=1).fit, X)
    expected = fit(y).predict(X)
    table = padded(y)
    for found in (
        fit(np.fromiter(y, dtype=object, count=len(y))),
        clone(small_regressor(max_epochs=1, output_type="steps")).fit(X, table),
        clone(small_regressor(max_epochs=1, output_type="steps")).fit(
            X, [row.tolist() for row in y]
        ),
    ):
        assert_rows_close(found.predict(X), expected, rtol=0)
    columns = fit(table[:, :, np.newaxis]).predict(X)
    assert_rows_close(columns, [row[:, np.newaxis] for row in expected], rtol=0)


def test_a_matrix_holds_numbers_of_rows_by_default():
    X, y = np.random.RandomState(0).rand(2, 30, 5)
    model = small_regressor().fit(X, y)
    assert model.auto_params_["output_type"] == "rows"
    assert isinstance(model.predict(X), np.ndarray)


def test_a_missing_last_number_equals_an_absent_last_step():
    ids = np.random.RandomState(0).randint(2, 20, size=(40, 6))
    ids[0, 0] = 20  # the largest id is in both
    y = np.random.RandomState(1).normal(size=(40, 6))
    y[:, -1] = NAN
    causal = {"bidirectional": False, "input_type": "tokens", "output_type": "steps"}
    no_dropout = {"dropout": 0.0, "embedding_dropout": 0.0, "word_dropout": 0.0}
    model = small_regressor(**causal, **no_dropout, precision="float32")
    missing = clone(model).fit(ids, y).predict(ids)
    absent = clone(model).fit(ids[:, :5], y[:, :5]).predict(ids[:, :5])
    assert np.isfinite(np.stack(missing)).all()
    assert_rows_close([row[:5] for row in missing], absent, rtol=1e-4, atol=1e-5)


def test_rows_of_zero_weight_equal_absent_rows(series):
    X, y = series
    weight = (np.arange(60) < 45).astype(float)
    corrupted = [row + 1e6 * (w == 0) for row, w in zip(y, weight, strict=True)]
    expected = small_regressor().fit(X[:45], y[:45]).predict(X)
    found = small_regressor().fit(X, corrupted, sample_weight=weight).predict(X)
    assert_rows_close(found, expected, rtol=1e-5, atol=1e-6)


def test_unlabelled_rows_of_tokens_are_ignored_without_svd(labelled_ids):
    ids, y = labelled_ids
    gaps = [None if i % 4 == 1 else row for i, row in enumerate(y)]
    nan = [row * (NAN if i % 4 == 1 else 1) for i, row in enumerate(y)]
    known = np.arange(40) % 4 != 1
    expected = small_regressor().fit(ids[known], [y[i] for i in np.flatnonzero(known)])
    for missing in (gaps, nan):
        found = small_regressor().fit(ids, missing).predict(ids)
        assert_rows_close(found, expected.predict(ids), rtol=0)


def test_svd_vectors_use_unlabelled_rows_of_tokens(labelled_ids):
    ids, y = labelled_ids
    gaps = [None if i % 4 == 1 else row for i, row in enumerate(y)]
    known = np.flatnonzero(np.arange(40) % 4 != 1)
    model = small_regressor(embedding="svd", max_epochs=1)
    found = model.fit(ids, gaps).predict(ids)
    without = model.fit(ids[known], [y[i] for i in known]).predict(ids)
    assert not np.allclose(np.concatenate(found), np.concatenate(without))


def test_constant_numbers_are_predicted_exactly(series):
    X, y = series
    both = [np.column_stack([row, np.full(len(row), 0.1)]) for row in y]
    found = np.concatenate(small_regressor().fit(X, both).predict(X))
    np.testing.assert_allclose(found[:, 1], 0.1, rtol=1e-15)
    assert len(np.unique(found[:, 0])) > 1


def test_a_single_row_and_rows_of_one_step_are_accepted():
    one_row = small_regressor().fit([np.ones((3, 1))], [np.arange(3.0)])
    assert one_row.predict([np.ones((5, 1))])[0].shape == (5,)
    X, y = (
        [np.full((1, 1), i) for i in range(9)],
        [np.array([2.0 * i])[:1] for i in range(9)],
    )
    one_step = learner().fit(X, y)
    assert [row.shape for row in one_step.predict(X)] == [(1,)] * 9
    assert one_step.score(X, y) > 0.9


def test_an_empty_row_gives_an_empty_prediction(series, model):
    X, y = series
    empty = np.empty((0, 2))
    found = small_regressor().fit([*X, empty], [*y, np.empty(0)]).predict([empty, X[0]])
    assert [row.shape for row in found] == [(0,), y[0].shape]
    assert [row.shape for row in model.predict([empty])] == [(0,)]


# -- invariances

NETWORKS = [
    *(
        {"cell": cell, "normalization": norm}
        for cell in CELLS
        for norm in NORMALIZATIONS
    ),
    {"convolution_layer_sizes": (5, 4), "dense_layer_sizes": 3},
]


@pytest.mark.parametrize("params", NETWORKS, ids=str)
def test_predictions_of_a_row_do_not_depend_on_other_rows(series, params):
    X, y = series
    model = small_regressor(hidden_layer_sizes=(6, 4), **params).fit(X, y)
    together = model.predict(X)
    alone = [model.predict([x])[0] for x in X]
    assert_rows_close(together, alone, rtol=1e-5, atol=2e-5)


@pytest.mark.parametrize("params", NETWORKS, ids=str)
def test_predictions_without_the_reverse_direction_ignore_later_steps(series, params):
    X, y = series
    params = {"hidden_layer_sizes": (6, 4), "bidirectional": False, **params}
    model = small_regressor(**params).fit(X, y)
    x = np.random.RandomState(1).normal(size=(12, 2))
    whole = model.predict([x])[0]
    for step in range(1, 12):
        other = np.concatenate([x[:step], 9 - x[step:]])
        changed = model.predict([other])[0]
        np.testing.assert_allclose(changed[:step], whole[:step], rtol=1e-6, atol=1e-6)
        assert abs(changed[step] - whole[step]) > 1e-5
        cut = model.predict([x[:step]])[0]
        np.testing.assert_allclose(cut, whole[:step], rtol=1e-5, atol=1e-5)


def test_padding_of_x_and_y_does_not_change_the_fit(series):
    X, y = series
    model = small_regressor(output_type="steps", max_epochs=1)
    wider = np.pad(padded(X), ((0, 0), (0, 4), (0, 0)), constant_values=NAN)
    y_wider = np.pad(padded(y), ((0, 0), (0, 4)), constant_values=NAN)
    found = clone(model).fit(wider, y_wider).predict(wider)
    assert_rows_close(found, model.fit(X, y).predict(X), rtol=0)


def test_predictions_do_not_depend_on_the_number_of_threads(series):
    X, y = series
    found = [small_regressor(n_threads=n).fit(X, y).predict(X) for n in (1, 3)]
    assert_rows_close(*found, rtol=0)


# -- scikit-learn


def test_score_is_r2_over_all_steps(model, series):
    X, y = series
    weight = np.linspace(0, 1, 60)
    steps = np.repeat(weight, [len(row) for row in y])
    pair = np.concatenate(y), np.concatenate(model.predict(X))
    assert model.score(X, y) == pytest.approx(r2_score(*pair))
    assert model.score(X, y, weight) == pytest.approx(
        r2_score(*pair, sample_weight=steps)
    )
    table = padded(y)
    assert model.score(X, table) == model.score(X, y)


def test_it_works_in_cross_validation_and_searches(series):
    X, y = series
    assert cross_val_score(learner(), X, y, cv=3).min() > 0.5
    search = GridSearchCV(learner(), {"max_epochs": [1, 40]}, cv=2).fit(X, y)
    assert search.best_params_ == {"max_epochs": 40}
    assert search.predict(X)[3].shape == y[3].shape


def test_cross_val_predict_returns_the_predictions_of_each_fold(series):
    X, y = series
    found = cross_val_predict(small_regressor(), X, y, cv=KFold(2))
    assert [row.shape for row in found] == [row.shape for row in y]
    of_first = small_regressor().fit(X[30:], y[30:]).predict(X[:30])
    assert_rows_close(found[:30], of_first, rtol=0)


def test_folds_with_equal_lengths_hold_numbers_of_steps():
    X, y = np.random.RandomState(0).rand(2, 20, 4)
    found = cross_val_predict(small_regressor(), X, [*y], cv=2)
    assert [row.shape for row in found] == [(4,)] * 20


def test_labelled_split_scores_labelled_rows(labelled_ids):
    ids, y = labelled_ids
    gaps = [None if i % 4 == 1 else row for i, row in enumerate(y)]
    scores = cross_val_score(small_regressor(), ids, gaps, cv=LabelledSplit(KFold(2)))
    assert np.isfinite(scores).all()


def test_pickles_and_files_keep_predictions(series, tmp_path):
    X, y = series
    model = small_regressor(convolution_layer_sizes=4, bidirectional=False).fit(X, y)
    save(model, tmp_path / "model.zip")
    expected = model.predict(X)
    for twin in (load(tmp_path / "model.zip"), pickle.loads(pickle.dumps(model))):
        assert_rows_close(twin.predict(X), expected, rtol=0)
        assert twin.score(X, y) == model.score(X, y)


def test_a_loaded_model_continues_training_like_the_saved_one(series, tmp_path):
    X, y = series
    model = small_regressor().partial_fit(X, y)
    save(model, tmp_path / "model.zip")
    twin = load(tmp_path / "model.zip").partial_fit(X, y)
    expected = model.partial_fit(X, y).predict(X)
    assert_rows_close(twin.predict(X), expected, rtol=0)


# -- training


def test_warm_start_and_partial_fit_continue_training(series):
    X, y = series
    model = learner(warm_start=True, max_epochs=5)
    first = model.fit(X, y).score(X, y)
    assert model.fit(X, y).score(X, y) > first
    streamed = learner()
    for _ in range(20):
        streamed.partial_fit(X, y)
    assert streamed.score(X, y) > 0.5
    assert len(streamed.history_) == 20


def test_early_stopping_keeps_the_best_epoch(series):
    X, y = series
    params = {"max_epochs": 30, "lr": 0.05}
    model = small_regressor(early_stopping=True, **params).fit(X, y)
    given = small_regressor(**params).fit(X[:50], y[:50], X_val=X[50:], y_val=y[50:])
    for fitted in (model, given):
        losses = [epoch["valid_loss"] for epoch in fitted.history_]
        assert fitted.best_epoch_ == np.argmin(losses) + 1
    best = given.history_[given.best_epoch_ - 1]
    assert best["valid_r2"] == pytest.approx(given.score(X[50:], y[50:]), abs=1e-6)


def test_a_checkpoint_resumes_training(series, tmp_path):
    X, y = series
    path = tmp_path / "checkpoint.zip"
    whole = small_regressor(checkpoint=path, max_epochs=4).fit(X, y)
    resumed = small_regressor(checkpoint=path, max_epochs=4).fit(X, y)
    assert_rows_close(resumed.predict(X), whole.predict(X), rtol=0)
    with pytest.raises(ValueError, match="another training"):
        small_regressor(checkpoint=path, max_epochs=4).fit(X, [-row for row in y])


def test_the_network_may_be_pretrained(series, model):
    X, y = series
    negative = [-row for row in y]
    started = small_regressor(pretrained=model, lr=1e-12).fit(X, negative)
    for name, weight in model.module_.encoder.state_dict().items():
        np.testing.assert_allclose(
            started.module_.encoder.state_dict()[name], weight, rtol=1e-5, atol=1e-6
        )
    of_rows = small_regressor().fit(X, [row[-1] for row in y])
    with pytest.raises(ValueError, match="outputs for each step"):
        small_regressor(pretrained=of_rows).fit(X, y)
    with pytest.raises(ValueError, match="outputs for each row"):
        small_regressor(pretrained=model).fit(X, [row[-1] for row in y])


def test_the_learning_rate_range_test_is_supported(series):
    found = find_learning_rate(small_regressor(), *series, n_steps=30)
    assert 0 < found.suggestion < 10


# -- errors


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda y: y[:-1], "inconsistent numbers of samples"),
        (lambda y: [*y[:4], y[4][:-1], *y[5:]], "row 4 has . numbers for . steps"),
        (lambda y: [*y[:4], np.append(y[4], 1), *y[5:]], "row 4 has . numbers for"),
        (lambda y: [*y[:4], y[4] * NAN, *y[5:]], "y has a missing label: row 4"),
        (lambda y: [*y[:4], y[4] * np.inf, *y[5:]], "y contains infinity in row 4"),
        (lambda y: [*y[:4], y[4].astype(str), *y[5:]], "got for row 4 values of type"),
        (lambda y: [np.column_stack([r, r * NAN]) for r in y], "output 1 has none"),
        (lambda y: [row * NAN for row in y], "all 60 are missing"),
    ],
)
def test_an_invalid_y_raises(series, change, message):
    X, y = series
    with pytest.raises(ValueError, match=message):
        small_regressor().fit(X, change(y))


def test_an_empty_y_raises(series):
    with pytest.raises(ValueError, match="at least one row: got 0"):
        small_regressor(output_type="steps").fit(series[0], [])


def test_numbers_of_rows_raise_with_a_network_of_steps(series, model):
    X, y = series
    last = [row[-1] for row in y]
    warm = pickle.loads(pickle.dumps(model)).set_params(warm_start=True)
    with pytest.raises(ValueError, match="y must hold numbers for each step"):
        warm.fit(X, last)
    with pytest.raises(ValueError, match="y_val must hold numbers for each step"):
        small_regressor().fit(X, y, X_val=X, y_val=last)
    with pytest.raises(ValueError, match="y_val must hold numbers for each row"):
        small_regressor().fit(X, last, X_val=X, y_val=y)
    with pytest.raises(ValueError, match="y must hold real numbers.*row 0"):
        model.score(X, last)


def test_another_number_of_outputs_raises(series):
    X, y = series
    model = small_regressor(warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match="y must have 1 outputs per step.*got 2"):
        model.fit(X, [np.column_stack([row, row]) for row in y])


def test_strides_raise(series):
    model = small_regressor(convolution_layer_sizes=4, convolution_stride=2)
    with pytest.raises(ValueError, match="'convolution_stride' parameter must be 1"):
        model.fit(*series)


def test_pooled_vectors_are_not_available(series, model):
    X, _ = series
    for method in ("transform", "attention_weights"):
        with pytest.raises(AttributeError, match=method):
            getattr(model, method)(X)
    unfitted = small_regressor(output_type="steps", pooling="attention")
    assert not hasattr(unfitted, "attention_weights")


def test_explaining_raises(reviews):
    texts, _ = reviews
    vectorizer = TextVectorizer()
    lengths = (vectorizer.fit_transform(texts) > 0).sum(1)
    model = make_pipeline(vectorizer, small_regressor(max_epochs=1))
    model.fit(texts, [np.arange(float(n)) for n in lengths])
    with pytest.raises(ValueError, match="each step cannot be explained"):
        explain(model, texts[:2])


def test_a_tagger_is_no_pretrained_network_of_numbers(series):
    X, y = series
    tagger = BiLSTMTagger(hidden_layer_sizes=6, max_epochs=1)
    tagger.fit(X, [["a"] * len(row) for row in y])
    with pytest.raises(ValueError, match="same architecture"):
        small_regressor(pretrained=tagger).fit(X, y)
