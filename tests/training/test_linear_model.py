import numpy as np
import pytest
from scipy.special import expit, softmax
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from sklearn_bilstm.sequences import ragged_from_ids
from sklearn_bilstm.training import LinearModel, TokenVectors
from sklearn_bilstm.training._one_vs_rest import _C
from tests.helpers import ragged


@pytest.fixture(scope="module")
def rows():
    random = np.random.RandomState(0)
    return [
        random.randint(2, 30, size=random.randint(3, 12)).tolist() for _ in range(90)
    ]


def texts(rows):
    return [" ".join(map(str, row)) for row in rows]


def naive_bayes_importance(X, inside, weight):
    """Naive Bayes importance of each column, by brute force."""
    p, q = np.ones(X.shape[1]), np.ones(X.shape[1])
    for row, is_inside, w in zip(X.toarray(), inside, weight, strict=True):
        (p if is_inside else q)[row > 0] += w
    return 0.5 + np.abs(np.log((p / p.sum()) / (q / q.sum())))


def read_columns(X, inside, weight):
    """N-grams that the regression of a class uses.

    They are those of its rows, and those with an expected weight of at least 0.3 in its
    rows under independence.
    """
    share = weight[inside].sum() / weight.sum()
    has = X.toarray() > 0
    return has[inside].any(0) | (share * (weight @ has) >= 0.3)


def reference_logits(rows, target, weight, other):
    """Log odds of each class against the others."""
    tfidf = TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"\S+", sublinear_tf=True)
    X, X_other = tfidf.fit_transform(texts(rows)), tfidf.transform(texts(other))
    odds = []
    for k in np.unique(target):
        importance = naive_bayes_importance(X, target == k, weight)
        if target.max() > 1:
            importance = importance * read_columns(X, target == k, weight)
        linear = LogisticRegression(C=_C, tol=1e-6, max_iter=10_000)
        linear.fit(X.multiply(importance).tocsr(), target == k, weight)
        odds.append(linear.decision_function(X_other.multiply(importance).tocsr()))
    return np.array(odds).T


@pytest.mark.parametrize("n_classes", [2, 3])
def test_linear_model_equals_logistic_regression_on_weighted_tfidf(rows, n_classes):
    target = np.array([max(row) for row in rows]) % n_classes
    weight = np.random.RandomState(1).uniform(0.5, 2, len(rows))
    linear_model = LinearModel((1, 2), n_classes).fit(
        ragged(rows), target, weight, seed=0
    )
    other = [row[::-1] for row in rows]
    logits = linear_model.logits(ragged(other))
    expected = reference_logits(rows, target, weight, other)
    if n_classes == 2:
        np.testing.assert_allclose(
            logits[:, 1] - logits[:, 0], expected[:, 1], atol=0.2
        )
    else:
        expected -= expected.mean(1, keepdims=True)
        np.testing.assert_allclose(logits, expected, atol=0.2)
    np.testing.assert_allclose(logits.sum(1), 0, atol=1e-9)


def test_size_is_the_rms_of_out_of_sample_logits():
    random = np.random.RandomState(0)
    X = random.randint(2, 60, size=(1200, 8))
    target = (X < 20).sum(1) + random.randint(0, 3, size=1200) > 3
    train, fresh = (ragged_from_ids(part) for part in np.split(X, 2))
    linear_model = LinearModel((1, 2), 2).fit(
        train, target[:600] * 1, np.ones(600), seed=0
    )

    def size(rows):
        return np.sqrt(np.mean(linear_model.logits(rows) ** 2))

    np.testing.assert_allclose(linear_model.size_, size(fresh), rtol=0.15)
    assert size(train) > 1.5 * linear_model.size_


def noisy(n_labels):
    """Rows with 20 % label noise, in two halves."""
    random = np.random.RandomState(0)
    X = random.randint(2, 20, size=(4000, 8))
    truth = np.stack([(X % (2 + k) == 0).sum(1) > 2 for k in range(n_labels)], axis=1)
    target = (truth ^ (random.rand(*truth.shape) < 0.2)).astype(int)
    halves = np.split(X, 2), np.split(target, 2)
    return zip(map(ragged_from_ids, halves[0]), halves[1], strict=True)


