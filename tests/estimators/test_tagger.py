import copy
import itertools
import os
import pickle
import subprocess
import sys
from contextlib import nullcontext

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import KFold, permutation_test_score
from sklearn.utils import get_tags

from sklearn_bilstm import BiLSTMTagger
from sklearn_bilstm.metrics import convert_to_scheme, span_f1_score
from sklearn_bilstm.nn import CELLS, MERGES
from tests.helpers import small_tagger

SENTENCE = st.lists(
    st.sampled_from(["Anna", "Ben", "Mrs", "Ray", "met", "left", "zzz"]), max_size=9
)
SENTENCES = st.lists(SENTENCE, min_size=1, max_size=6)
many_examples = settings(max_examples=50, deadline=None)

NETWORKS = [
    {},
    {"crf": False, "constrained": False},
    {"cell": "gru", "normalization": "batch", "hidden_layer_sizes": (6, 4)},
    {"n_character_filters": 0, "embedding": "svd", "dense_layer_sizes": 5},
]


@pytest.fixture(scope="module", params=NETWORKS, ids=str)
def tagger(request, sentences):
    """A fitted tagger for each architecture of NETWORKS."""
    return small_tagger(max_epochs=5, lr=0.02, **request.param).fit(*sentences)


def assert_close(found, expected):
    assert [p.shape for p in found] == [p.shape for p in expected]
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=2e-5)


def assert_same_bits(found, expected):
    assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))


# -- training


def test_tagger_fits_the_training_sentences(fitted_tagger, sentences):
    X, y = sentences
    assert fitted_tagger.predict(X) == y
    assert fitted_tagger.score(X, y) == 1.0


def test_tagger_uses_left_and_right_context():
    random = np.random.RandomState(0)
    X = [random.choice(["a", "b"], size=6).tolist() for _ in range(200)]
    y = [["x", *row[:-1]] for row in X], [[*row[1:], "x"] for row in X]
    for labels in y:  # the previous and the next token
        model = small_tagger(hidden_layer_sizes=16, max_epochs=15, lr=0.03)
        model.set_params(dropout=0.0, embedding_dropout=0.0, word_dropout=0.0)
        assert model.fit(X[:150], labels[:150]).score(X[150:], labels[150:]) > 0.95


def test_character_features_generalise_to_unknown_words():
    random = np.random.RandomState(0)
    stems = ["".join(random.choice(list("bdfgklmnprt"), 4)) for _ in range(150)]
    X = [[stem + "ing", stem + "ly"] for stem in stems]
    y = [["VERB", "ADV"]] * 150
    X, y = (
        [row[:: 1 - 2 * (i % 2)] for i, row in enumerate(X)],
        [row[:: 1 - 2 * (i % 2)] for i, row in enumerate(y)],
    )
    params = {
        "max_epochs": 15,
        "lr": 0.02,
        "hidden_layer_sizes": 8,
    }
    with_characters = small_tagger(**params).fit(X[:100], y[:100])
    assert with_characters.score(X[100:], y[100:]) > 0.95
    without_characters = small_tagger(n_character_filters=0, **params).fit(
        X[:100], y[:100]
    )
    assert without_characters.score(X[100:], y[100:]) < 0.8


def test_crf_predicts_consistent_label_sequences_where_marginals_are_equal():
    # labels alternate, and either label may come first
    X = [["?"] * 4] * 60
    y = [["a", "b", "a", "b"], ["b", "a", "b", "a"]] * 30
    params = {"max_epochs": 30, "lr": 0.05, "dropout": 0.0}
    found = small_tagger(**params).fit(X, y).predict(X[:1])
    assert found[0] in y[:2]
    marginals = small_tagger(**params).fit(X, y).predict_proba(X[:1])[0]
    np.testing.assert_allclose(marginals, 0.5, atol=0.2)


