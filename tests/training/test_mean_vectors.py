import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from sklearn_bilstm.sequences import ragged_from_ids
from sklearn_bilstm.training import MeanVectorModel, TokenVectors, _mean_vectors
from tests.helpers import ragged

N_IDS, WIDTH = 20, 5


@pytest.fixture(scope="module")
def rows():
    """60 rows of 3 to 9 tokens, with repetitions; the last row is empty."""
    random = np.random.RandomState(0)
    lengths = random.randint(3, 10, size=59)
    return [random.randint(1, N_IDS, size=n).tolist() for n in lengths] + [[]]


@pytest.fixture(scope="module")
def values():
    return 3 + np.random.RandomState(1).normal(size=(N_IDS, WIDTH))


def fitted_features(rows, values):
    """A model with standardised features, and the features of rows."""
    model = MeanVectorModel(3)
    sequences = ragged(rows)
    return model, model.fit_features(TokenVectors(values, sequences), sequences)


def fitted(rows, values, target, C=0.1, weight=None):
    """A fitted model with its features, and the result of scikit-learn for them."""
    multilabel = target.ndim == 2
    n_classes = target.shape[1] if multilabel else target.max() + 1
    model = MeanVectorModel(n_classes, multilabel=multilabel)
    sequences = ragged(rows)
    features = model.fit_features(TokenVectors(values, sequences), sequences)
    weight = np.ones(len(rows)) if weight is None else weight
    return model.fit(features, target, weight, C), features


def targets(rows):
    """Targets of every kind, which depend on tokens."""
    sums = np.array([sum(row) for row in rows])
    labels = [[2 in row, max(row, default=0) > 17, len(row) > 6] for row in rows]
    return {
        "two classes": sums % 2,
        "three classes": sums % 3,
        "many classes": sums % 7,
        "labels": np.array(labels).astype(int),
    }


KINDS = ["two classes", "three classes", "many classes", "labels"]


def brute_force_mean(row, rows, values):
    """IDF-weighted mean of the vectors of known tokens."""
    total, weights = np.zeros(values.shape[1]), 0.0
    for token in row:
        if 2 <= token < len(values) and values[token].any():
            n_rows = sum(token in other for other in rows)
            idf = np.log((1 + len(rows)) / (1 + n_rows)) + 1
            total, weights = total + idf * values[token], weights + idf
    return total / weights if weights else None


def test_features_are_standardised_idf_weighted_means(rows, values):
    means = [brute_force_mean(row, rows, values) for row in rows]
    known = np.array([mean for mean in means if mean is not None])
    assert len(known) == 59
    # a row without a known token has the mean zero, before and after standardisation
    center, scale = (
        found(np.vstack([known, np.zeros(WIDTH)]), axis=0)
        for found in (np.mean, np.std)
    )
    _, features = fitted_features(rows, values)
    np.testing.assert_allclose(features[:-1], (known - center) / scale, rtol=1e-4)
    assert (features[-1] == 0).all()