@pytest.mark.parametrize("n_labels", [1, 3])
def test_temperature_calibrates_out_of_sample_logits(
    n_labels,
):
    (train, target), (fresh, fresh_target) = noisy(n_labels)
    if n_labels == 1:
        linear_model = LinearModel((1, 2), 2).fit(
            train, target[:, 0], np.ones(2000), seed=0
        )
        odds = np.diff(linear_model.logits(fresh))
    else:
        linear_model = LinearModel((1, 2), n_labels, multilabel=True)
        odds = linear_model.fit(train, target, np.ones(2000), seed=0).logits(fresh)

    def loss(temperature):
        return log_loss(fresh_target.ravel(), expit(odds / temperature).ravel())

    best = min(np.geomspace(0.2, 5, 100), key=loss)
    np.testing.assert_allclose(linear_model.temperature_, best, rtol=0.15)
    assert loss(linear_model.temperature_) < loss(1) - 0.02


def test_temperature_stays_moderate_for_few_separable_rows():
    def temperature(n_rows):
        rows, target = [[2], [3]] * n_rows, np.arange(2 * n_rows) % 2
        linear_model = LinearModel((1, 1), 2).fit(
            ragged(rows), target, np.ones(2 * n_rows), 0
        )
        return linear_model.temperature_

    assert temperature(5) > temperature(20) > 1 / 3


def test_temperature_depends_on_sample_weight():
    (train, target), _ = noisy(1)
    target = target[:, 0]
    is_right = target == ((train.values % 2 == 0).reshape(-1, 8).sum(1) > 2)
    temperatures = [
        LinearModel((1, 2), 2).fit(train, target, weight, seed=0).temperature_
        for weight in (np.ones(2000), np.where(is_right, 1.5, 0.1))
    ]
    assert temperatures[1] < 0.8 * temperatures[0]


def test_an_id_unseen_in_fit_is_unknown(rows):
    linear_model = LinearModel((1, 2), 2).fit(
        ragged(rows), np.arange(90) % 2, np.ones(90), seed=0
    )
    unseen, unknown = ragged([[2, 1000, 3]]), ragged([[2, 1, 3]])
    assert np.array_equal(linear_model.logits(unseen), linear_model.logits(unknown))


@pytest.mark.parametrize(
    ("rows", "target"),
    [([[2], [3]], [0, 0]), ([[], [], []], [0, 1, 1]), ([[2]], [0])],
    ids=["one class", "no tokens", "one row"],
)
def test_logits_are_zero_without_information(rows, target):
    linear_model = LinearModel((1, 2), 2)
    linear_model.fit(ragged(rows), np.array(target), np.ones(len(rows)), seed=0)
    assert linear_model.size_ == 0
    assert (linear_model.logits(ragged([[2, 3], []])) == 0).all()


@pytest.mark.parametrize("n_rows", [600, 1500])
def test_an_uninformative_linear_model_has_size_zero(n_rows):
    random = np.random.RandomState(0)
    X, rows = random.randint(4, 30, size=(n_rows, 12)), np.arange(n_rows)
    target = random.randint(2, size=n_rows)  # whether 2 precedes 3, with a gap
    X[rows, random.randint(5, size=n_rows)] = 3 - target
    X[rows, random.randint(7, 12, size=n_rows)] = 2 + target
    train = ragged_from_ids(X)
    linear_model = LinearModel((1, 2), 2).fit(train, target, np.ones(n_rows), seed=0)
    assert linear_model.size_ == 0
    assert (linear_model.logits(train) == 0).all()


def test_a_class_without_rows_has_the_lowest_logit(rows):
    target = np.array([max(row) for row in rows]) % 2 * 2  # none of class 1
    linear_model = LinearModel((1, 2), 3).fit(
        ragged(rows), target, np.ones(len(rows)), seed=0
    )
    logits = linear_model.logits(ragged(rows))
    assert (logits[:, 1] == logits.min(1)).all()


def labels_of(rows):
    """Three labels that depend on tokens and may co-occur."""
    return np.array([[2 in row, max(row) > 25, min(row) < 5] for row in rows]) * 1


def test_multilabel_logits_equal_binary_logits_of_each_label(rows):
    target, weight = labels_of(rows), np.random.RandomState(1).uniform(0.5, 2, 90)
    linear_model = LinearModel((1, 2), 3, multilabel=True)
    linear_model.fit(ragged(rows), target, weight, seed=0)
    other = ragged([row[::-1] for row in rows])
    for k in range(3):
        binary = LinearModel((1, 2), 2).fit(ragged(rows), target[:, k], weight, seed=0)
        expected = np.diff(binary.logits(other))[:, 0]
        # the n-grams that only the binary model uses have little influence
        np.testing.assert_allclose(linear_model.logits(other)[:, k], expected, atol=0.2)