@pytest.mark.parametrize(
    "params",
    [
        *({"cell": cell} for cell in CELLS),
        *({"merge_mode": mode} for mode in MERGES),
        {"bidirectional": False},
        {"normalization": "layer", "max_norm": 3.0},
        {"recurrent_dropout": 0.2, "lr_schedule": "plateau", "optimizer": "adam"},
    ],
    ids=str,
)
def test_every_network_option_lowers_the_loss(sentences, params):
    model = small_tagger(max_epochs=6, lr=0.02, **params).fit(*sentences)
    assert model.history_[-1]["train_loss"] < model.history_[0]["train_loss"]


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_predictions_do_not_depend_on_precision_after_fit(sentences, precision):
    X, y = sentences
    params = {"max_epochs": 20, "lr": 0.05, "precision": precision}
    model = small_tagger(**params).fit(X, y)
    assert model.score(X, y) == 1.0
    other = copy.deepcopy(model).set_params(precision="float32")
    assert_same_bits(other.predict_proba(X), model.predict_proba(X))


def test_bfloat16_training_changes_probabilities_little(sentences):
    X, y = sentences
    no_dropout = {"dropout": 0.0, "embedding_dropout": 0.0, "word_dropout": 0.0}
    exact, rounded = (
        small_tagger(max_epochs=3, precision=precision, **no_dropout).fit(X, y)
        for precision in ("float32", "bfloat16")
    )
    for a, b in zip(exact.predict_proba(X), rounded.predict_proba(X), strict=True):
        np.testing.assert_allclose(a, b, atol=0.01)


# -- invariances


@many_examples
@given(rows=SENTENCES)
def test_predictions_do_not_depend_on_the_batch(tagger, rows):
    batched = tagger.predict_proba(rows)
    assert_close(batched, [tagger.predict_proba([row])[0] for row in rows])


@many_examples
@given(rows=SENTENCES, data=st.data())
def test_predictions_are_equivariant_to_the_order_of_rows(tagger, rows, data):
    order = data.draw(st.permutations(range(len(rows))))
    moved = [rows[i] for i in order]
    expected = tagger.predict_proba(rows)
    assert_close(tagger.predict_proba(moved), [expected[i] for i in order])
    labels = tagger.predict(rows)
    assert tagger.predict(moved) == [labels[i] for i in order]


@many_examples
@given(rows=SENTENCES)
def test_padding_does_not_change_predictions(tagger, rows):
    padded = tagger.predict_proba([*rows, ["Anna"] * 40])[:-1]
    assert_close(padded, tagger.predict_proba(rows))


@many_examples
@given(rows=SENTENCES)
def test_every_token_has_a_label_and_normalised_probabilities(tagger, rows):
    labels, probabilities = tagger.predict(rows), tagger.predict_proba(rows)
    assert [len(row) for row in labels] == [len(row) for row in rows]
    for row, of_row in zip(rows, probabilities, strict=True):
        assert of_row.shape == (len(row), len(tagger.classes_))
        np.testing.assert_allclose(of_row.sum(1), 1, rtol=1e-12)


def test_tagger_without_crf_predicts_the_most_probable_labels(sentences):
    X, y = sentences
    model = small_tagger(crf=False).fit(X, y)
    probabilities = model.predict_proba(X)
    most = [model.classes_[of_row.argmax(1)].tolist() for of_row in probabilities]
    assert model.predict(X) == most


def test_crf_marginals_and_best_path_equal_brute_force(fitted_tagger):
    row = ["Mrs", "left", "zzz"]
    model = fitted_tagger.model_
    inputs, _ = model.with_features(model.read([row]))[np.array([0])]
    module = fitted_tagger.module_.eval()
    with torch.no_grad():
        emissions, decoder = module._exactly(**inputs)
        paths = torch.tensor(list(itertools.product(range(3), repeat=3)))
        mask = torch.ones_like(paths, dtype=torch.bool)
        found = decoder(emissions.expand(len(paths), -1, -1), paths, mask).exp()
    expected = [
        [found[paths[:, step] == k].sum().item() for k in range(3)] for step in range(3)
    ]
    np.testing.assert_allclose(fitted_tagger.predict_proba([row])[0], expected)
    best = fitted_tagger.classes_[paths[found.argmax()].numpy()].tolist()
    assert fitted_tagger.predict([row]) == [best]


@pytest.mark.parametrize("scheme", ["BIO", "BIOES"])
def test_constrained_tagger_predicts_only_valid_transitions(scheme):
    random = np.random.RandomState(0)
    X = [random.choice(list("abcdef"), size=n).tolist() for n in range(1, 40)]
    kinds = ["B-X", "I-X", "B-Y", "I-Y", "O"]
    noise = [
        convert_to_scheme(random.choice(kinds, size=len(row)), scheme) for row in X
    ]
    model = small_tagger(max_epochs=1, lr=1e-6).fit(X, noise)
    for row in model.predict(X):
        assert convert_to_scheme(row, scheme) == row
    unconstrained = small_tagger(max_epochs=1, lr=1e-6, constrained=False).fit(X, noise)
    assert any(
        convert_to_scheme(row, scheme) != row for row in unconstrained.predict(X)
    )


