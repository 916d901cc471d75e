import numpy as np
import pytest

from sklearn_bilstm.compression._predictions import Predictions
from sklearn_bilstm.compression._weights import with_tokens
from tests.helpers import small_classifier, small_regressor, small_tagger

RANDOM = np.random.RandomState(0)
X = RANDOM.randint(2, 20, (60, 6)).astype(np.int32)
SUMS = X.sum(1)
SERIES = [*RANDOM.standard_normal((40, 5, 2))]
SENTENCES = [
    [["the", "The", "cat", "Cat", "dog"][i] for i in RANDOM.randint(5, size=n % 5)]
    for n in range(40)
]
TAGS = [["A" if word[0].isupper() else "B" for word in row] for row in SENTENCES]


def fitted_twice(estimator, X, y):
    """Return estimators that were fitted with other random states."""
    params = estimator.get_params()
    return [
        type(estimator)(**{**params, "random_state": seed}).fit(X, y) for seed in (0, 1)
    ]


def change(first, second, X):
    rows = first.model_.read(X)
    return Predictions(first.model_, rows).change(second.model_)


@pytest.mark.parametrize(
    "y",
    [
        np.where(SUMS > 60, "high", "low"),
        SUMS % 5,
        np.stack([SUMS % 2, SUMS > 60], 1).astype(int),
        np.stack([SUMS % 2 > 0, SUMS > 60], 1).astype(str),
    ],
    ids=["two classes", "five classes", "labels", "tasks"],
)
def test_change_of_classifiers_is_the_proportion_of_rows_with_another_label(y):
    first, second = fitted_twice(small_classifier(input_type="tokens"), X, y)
    before, after = (model.predict(X).reshape(60, -1) for model in (first, second))
    n_changed = sum(list(a) != list(b) for a, b in zip(before, after, strict=True))
    assert change(first, second, X) == pytest.approx(n_changed / 60)
    assert n_changed
    assert change(first, first, X) == 0


def test_change_of_taggers_is_the_proportion_of_tokens_with_another_label():
    first, second = fitted_twice(small_tagger(), SENTENCES, TAGS)
    pairs = zip(first.predict(SENTENCES), second.predict(SENTENCES), strict=True)
    changed = [a != b for pair in pairs for a, b in zip(*pair, strict=True)]
    assert change(first, second, SENTENCES) == pytest.approx(np.mean(changed))
    assert any(changed)


def test_change_of_regressors_is_relative_to_the_variance():
    first, second = fitted_twice(small_regressor(input_type="tokens"), X, SUMS)
    before, after = first.predict(X), second.predict(X)
    expected = np.square(after - before).mean() / before.var()
    assert change(first, second, X) == pytest.approx(min(1, expected))


def test_change_of_predictions_for_steps_is_relative_to_the_variance():
    y = [row[:, 0].cumsum() for row in SERIES]
    model = small_regressor(output_type="steps", max_epochs=30, lr=0.03)
    first, second = fitted_twice(model, SERIES, y)
    before, after = (np.concatenate(m.predict(SERIES)) for m in (first, second))
    expected = np.square(after - before).mean() / before.var()
    assert 0 < expected < 1
    assert change(first, second, SERIES) == pytest.approx(expected)


def test_constant_predictions_change_completely_or_not_at_all():
    constant = small_regressor(input_type="tokens").fit(X, np.ones(60))
    other = small_regressor(input_type="tokens").fit(X, SUMS)
    assert change(constant, constant, X) == 0
    assert change(constant, other, X) == 1


@pytest.mark.parametrize(
    ("tolerance", "n_rows"), [(0.05, 20), (0.3, 4), (0.999, 2), (0.5, 2)]
)
def test_a_single_changed_row_must_be_within_the_tolerance(tolerance, n_rows):
    model = small_classifier(input_type="tokens").fit(X, SUMS % 2).model_
    Predictions(model, model.read(X[:n_rows])).check_number(tolerance)
    too_few = Predictions(model, model.read(X[: n_rows - 1]))
    with pytest.raises(ValueError, match=f"at least {n_rows} rows .* got {n_rows - 1}"):
        too_few.check_number(tolerance)


@pytest.mark.parametrize("n_sentences", [2, 5])
def test_rows_of_taggers_are_counted_in_tokens(n_sentences):
    model = small_tagger().fit(SENTENCES, TAGS).model_
    few = [["the"] * (i % 2) for i in range(n_sentences)]
    predictions = Predictions(model, model.read(few))
    with pytest.raises(ValueError, match=f"10 tokens .* got {n_sentences // 2}"):
        predictions.check_number(0.1)


@pytest.mark.parametrize("n_tokens", [3, 4, 5, 6])
def test_rows_are_read_as_by_the_reader_of_the_other_model(n_tokens):
    # a removed "The" is read as "the"
    tagger = small_tagger(lowercase=False, max_epochs=5).fit(SENTENCES, TAGS)
    smaller = with_tokens(tagger.model_, n_tokens)
    rows = tagger.model_.read(SENTENCES)
    found = Predictions(tagger.model_, rows).change(smaller)
    before = np.concatenate(tagger.model_.net.labels(rows))
    after = np.concatenate(smaller.net.labels(smaller.read(SENTENCES)))
    assert found == pytest.approx((before != after).mean())