def test_constant_labels_have_the_logit_of_their_odds(rows):
    target = labels_of(rows)
    target[:, 0], target[:, 2] = 1, 0
    linear_model = LinearModel((1, 2), 3, multilabel=True)
    logits = linear_model.fit(ragged(rows), target, np.ones(90), seed=0).logits(
        ragged(rows)
    )
    np.testing.assert_allclose(
        logits[:, 0], np.log(91)
    )  # one additional row of either class
    np.testing.assert_allclose(logits[:, 2], -np.log(91))


def test_linear_model_uses_static_features():
    random = np.random.RandomState(0)
    rows = [random.randint(2, 9, size=4).tolist() for _ in range(200)]
    static = random.randn(200, 2)
    target = (static[:, 1] > 0).astype(int)
    linear_model = LinearModel((1, 1), 2).fit(
        ragged(rows[:100]), target[:100], np.ones(100), 0, static=static[:100]
    )
    logits = linear_model.logits(ragged(rows[100:]), static[100:])
    assert (logits.argmax(1) == target[100:]).mean() > 0.9


def test_repr_shows_the_number_of_ngrams():
    linear_model = LinearModel((1, 2), n_classes=2)
    assert repr(linear_model) == "LinearModel(0)"
    linear_model.fit(ragged([[2, 3], [3, 4]]), np.array([0, 1]), np.ones(2), seed=0)
    assert repr(linear_model) == "LinearModel(5)"  # 2, 3, 4, 2 3, 3 4


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("n_static", [0, 2])
def test_contributions_sum_to_the_logits_above_an_empty_row(rows, n_classes, n_static):
    target = np.array([max(row) for row in rows]) % n_classes
    static = np.random.RandomState(0).normal(size=(len(rows), n_static))
    static = static if n_static else None
    linear_model = LinearModel((1, 2), n_classes)
    linear_model.fit(ragged(rows), target, np.ones(len(rows)), seed=0, static=static)
    step_contributions = linear_model.contributions(ragged(rows), static).sum(1)
    row_contributions = np.add.reduceat(step_contributions, ragged(rows).offsets[:-1])
    without = linear_model.logits(ragged([[]] * len(rows)), static)
    np.testing.assert_allclose(
        row_contributions,
        linear_model.logits(ragged(rows), static) - without,
        atol=1e-9,
    )


def test_static_contributions_sum_to_the_difference_from_zero_features(rows):
    target = np.array([max(row) for row in rows]) % 3
    static = np.random.RandomState(0).normal(size=(len(rows), 2))
    linear_model = LinearModel((1, 2), 3)
    linear_model.fit(ragged(rows), target, np.ones(len(rows)), seed=0, static=static)
    contributions = linear_model.static_contributions(ragged(rows), static)  # (n, 2, K)
    logits = linear_model.logits(ragged(rows), static)
    for feature in range(2):
        changed = static.copy()
        changed[:, feature] = 0
        without = linear_model.logits(ragged(rows), changed)
        np.testing.assert_allclose(
            contributions[:, feature], logits - without, atol=1e-9
        )


def test_a_class_without_rows_has_the_contributions_of_the_least_likely(rows):
    target = np.array([max(row) % 3 for row in rows])
    linear_model = LinearModel((1, 2), 4).fit(
        ragged(rows), target, np.ones(len(rows)), seed=0
    )
    least = linear_model.logits(ragged(rows[:1]))[0, :3].argmin()
    contributions = linear_model.contributions(ragged(rows[:1]))
    np.testing.assert_array_equal(contributions[..., 3], contributions[..., least])


def test_multilabel_contributions_sum_to_the_logits(rows):
    target = np.array([[max(row) % 2, 1] for row in rows])
    linear_model = LinearModel((1, 2), 2, multilabel=True)
    linear_model.fit(ragged(rows), target, np.ones(len(rows)), seed=0)
    total = linear_model.contributions(ragged(rows[:1])).sum((0, 1))
    logits, without = linear_model.logits(ragged([rows[0], []]))
    np.testing.assert_allclose(total, logits - without, atol=1e-9)


def test_size_is_the_rms_of_out_of_fold_logits(rows):
    target = np.arange(len(rows)) % 3
    arguments = ragged(rows), target, np.ones(len(rows))
    found, logits = LinearModel((1, 2), 3).out_of_fold_logits(*arguments, seed=0)
    assert sorted(found) == list(range(len(rows)))
    model = LinearModel((1, 2), 3).fit(*arguments, seed=0)
    # 90 random rows are too few to reject them
    np.testing.assert_allclose(np.sqrt(np.mean(logits**2)), model.size_)