# -- reproducibility


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_equal_seeds_give_identical_predictions_for_any_n_jobs(sentences, n_jobs):
    X, y = sentences
    expected = small_tagger().fit(X, y).predict_proba(X)
    for model in Parallel(n_jobs=n_jobs)(
        delayed(small_tagger().fit)(X, y) for _ in range(2)
    ):
        assert_same_bits(model.predict_proba(X), expected)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_number_of_threads_does_not_change_predictions(precision):
    random = np.random.RandomState(0)
    X = [random.choice(list("abc"), size=n).tolist() for n in range(80, 112)]
    y = [["x" if token == "a" else "y" for token in row] for row in X]
    one, two, three = (
        small_tagger(n_threads=n, precision=precision).fit(X, y) for n in (1, 2, 3)
    )
    expected = one.predict_proba(X)
    assert_same_bits(two.predict_proba(X), expected)
    assert_same_bits(three.predict_proba(X), expected)


def test_fit_does_not_change_global_random_states(sentences):
    np.random.seed(0)
    before = torch.get_rng_state(), np.random.get_state()[1].tolist()
    small_tagger(random_state=None).fit(*sentences)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.random.get_state()[1].tolist() == before[1]


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))]
)
def test_a_copy_predicts_identically_and_trains_independently(sentences, copied):
    X, y = sentences
    model = small_tagger(warm_start=True).fit(X, y)
    expected = model.predict_proba(X)
    twin = copied(model)
    assert_same_bits(twin.predict_proba(X), expected)
    twin.fit(X, y)
    assert_same_bits(model.predict_proba(X), expected)
    assert not np.array_equal(twin.predict_proba(X)[3], expected[3])


def test_a_pickle_contains_every_weight_once(sentences):
    model = small_tagger(embedding_dim=2000).fit(*sentences)
    size_of_weights = sum(p.nbytes for p in model.module_.parameters())
    assert len(pickle.dumps(model)) < 1.3 * size_of_weights


def test_a_clone_is_not_fitted(fitted_tagger, sentences):
    twin = clone(fitted_tagger)
    assert twin.get_params() == fitted_tagger.get_params()
    with pytest.raises(NotFittedError, match="not fitted yet"):
        twin.predict(sentences[0])


# -- sample weights, validation and warm start


def test_rows_of_zero_weight_equal_absent_rows(sentences):
    X, y = sentences
    weight = np.ones(40)
    weight[30:] = 0
    corrupted = [row if w else row[::-1] for row, w in zip(y, weight, strict=True)]
    corrupted = [convert_to_scheme(row, "BIO") for row in corrupted]
    # both vocabularies contain all rows
    known = small_tagger(warm_start=True, max_epochs=1).fit(X, y)
    twin = copy.deepcopy(known)
    known.fit(X[:30], y[:30])
    twin.fit(X, corrupted, sample_weight=weight)
    assert_same_bits(twin.predict_proba(X), known.predict_proba(X))


def test_a_sample_weight_of_two_equals_a_repeated_row(sentences):
    X, y = sentences
    params = {"dropout": 0.0, "embedding_dropout": 0.0, "word_dropout": 0.0}
    params |= {"batch_size": 99, "optimizer": "sgd", "max_epochs": 3, "embedding": None}
    params |= {"lr_schedule": "constant", "precision": "float32"}
    weight = np.where(np.arange(40) < 20, 2.0, 1.0)
    weighted = small_tagger(**params).fit(X, y, sample_weight=weight)
    repeated = small_tagger(**params).fit([*X, *X[:20]], [*y, *y[:20]])
    assert_close_to_steps(weighted.predict_proba(X), repeated.predict_proba(X))


def assert_close_to_steps(found, expected):
    """Compare models whose losses divide by different numbers of steps."""
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)