def test_features_of_training_rows_have_mean_zero_and_unit_variance(rows, values):
    _, features = fitted_features(rows[:-1], values)
    np.testing.assert_allclose(features.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(features.std(0), 1, rtol=1e-5)


def test_idf_is_that_of_all_rows_with_and_without_labels(rows, values):
    model = MeanVectorModel(2)
    model.fit_features(TokenVectors(values, ragged(rows)), ragged(rows[:5]))
    other, _ = fitted_features(rows, values)
    assert np.array_equal(model.weights, other.weights)


@pytest.mark.parametrize("constant", [0.0, 1.0, 3.3, 1e6])
def test_a_constant_component_has_the_feature_zero(rows, values, constant):
    values = values.copy()
    values[:, 1] = constant
    _, features = fitted_features(rows[:-1], values)
    np.testing.assert_allclose(features[:, 1], 0, atol=1e-6)


@pytest.mark.parametrize("other", [0, 1, 10, N_IDS, 2**31 - 1])
def test_other_ids_and_tokens_with_a_zero_vector_have_no_weight(rows, values, other):
    values = values.copy()
    values[10] = 0
    model, _ = fitted_features(rows, values)
    found = model.features(ragged([[3, other, 4, other], [3, 4]]))
    np.testing.assert_allclose(found[0], found[1])


def test_features_do_not_depend_on_the_other_rows_or_the_order_of_tokens(rows, values):
    model, features = fitted_features(rows, values)
    found = model.features(ragged([rows[3][::-1], [], rows[0]]))
    np.testing.assert_allclose(found, features[[3, -1, 0]])


def reference_logits(features, target, weight, C):
    """Logits of scikit-learn, centred for exclusive classes."""
    linear = LogisticRegression(C=C, tol=1e-8, max_iter=10_000)
    if target.ndim == 2:
        odds = [
            linear.fit(features, label, weight).decision_function(features)
            for label in target.T
        ]
        return np.array(odds).T
    logits = linear.fit(features, target, weight).predict_log_proba(features)
    return logits - logits.mean(1, keepdims=True)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("C", [0.03, 1.0])
def test_logits_equal_logistic_regression_on_the_features(rows, values, kind, C):
    target, weight = targets(rows)[kind], np.linspace(0.5, 2, len(rows))
    model, features = fitted(rows, values, target, C, weight)
    expected = reference_logits(features, target, weight, C)
    np.testing.assert_allclose(model.logits(ragged(rows)), expected, atol=0.01)


@pytest.mark.parametrize("kind", KINDS)
def test_the_table_has_no_more_components_than_classes(rows, values, kind):
    target = targets(rows)[kind]
    model, _ = fitted(rows, values, target)
    n_classes = target.shape[1] if target.ndim == 2 else len(np.unique(target))
    assert model.table.shape == (N_IDS, min(n_classes, WIDTH))


def test_the_reduced_table_gives_the_logits_of_the_regressions(rows, values):
    target, weight = targets(rows)["three classes"], np.ones(len(rows))
    model, features = fitted(rows, values, target)
    whole = MeanVectorModel.fitted_regressions(features, target, weight, C=0.1)
    assert whole.coefficients.shape == (WIDTH, 3)
    np.testing.assert_allclose(
        model.logits(ragged(rows)), whole.logits(features), atol=1e-5
    )


@pytest.mark.parametrize("kind", KINDS)
def test_contributions_sum_to_the_logits_above_an_empty_row(rows, values, kind):
    model, _ = fitted(rows, values, targets(rows)[kind])
    logits, empty = model.logits(ragged(rows)), model.logits(ragged([[]]))
    contributions = model.contributions(ragged(rows))
    total = [part.sum(0) for part in np.split(contributions, ragged(rows).offsets[1:])]
    np.testing.assert_allclose(total[:-1], logits - empty, atol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_without_known_tokens_have_the_logits_of_the_intercepts(
    rows, values, kind
):
    model, _ = fitted(rows, values, targets(rows)[kind])
    intercepts = model.regressions.intercepts
    if kind != "labels":
        intercepts = intercepts - intercepts.mean()
    found = model.logits(ragged([[], [1, 1], [N_IDS]]))
    np.testing.assert_allclose(found, np.tile(intercepts, (3, 1)))


def test_a_class_without_rows_has_the_lowest_logit_and_its_contributions(rows, values):
    model, _ = fitted(rows, values, targets(rows)["two classes"] * 2)  # none of class 1
    logits = model.logits(ragged(rows))
    assert logits.shape == (60, 3)
    assert (logits[:, 1] == logits.min(1)).all()
    lowest = logits[:, [0, 2]].argmin(1) * 2
    assert 0 < lowest.sum() < 120
    contributions = model.contributions(ragged(rows))
    steps = np.arange(len(contributions))
    expected = contributions[steps, lowest[ragged(rows).row_of_steps]]
    assert np.array_equal(contributions[:, 1], expected)


def test_constant_labels_have_the_logit_of_their_odds(rows, values):
    target = targets(rows)["labels"]
    target[:, 0], target[:, 2] = 1, 0
    model, _ = fitted(rows, values, target)
    logits = model.logits(ragged(rows))
    np.testing.assert_allclose(logits[:, 0], np.log(61))  # one more row of either class
    np.testing.assert_allclose(logits[:, 2], -np.log(61))


def test_logits_and_contributions_are_zero_if_all_rows_belong_to_one_class(
    rows, values
):
    model, _ = fitted(rows, values, np.ones(60, int))
    assert model.regressions is None
    assert (model.logits(ragged(rows)) == np.zeros((60, 2))).all()
    assert (model.contributions(ragged(rows[:2])) == 0).all()


@pytest.mark.parametrize("kind", [*KINDS, "one class"])
def test_a_restored_model_gives_equal_logits(rows, values, kind):
    target = {**targets(rows), "one class": np.zeros(60, int)}[kind]
    model, _ = fitted(rows, values, target)
    found = MeanVectorModel.from_state(model.state())
    assert np.array_equal(found.logits(ragged(rows)), model.logits(ragged(rows)))
    assert np.array_equal(
        found.contributions(ragged(rows)), model.contributions(ragged(rows))
    )


def changed(state, place, value):
    """A state of a fitted model with one changed value."""
    *owners, name = place.split(".")
    owner = state = {**state, "regressions": {**state["regressions"]}}
    for part in owners:
        owner = owner[part]
    owner[name] = value(owner[name]) if callable(value) else value
    return state


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("n_classes", 0),
        ("n_classes", 2),
        ("n_classes", 3.0),
        ("multilabel", True),
        ("weights", None),
        ("weights", lambda a: -a),
        ("weights", lambda a: a + 1),  # also of padding
        ("weights", lambda a: a * np.float32(np.nan)),
        ("weights", lambda a: a * np.float32(1e20)),
        ("weights", lambda a: a.astype(int)),
        ("weights", lambda a: a[:1]),
        ("weights", lambda a: a[:-1]),
        ("weights", lambda a: a[:, np.newaxis]),
        ("table", None),
        ("table", lambda a: a[:-1]),
        ("table", lambda a: a[:, :-1]),
        ("table", lambda a: a[:, 0]),
        ("table", lambda a: a.astype(int)),
        ("table", lambda a: a.astype(complex)),
        ("table", lambda a: a * np.float32(1e20)),
        ("regressions.classes", lambda a: a + 1),
        ("regressions.coefficients", lambda a: a[:-1]),
        ("regressions.coefficients", lambda a: a[:, :-1]),
        ("regressions.coefficients", lambda a: a * 1e300),
        ("regressions.coefficients", sparse.csr_array),
        ("regressions.intercepts", lambda a: a * np.inf),
        ("regressions.exclusive", False),
    ],
)
def test_an_invalid_state_is_refused(rows, values, place, value):
    model, _ = fitted(rows, values, targets(rows)["three classes"])
    state = changed(model.state(), place, value)
    with pytest.raises(ValueError, match="must"):
        MeanVectorModel.from_state(state)