class TestPseudoLabels:
    def fitted(self, labels_of_folds, n_labelled=300):
        """Token 2 means class 0 and 3 class 1, but for 25 % of labelled rows."""
        random = np.random.RandomState(0)
        target = np.concatenate([random.randint(0, 2, n_labelled), np.arange(300) % 2])
        separable = 2 + np.arange(300) % 2
        is_wrong = random.rand(n_labelled) < 0.25
        first = np.concatenate([2 + (target[:n_labelled] ^ is_wrong), separable])
        rows = [[a, b] for a, b in zip(first, random.randint(4, 9, 600), strict=True)]
        return LinearModel((1, 1), 2).fit(
            ragged(rows), target, np.ones(600), 0, pseudo_labels=labels_of_folds
        )

    def test_temperature_is_that_of_labelled_rows(self):
        # without labels of folds, half of the held-out rows are predictable
        pseudo_labels = np.tile(np.arange(300) % 2, (5, 1))
        temperature = self.fitted(pseudo_labels).temperature_
        assert temperature > 1.4 * self.fitted(None).temperature_


class TestMeanVectors:
    """Rows of tokens of one topic, of which each has a vector near its topic's."""

    def topics(self, n_rows, n_topics=2, n_tokens=500):
        random = np.random.RandomState(0)
        topic_of_tokens = np.arange(n_tokens) % n_topics
        target = np.arange(n_rows) % n_topics
        X = n_topics * random.randint(1, n_tokens // n_topics, (n_rows, 4))
        X += target[:, np.newaxis]
        X[:, 0] = random.randint(2, n_tokens, n_rows)
        centers = random.normal(size=(n_topics, 6))
        values = centers[topic_of_tokens] + random.normal(size=(n_tokens, 6))
        return X, target, values

    def fitted(self, X, target, values, n_train, **params):
        train, rows = ragged_from_ids(X[:n_train]), ragged_from_ids(X)
        multilabel = target.ndim == 2
        n_classes = target.shape[1] if multilabel else target.max() + 1
        model = LinearModel((1, 2), n_classes, multilabel=multilabel)
        vectors = None if values is None else TokenVectors(values, rows)
        return model.fit(
            train, target[:n_train], np.ones(n_train), 0, vectors=vectors, **params
        )

    @pytest.mark.parametrize("n_topics", [2, 5])
    def test_good_vectors_raise_the_accuracy_for_few_rows(self, n_topics):
        X, target, values = self.topics(400, n_topics)
        fresh, truth = ragged_from_ids(X[100:]), target[100:]
        with_vectors, without = (
            (self.fitted(X, target, found, 100).logits(fresh).argmax(1) == truth).mean()
            for found in (values, None)
        )
        assert with_vectors > without + 0.1

    def test_good_vectors_have_a_large_share_and_noise_a_small_one(self):
        X, target, values = self.topics(1000, n_tokens=60)
        noise = np.random.RandomState(1).normal(size=(60, 3))
        noise = self.fitted(X, target, noise, 1000).share_of_vectors
        assert 0 <= noise < 0.2
        X, target, values = self.topics(400)
        assert 0.6 < self.fitted(X, target, values, 100).share_of_vectors <= 1

    @pytest.mark.parametrize("multilabel", [False, True])
    def test_logits_are_the_weighted_mean_of_both_regressions(self, multilabel):
        X, target, values = self.topics(200, n_topics=3)
        target = np.eye(3, dtype=int)[target] if multilabel else target
        model, rows = self.fitted(X, target, values, 150), ragged_from_ids(X)
        assert 0 < model.share_of_vectors < 1
        of_ngrams = self.fitted(X, target, None, 150).logits(rows)
        of_vectors = model.vectors.logits(rows)
        both = [of_ngrams, of_vectors]
        weights = [1 - model.share_of_vectors, model.share_of_vectors]
        expected = np.average(both, axis=0, weights=weights)
        np.testing.assert_allclose(model.logits(rows), expected, atol=1e-9)

    def test_vectors_improve_the_likelihood_of_held_out_rows(self):
        X, target, values = self.topics(300, n_topics=3)
        rows, weight = ragged_from_ids(X), np.ones(300)
        vectors = TokenVectors(values, rows)
        losses = []
        for found in (None, vectors):
            held_out, logits = LinearModel((1, 2), 3).out_of_fold_logits(
                rows, target, weight, 0, vectors=found
            )
            sharp = [softmax(s * logits, axis=1) for s in np.geomspace(0.1, 10, 30)]
            losses.append(min(log_loss(target[held_out], found) for found in sharp))
        assert losses[1] < losses[0] - 0.05

    @pytest.mark.parametrize("ngrams", [(1, 1), (1, 2), (2, 3)])
    @pytest.mark.parametrize("kind", ["two classes", "three classes", "labels"])
    def test_contributions_sum_to_the_logits_above_an_empty_row(self, ngrams, kind):
        X, target, values = self.topics(120, 2 if kind == "two classes" else 3)
        target = np.eye(3, dtype=int)[target] if kind == "labels" else target
        X[:, :3] = X[:, 1:]  # frequent bigrams
        n_classes = 2 if kind == "two classes" else 3
        rows = ragged_from_ids(X)
        model = LinearModel(ngrams, n_classes, multilabel=kind == "labels").fit(
            rows, target, np.ones(120), 0, vectors=TokenVectors(values, rows)
        )
        assert model.share_of_vectors > 0
        contributions = model.contributions(rows)
        assert contributions.shape == (480, ngrams[1], n_classes)
        total = contributions.sum(1).reshape(120, 4, n_classes).sum(1)
        expected = model.logits(rows) - model.logits(ragged([[]]))
        np.testing.assert_allclose(total, expected, atol=1e-9)

    def test_vectors_contribute_to_unigrams_only(self):
        X, target, values = self.topics(120, n_tokens=20)
        rows = ragged_from_ids(X)
        model = LinearModel((2, 3), 2)
        contributions = model.fit(rows, target, np.ones(120), 0).contributions(rows)
        assert (contributions[:, 0] == 0).all()
        assert contributions[:, 1:].any((0, 2)).all()
        vectors = TokenVectors(values, rows)
        model.fit(rows, target, np.ones(120), 0, vectors=vectors)
        of_vectors = model.share_of_vectors * model.vectors.contributions(rows)
        assert np.array_equal(model.contributions(rows)[:, 0], of_vectors)

    def test_static_contributions_sum_to_the_difference_from_zero_features(self):
        X, target, values = self.topics(120)
        static = target[:, np.newaxis] + np.random.RandomState(0).normal(size=(120, 1))
        model, rows = (
            self.fitted(X, target, values, 120, static=static),
            ragged_from_ids(X),
        )
        assert model.share_of_vectors > 0
        found = model.static_contributions(rows, static)[:, 0]
        expected = model.logits(rows, static) - model.logits(rows, 0 * static)
        np.testing.assert_allclose(found, expected, atol=1e-9)

    def test_size_is_the_rms_of_the_stacked_out_of_fold_logits(self):
        X, target, values = self.topics(200)
        rows = ragged_from_ids(X)
        _, logits = LinearModel((1, 2), 2).out_of_fold_logits(
            rows, target, np.ones(200), 0, vectors=TokenVectors(values, rows)
        )
        model = self.fitted(X, target, values, 200)
        np.testing.assert_allclose(model.size_, np.sqrt(np.mean(logits**2)))

    @pytest.mark.parametrize("n_topics", [2, 3])
    def test_a_restored_model_gives_equal_logits(self, n_topics):
        X, target, values = self.topics(120, n_topics)
        model, rows = self.fitted(X, target, values, 120), ragged_from_ids(X)
        found = LinearModel.from_state(model.state())
        assert np.array_equal(found.logits(rows), model.logits(rows))

    def test_a_state_of_an_earlier_version_has_no_vectors(self):
        X, target, _ = self.topics(120)
        model, rows = self.fitted(X, target, None, 120), ragged_from_ids(X)
        state = model.state()
        del state["vectors"], state["share_of_vectors"]
        found = LinearModel.from_state(state)
        assert np.array_equal(found.logits(rows), model.logits(rows))

    def test_a_second_fit_without_vectors_does_not_use_those_of_the_first(self):
        X, target, values = self.topics(120)
        model, rows = self.fitted(X, target, values, 120), ragged_from_ids(X)
        model.fit(rows, target, np.ones(120), 0)
        expected = self.fitted(X, target, None, 120).logits(rows)
        assert np.array_equal(model.logits(rows), expected)

    def test_constant_vectors_have_a_share_of_zero(self):
        X, target, values = self.topics(120)
        model = self.fitted(X, target, np.ones_like(values), 120)
        assert model.share_of_vectors == 0