@pytest.mark.parametrize("scoring", [None, "loss"])
def test_early_stopping_keeps_the_best_epoch(sentences, scoring):
    params = {"early_stopping": True, "tol": 0.0, "scoring": scoring, "lr": 0.02}
    model = small_tagger(max_epochs=20, **params).fit(*sentences)
    costs = [
        (0.0 if scoring == "loss" else -epoch["valid_f1"], epoch["valid_loss"])
        for epoch in model.history_
    ]
    assert model.best_epoch_ == costs.index(min(costs)) + 1
    assert model.n_iter_ == len(costs)


def test_early_stopping_waits_for_half_of_the_learning_rate(sentences):
    X, y = sentences
    # no epoch counts as an improvement
    params = {"max_epochs": 16, "n_iter_no_change": 2, "tol": 1e9}
    model = small_tagger(**params).fit(X, y, X_val=X, y_val=y)
    rates = [epoch["lr"] for epoch in model.history_]
    assert rates[-4] > model.lr / 2 > rates[-2]
    constant = small_tagger(lr_schedule="constant", **params)
    assert constant.fit(X, y, X_val=X, y_val=y).n_iter_ == 2 + 1


def test_labels_without_spans_are_scored_by_accuracy(sentences):
    X, _ = sentences
    y = [["long" if len(token) > 3 else "short" for token in row] for row in X]
    model = small_tagger(early_stopping=True, max_epochs=4, tol=0.0).fit(X, y)
    pairs = [(-e["valid_accuracy"], e["valid_loss"]) for e in model.history_]
    assert model.best_epoch_ == pairs.index(min(pairs)) + 1


def test_validation_loss_is_computed_on_x_val(sentences):
    X, y = sentences
    model = small_tagger(max_epochs=3, n_iter_no_change=9).fit(
        X[:30], y[:30], X_val=X[30:], y_val=y[30:]
    )
    assert [epoch["epoch"] for epoch in model.history_] == [1, 2, 3]
    assert model.auto_params_["early_stopping"] is True
    without_crf = small_tagger(crf=False, precision="float32", max_epochs=1)
    without_crf.fit(X[:30], y[:30], X_val=X[30:], y_val=y[30:])
    losses = [
        -np.log(p[step, without_crf.classes_.tolist().index(label)])
        for p, row in zip(without_crf.predict_proba(X[30:]), y[30:], strict=True)
        for step, label in enumerate(row)
    ]
    n_steps = np.mean([len(row) for row in X[:30]])
    expected = np.sum(losses) / 10 / n_steps
    found = without_crf.history_[0]["valid_loss"]
    assert found == pytest.approx(expected, rel=1e-4)


def test_warm_start_keeps_the_vocabulary(sentences):
    X, y = sentences
    params = {"max_epochs": 10, "lr": 0.02}
    params |= {"n_character_filters": 0}
    model = small_tagger(warm_start=True, **params)
    previous_loss = model.fit(X, y).history_[-1]["train_loss"]
    model.fit([*X, ["Zoe", "left"]], [*y, ["B-PER", "O"]])
    assert model.history_[0]["train_loss"] < 2 * previous_loss
    assert_same_bits(*(model.predict_proba([[word]]) for word in ("Zoe", "?")))


@pytest.mark.parametrize(
    "other", [{"crf": False}, {"n_character_filters": 3}, {"constrained": False}]
)
def test_warm_start_raises_on_a_changed_architecture(sentences, other):
    model = small_tagger(warm_start=True).fit(*sentences)
    with pytest.raises(ValueError, match="parameters describe another network"):
        model.set_params(**other).fit(*sentences)


def test_warm_start_raises_on_unknown_labels(sentences):
    model = small_tagger(warm_start=True).fit(*sentences)
    with pytest.raises(ValueError, match="labels of classes_.*got 'B-LOC'"):
        model.fit([["Rome"]], [["B-LOC"]])


def test_a_failed_fit_leaves_the_tagger_unchanged(sentences):
    X, y = sentences
    model = small_tagger().fit(X, y)
    expected = model.predict_proba(X)
    with pytest.raises(ValueError, match="row 3 has 1 labels for 3 tokens"):
        model.fit(X, [*y[:3], ["O"], *y[4:]])
    assert_same_bits(model.predict_proba(X), expected)


# -- score


def test_score_is_span_f1_if_labels_mark_spans(sentences):
    X, y = sentences
    model = small_tagger(max_epochs=3, lr=0.02).fit(X, y)
    expected = span_f1_score(y, model.predict(X), zero_division=0.0)
    assert model.score(X, y) == expected