@pytest.mark.parametrize("value", [{}, [1], lambda known: {**known, "more": 3}])
def test_other_regressions_are_refused(rows, values, value):
    model, _ = fitted(rows, values, targets(rows)["three classes"])
    with pytest.raises(TypeError, match="Regressions"):
        MeanVectorModel.from_state(changed(model.state(), "regressions", value))


@pytest.mark.parametrize("name", ["n_classes", "weights", "table", "regressions"])
def test_a_state_without_a_value_is_refused(rows, values, name):
    model, _ = fitted(rows, values, targets(rows)["three classes"])
    state = model.state()
    del state[name]
    with pytest.raises(LookupError, match=name):
        MeanVectorModel.from_state(state)


def test_vectors_of_tokens_outside_of_training_rows_are_bounded():
    random = np.random.RandomState(0)
    values = random.normal(size=(40, 3)).astype(np.float32)
    values[20:, 0] *= 1e20  # training rows hold the tokens 2 to 19
    values[:20, 1] = 1e-6 * random.normal(size=20)
    rows = ragged_from_ids(random.randint(2, 20, (50, 4)))
    model = MeanVectorModel(2)
    features = model.fit_features(TokenVectors(values, rows), rows)
    assert np.isfinite(features).all()
    assert np.abs(model.table).max() <= 100


def test_two_rows_per_class_do_not_warn():
    target = np.arange(80) % 40
    features = np.eye(40)[target]
    found = MeanVectorModel.fitted_regressions(features, target, np.ones(80), 1.0)
    assert (found.logits(features).argmax(1) == target).all()


@pytest.mark.parametrize("n_columns", [0, 1, 3, 17, 100])
def test_deviations_of_blocks_have_the_bits_of_those_of_all_columns(n_columns):
    means = np.random.RandomState(0).randn(500, n_columns)
    assert np.array_equal(_mean_vectors._deviations(means), means.std(0))


def test_removed_tokens_have_no_vector(rows, values):
    model, features = fitted_features(rows, values)
    kept = [[token for token in row if token < 9] for row in rows]
    smaller = model.of_tokens(9)
    assert len(smaller.table) == len(smaller.weights) == 9
    np.testing.assert_array_equal(
        smaller.features(ragged(rows)), model.features(ragged(kept))
    )
    np.testing.assert_array_equal(model.features(ragged(rows)), features)