def test_score_weights_spans_by_sample_weight(fitted_tagger):
    X, y = [["Anna", "left"], ["Ben", "left"]], [["B-PER", "O"], ["O", "B-PER"]]
    assert fitted_tagger.predict(X) == [["B-PER", "O"]] * 2
    scores = [fitted_tagger.score(X, y, weight) for weight in ([1, 0], [0, 1], [3, 1])]
    assert scores == [1.0, 0.0, 0.75]


def test_score_is_zero_without_true_and_predicted_spans():
    X, y = [["a", "b"]] * 4, [["O", "O"]] * 4
    assert small_tagger(scheme="BIO").fit(X, y).score(X, y) == 0.0


def test_score_is_token_accuracy_if_labels_mark_no_spans():
    X, y = [["a", "b"], ["a"], []] * 4, [["N", "V"], ["N"], []] * 4
    model = small_tagger(max_epochs=30, lr=0.05).fit(X, y)
    assert model.predict([["a", "b"], ["a"]]) == [["N", "V"], ["N"]]
    assert model.score([["a", "b"], ["a"]], [["N", "N"], ["N"]]) == 2 / 3
    weighted = model.score([["a", "b"], ["a"]], [["N", "N"], ["N"]], [1, 2])
    assert weighted == 3 / 4


@pytest.mark.parametrize(
    ("y", "label", "share"),
    [([["N", "V"]] * 9, "X", 0.5), ([["B-P", "O"]] * 9, "B-Q", 0.0)],
)
def test_score_counts_unseen_labels_as_errors(y, label, share):
    model = small_tagger(max_epochs=30, lr=0.05).fit([["a", "b"]] * 9, y)
    assert model.score([["a", "b"]], [y[0]]) == 1.0
    assert model.score([["a", "b"]], [[label, y[0][1]]]) == share


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, "requires y to be passed"),
        ([["O"]], "inconsistent numbers of samples"),
        ([["O"], ["O"]], "row 0 has 1 labels for 2 tokens"),
        ([["O", "PERSON"], ["O"]], "Got 'PERSON'"),
        (["OO", "O"], "row 0 is 'OO'"),
    ],
)
def test_score_raises_on_invalid_y(fitted_tagger, y, message):
    with pytest.raises(ValueError, match=message):
        fitted_tagger.score([["Anna", "left"], ["Ben"]], y)


@pytest.mark.parametrize("X", [[[]], [["a"]]])
def test_score_raises_if_there_are_no_tokens_or_all_weights_are_zero(X):
    model = small_tagger(max_epochs=1).fit([["a"]], [["N"]])
    with pytest.raises(ValueError, match="positive sample_weight|non-zero"):
        model.score(X, [["N"] * len(row) for row in X], sample_weight=[0.0])


# -- tags


def test_tags_say_that_y_is_required():
    assert get_tags(BiLSTMTagger()).target_tags.required


@pytest.mark.parametrize(
    ("input_type", "reads"), [("auto", True), ("numeric", True), ("tokens", False)]
)
def test_three_d_array_tag_depends_on_input_type(input_type, reads):
    series, y = np.zeros((2, 3, 2)), [["a", "b", "a"]] * 2
    model = small_tagger(input_type=input_type)
    assert get_tags(model).input_tags.three_d_array is reads
    with (
        nullcontext()
        if reads
        else pytest.raises(ValueError, match="got numeric series")
    ):
        model.fit(series, y)


# -- invalid parameters and data


@pytest.mark.parametrize(
    "params",
    [
        {"crf": "yes"},
        {"constrained": None},
        {"lowercase": 1.5},
        {"min_df": 0},
        {"min_df": 0.5},
        {"max_features": 0},
        {"n_character_filters": -1},
        {"character_embedding_dim": 0},
        {"embedding": "glove"},
        {"cell": "transformer"},
        {"dropout": 1.0},
    ],
    ids=str,
)
def test_invalid_parameters_raise(sentences, params):
    with pytest.raises(ValueError, match=f"{next(iter(params))!r} parameter"):
        BiLSTMTagger(**params).fit(*sentences)


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (["Anna met Ben"], [["O"] * 3], "row 0 is 'Anna met Ben'. Split it"),
        ([["Anna"], ["Ben"]], [["O"]], "inconsistent numbers of samples"),
        ([["Anna"], ["Ben"]], [["O"], ["O", "O"]], "row 1 has 2 labels for 1 tokens"),
        ([["Anna"], ["Ben"]], ["O", "O"], "row 0 is 'O'"),
        ([["Anna"], ["Ben"]], None, "requires y to be passed"),
        ([["Anna", 3]], [["O", "O"]], "strings: row 0 holds 3"),
        ([[], []], [[], []], "all rows are empty"),
        ([], [], "X must hold at least one row"),
    ],
)
def test_invalid_x_or_y_raises(X, y, message):
    with pytest.raises(ValueError, match=message):
        small_tagger().fit(X, y)


@pytest.mark.parametrize("given", ["X_val", "y_val"])
def test_x_val_and_y_val_must_be_passed_together(sentences, given):
    with pytest.raises(ValueError, match="X_val and y_val must be passed together"):
        small_tagger().fit(*sentences, **{given: sentences[0]})


@pytest.mark.parametrize("method", ["predict", "predict_proba"])
def test_prediction_raises_before_fit(method):
    with pytest.raises(NotFittedError, match="not fitted yet"):
        getattr(small_tagger(), method)([["a"]])


def test_masked_ids_and_labels_raise():
    y = [["a", "b"], ["b", "a"]]
    first = np.ma.masked_array([5, 6], [True, False])
    with pytest.raises(ValueError, match="NaN in row 0|without gaps: row 0"):
        small_tagger().fit([first, [7, 8]], y)


def test_masked_labels_are_missing():
    first = np.ma.masked_array([5, 6], [True, False])
    tagger = small_tagger().fit([[5, 6], [7, 8]], [first, [1, 0]])
    assert tagger.classes_.tolist() == [0, 1, 6]


def test_labels_of_minus_one_warn():
    y = [[0, -1, 3], [1]]
    with pytest.warns(UserWarning, match="label -1, .*None instead"):
        small_tagger().fit([["a", "b", "c"], ["b"]], y)


def test_dense_integers_warn_but_lists_of_ids_do_not():
    X, y = np.array([[5, 6], [7, 8]]), [["a", "b"], ["b", "a"]]
    with pytest.warns(UserWarning, match="BiLSTMTagger reads as token ids"):
        expected = small_tagger().fit(X, y).predict_proba(X)
    assert np.array_equal(small_tagger().fit(X.tolist(), y).predict_proba(X), expected)


def test_predictions_become_arrays_of_rows(fitted_tagger):
    X = [["Anna"], ["Ben", "left"], []]
    rows = np.asarray(fitted_tagger.predict(X))
    assert [len(row) for row in rows] == [1, 2, 0]
    assert np.asarray(fitted_tagger.predict(X[:1] * 2)).shape == (2,)
    n_classes = len(fitted_tagger.classes_)
    of_tokens = np.concatenate(fitted_tagger.predict_proba(X))
    assert of_tokens.shape == (3, n_classes)


def test_labels_are_permuted_among_sentences_of_equal_length(sentences):
    X, y = sentences
    score, permuted, _ = permutation_test_score(
        small_tagger(max_epochs=1),
        X,
        y,
        groups=[len(row) for row in X],
        cv=list(KFold(2).split(X)),
        n_permutations=2,
    )
    assert np.isfinite([score, *permuted]).all()


FORK_AFTER_A_PREDICTION = """
import os, sys
import torch
from sklearn_bilstm import BiLSTMTagger

torch.set_num_threads(2)
X = [[f"word{i}", "and", f"{i}", "."] * 10 for i in range(60)]
y = [["NOUN", "CONJ", "NUM", "PUNCT"] * 10] * 60
tagger = BiLSTMTagger(hidden_layer_sizes=2, max_epochs=1, random_state=0).fit(X, y)
expected = tagger.predict(X)
child = os.fork()
if child == 0:
    os._exit(tagger.predict(X) != expected)
_, status = os.waitpid(child, 0)
sys.exit(os.waitstatus_to_exitcode(status))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="requires fork")
def test_a_process_that_is_forked_after_a_prediction_predicts_too():
    # OpenMP threads of the first process would not exist in the second, which waits
    # for them
    command = [sys.executable, "-c", FORK_AFTER_A_PREDICTION]
    subprocess.run(command, check=True, timeout=120)
