import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from sklearn_bilstm import TextVectorizer
from tests.helpers import (
    small_classifier,
    small_pipeline,
    small_regressor,
    small_tagger,
)

GAP = np.arange(40) % 3 == 1
KNOWN = ~GAP


@pytest.fixture(scope="module")
def y(ids):
    return np.where(ids[:, 0] > 15, "high", "low").astype(object)


@pytest.fixture(scope="module")
def numbers(ids):
    return ids.mean(1)


def with_gaps(y, missing=None):
    y = np.array(y)
    y[GAP] = missing
    return y


def whole_classifier(**params):
    """A classifier with n-gram models and SVD vectors, as by default."""
    ngrams = {"log_odds_ngram_range": (1, 2), "linear_ngram_range": "auto"}
    return small_classifier(**{"embedding": "svd", **ngrams, **params})


def assert_same(model, twin, X, method="predict_proba"):
    assert np.array_equal(getattr(model, method)(X), getattr(twin, method)(X))
    assert model.auto_params_ == twin.auto_params_
    keys = "epoch", "train_loss"
    for epoch, expected in zip(model.history_, twin.history_, strict=True):
        assert [epoch[key] for key in keys] == [expected[key] for key in keys]


class TestEquivalence:
    """Rows without a label are those of X_unlabelled, bit for bit."""

    @pytest.mark.parametrize(
        "params",
        [
            {},
            {"max_epochs": "auto"},
            {"early_stopping": True, "validation_fraction": 0.3},
            {"class_weight": "balanced"},
            {"embedding": None},
            {"embedding": np.eye(40, 8)},
        ],
        ids=repr,
    )
    def test_classifier_with_gaps_equals_one_with_x_unlabelled(self, ids, y, params):
        model = whole_classifier(**params).fit(ids, with_gaps(y))
        twin = whole_classifier(**params)
        twin.fit(ids[KNOWN], y[KNOWN], X_unlabelled=ids[GAP])
        assert model.classes_.tolist() == twin.classes_.tolist()
        assert_same(model, twin, ids)

    def test_rows_without_a_label_contribute_to_svd_vectors(self, ids, y):
        model = whole_classifier().fit(ids, with_gaps(y))
        without = whole_classifier().fit(ids[KNOWN], y[KNOWN])
        assert not np.array_equal(model.predict_proba(ids), without.predict_proba(ids))

    def test_gaps_are_joined_with_x_unlabelled(self, ids, y):
        more = np.where(ids, ids + 5, 0)
        model = whole_classifier().fit(ids, with_gaps(y), X_unlabelled=more)
        rows = np.vstack([ids[GAP], more])
        twin = whole_classifier().fit(ids[KNOWN], y[KNOWN], X_unlabelled=rows)
        assert_same(model, twin, ids)

    def test_weights_of_rows_without_a_label_are_ignored(self, ids, y):
        weight = 1.0 + np.arange(40)
        model = whole_classifier()
        model.fit(ids, with_gaps(y), sample_weight=with_gaps(weight, np.nan))
        twin = whole_classifier()
        twin.fit(ids[KNOWN], y[KNOWN], weight[KNOWN], X_unlabelled=ids[GAP])
        assert_same(model, twin, ids)

    def test_a_class_without_a_label_left_is_unknown(self, ids):
        y = np.where(GAP, np.nan, ids[:, 0] > 15)
        assert whole_classifier().fit(ids, y).classes_.tolist() == [0.0, 1.0]
        y[y == 1] = np.nan
        assert whole_classifier().fit(ids, y).predict(ids).tolist() == [0.0] * 40

    def test_multilabel_classifier_with_gaps(self, ids):
        Y = np.column_stack([ids[:, 0] > 15, ids[:, 1] > 15]).astype(float)
        model = whole_classifier().fit(ids, with_gaps(Y, np.nan))
        twin = whole_classifier().fit(ids[KNOWN], Y[KNOWN], X_unlabelled=ids[GAP])
        assert model.multilabel_
        assert_same(model, twin, ids)

    @pytest.mark.parametrize("n_outputs", [None, 2])
    def test_regressor_with_gaps(self, ids, numbers, n_outputs):
        y = numbers if n_outputs is None else np.column_stack([numbers, -numbers])
        model = small_regressor(embedding="svd").fit(ids, with_gaps(y, np.nan))
        twin = small_regressor(embedding="svd")
        twin.fit(ids[KNOWN], y[KNOWN], X_unlabelled=ids[GAP])
        assert_same(model, twin, ids, "predict")

    def test_warm_start_with_gaps(self, ids, y):
        model, twin = (whole_classifier(warm_start=True).fit(ids, y) for _ in "ab")
        model.fit(ids, with_gaps(y))
        assert_same(model, twin.fit(ids[KNOWN], y[KNOWN]), ids)

    def test_pipeline_learns_the_vocabulary_of_all_texts(self):
        frame = pd.DataFrame(
            {
                "text": ["good film", "bad film", "fine film", "poor show"] * 3,
                "label": ["pos", "neg", None, np.nan] * 3,
            }
        )
        model = small_pipeline().fit(frame.text, frame.label)
        assert model.classes_.tolist() == ["neg", "pos"]
        assert {"fine", "show"} <= model[0].vocabulary_.keys()

    def test_tagger_with_gaps_equals_one_with_x_unlabelled(self, sentences):
        X, y = sentences
        model = small_tagger(embedding="svd").fit([*X, X[9], X[8]], [*y, None, np.nan])
        twin = small_tagger(embedding="svd").fit(X, y, X_unlabelled=[X[9], X[8]])
        for found, expected in zip(
            model.predict_proba(X), twin.predict_proba(X), strict=True
        ):
            assert np.array_equal(found, expected)

    def test_tagger_knows_the_words_of_sentences_without_labels(self, sentences):
        X, y = sentences
        model = small_tagger(embedding="svd").fit([*X, ["Zoe", "left"]], [*y, None])
        assert "zoe" in model.model_.reader.words.vocabulary_


class TestFewLabels:
    """Fits from which little can be learnt."""

    @pytest.mark.parametrize(
        "labels", [["a"], ["a", "b"], ["a", "b", "c"], [*"aabbabab", "c"]], ids=repr
    )
    def test_single_rows_of_classes_are_enough(self, ids, labels):
        y = np.array([*labels, *[None] * (40 - len(labels))], dtype=object)
        model = whole_classifier().fit(ids, y)
        assert model.classes_.tolist() == sorted(set(labels))
        np.testing.assert_allclose(model.predict_proba(ids).sum(1), 1, rtol=1e-5)
        assert not model.auto_params_["pseudo_labels"]["used"]

    def test_regressor_predicts_the_only_number(self, ids):
        y = np.array([2.5, *[np.nan] * 39])
        model = small_regressor(embedding="svd").fit(ids, y)
        np.testing.assert_allclose(model.predict(ids), 2.5, rtol=1e-5)

    def test_tagger_learns_from_one_sentence(self, sentences):
        X, y = sentences
        y = [y[1] if row == 1 else None for row in range(len(X))]
        model = small_tagger(embedding="svd").fit(X, y)
        assert set(model.classes_) == set(y[1])

    def test_a_class_of_weight_zero_is_not_predicted(self, ids, y):
        model = whole_classifier(class_weight={"high": 0, "low": 1}, max_epochs=30)
        model.fit(ids, with_gaps(y))
        assert model.classes_.tolist() == ["high", "low"]
        assert set(model.predict(ids)) == {"low"}

    @pytest.mark.filterwarnings("ignore:100% of the tokens in rows without a label")
    @pytest.mark.parametrize("id_", [0, 1], ids=["padding", "unknown"])
    def test_rows_without_known_tokens_are_accepted(self, ids, y, id_):
        others = np.full((30, 12), id_)
        model = whole_classifier().fit(ids, y, X_unlabelled=others)
        assert not model.auto_params_["pseudo_labels"]["used"]

    @pytest.mark.filterwarnings("ignore:100% of the tokens in rows without a label")
    def test_unlabelled_texts_without_words_of_the_vocabulary_are_accepted(self):
        texts = [*["good film", "bad film", "good", "bad"] * 5, *["xx yy", ""] * 5]
        y = [*["pos", "neg"] * 10, *[None] * 10]
        model = small_pipeline().set_params(textvectorizer__vocabulary=["good", "bad"])
        assert model.fit(texts, y).classes_.tolist() == ["neg", "pos"]

    def test_copies_of_labelled_rows_are_not_used_as_pseudo_labels(self, ids, y):
        model = whole_classifier().fit(ids, y, X_unlabelled=np.vstack([ids] * 5))
        assert not model.auto_params_["pseudo_labels"]["used"]

    @pytest.mark.parametrize(
        "convert", [sparse.csr_array, pd.DataFrame, np.float64, np.ndarray.tolist]
    )
    def test_x_unlabelled_may_be_in_another_container(self, ids, y, convert):
        model = whole_classifier().fit(ids, y, X_unlabelled=convert(ids + 3))
        twin = whole_classifier().fit(ids, y, X_unlabelled=ids + 3)
        assert_same(model, twin, ids)


class TestUnknownTokens:
    """A warning if the vectorizer is not fitted to the rows without a label."""

    def words(self, first, last):
        return [f"good w{i} w{i + 1} w{i + 2}" for i in range(first, last)]

    def fit(self, vectorizer, unlabelled):
        texts = self.words(0, 30)
        X, more = vectorizer.transform(texts), vectorizer.transform(unlabelled)
        return small_classifier(embedding="svd").fit(X, [0, 1] * 15, X_unlabelled=more)

    def test_a_vocabulary_of_labelled_texts_warns_with_the_share_and_the_way_out(self):
        # 100 tokens: 25 are "good", and 15 are among "w26" to "w31"
        unlabelled = self.words(26, 51)
        vectorizer = TextVectorizer().fit(self.words(0, 30))
        message = "60% of the tokens .* unknown, compared with 0% in rows"
        with pytest.warns(UserWarning, match=message) as caught:
            self.fit(vectorizer, unlabelled)
        assert "fit([*texts, *unlabelled_texts])" in str(caught[0].message)

    def test_both_ways_out_of_the_warning_do_not_warn(self):
        texts, unlabelled_texts, y = self.words(0, 30), self.words(30, 60), [0, 1] * 15
        self.fit(TextVectorizer().fit([*texts, *unlabelled_texts]), unlabelled_texts)
        small_pipeline().fit(
            [*texts, *unlabelled_texts], [*y, *[None] * len(unlabelled_texts)]
        )

    @pytest.mark.parametrize("params", [{"max_features": 5}, {"vocabulary": ["good"]}])
    def test_tokens_that_are_as_often_unknown_in_labelled_texts_do_not_warn(
        self, params
    ):
        vectorizer = TextVectorizer(**params).fit(self.words(0, 60))
        self.fit(vectorizer, self.words(30, 60))

    def test_gaps_in_y_warn_too(self):
        texts, y = self.words(0, 60), [*[0, 1] * 15, *[None] * 30]
        X = TextVectorizer().fit(texts[:30]).transform(texts)
        with pytest.warns(UserWarning, match="of the tokens in rows without a label"):
            small_classifier(embedding="svd").fit(X, y)

    def test_rows_that_a_pretrained_classifier_ignores_warn(self, ids, y):
        second = small_classifier(pretrained=small_classifier().fit(ids, y))
        gaps = np.where(np.arange(40) < 30, y.astype(object), None)
        for labels, others in [(y, ids[:5]), (gaps, None)]:
            with pytest.warns(UserWarning, match="Rows without a label are ignored"):
                second.fit(ids, labels, X_unlabelled=others)

    def test_a_warm_start_that_does_not_use_these_rows_does_not_warn(self, ids, y):
        model = small_classifier(embedding="svd", warm_start=True).fit(ids, y)
        model.fit(ids, y, X_unlabelled=np.ones_like(ids))

    def test_a_tagger_whose_sentences_are_the_vocabulary_does_not_warn(self, sentences):
        X, y = sentences
        small_tagger(embedding="svd").fit(X, y, X_unlabelled=[["new", "words"]])


class TestErrors:
    @pytest.mark.parametrize("missing", [None, np.nan, pd.NA])
    def test_a_y_without_labels_raises(self, ids, missing):
        y = np.full(40, missing, dtype=object)
        for model in (small_classifier(), small_regressor()):
            with pytest.raises(ValueError, match="at least one row: all 40 are miss"):
                model.fit(ids, y)

    @pytest.mark.parametrize("embedding", ["svd", None])
    def test_gaps_raise_for_numeric_input(self, ids, y, embedding):
        model = small_classifier(embedding=embedding)
        with pytest.raises(ValueError, match=r"row 1\. .*numbers.*remove them from X"):
            model.fit(ids / 3.0, with_gaps(y))

    @pytest.mark.parametrize("missing", [None, np.nan, pd.NA])
    def test_partial_fit_raises_on_gaps(self, ids, numbers, missing):
        y = with_gaps(np.where(ids[:, 0] > 15, 1, 0).astype(object), missing)
        with pytest.raises(ValueError, match=r"row 1 is .*Remove rows without a label"):
            small_classifier().partial_fit(ids, y, classes=[0, 1])
        y = with_gaps(numbers.astype(object), missing)
        with pytest.raises(ValueError, match=r"row 1 is .*Remove rows without a label"):
            small_regressor().partial_fit(ids, y)

    def test_score_raises_on_gaps(self, fitted, ids, y):
        with pytest.raises(ValueError, match="missing label: row 1"):
            fitted.score(ids, with_gaps(y))

    def test_padded_numbers_of_steps_raise_with_the_parameter(self):
        y = np.where(np.arange(80) < 70, 0.0, np.nan) * np.ones((3, 1))
        with pytest.raises(ValueError, match="row 0 is .*output_type='steps'") as error:
            small_regressor().fit(np.zeros((3, 80)), y)
        assert len(str(error.value)) < 400

    def test_gaps_in_y_val_raise(self, ids, y):
        with pytest.raises(ValueError, match="missing label: row 1"):
            small_classifier().fit(ids, y, X_val=ids, y_val=with_gaps(y))

    @pytest.mark.parametrize("missing", [None, np.nan])
    def test_incomplete_rows_of_several_values_raise(self, ids, numbers, missing):
        first = (numbers > 15).astype(object)
        y = np.column_stack([first, with_gaps(first, missing)])
        for model in (small_classifier(), small_regressor()):
            with pytest.raises(ValueError, match=r"row 1 is .*Fill in the value, or"):
                model.fit(ids, y)

    @pytest.mark.parametrize("row", [0, 3])
    def test_labels_of_several_types_raise(self, ids, y, row):
        y = with_gaps(y)
        y[row] = 7
        with pytest.raises(ValueError, match=r"one type.* types \['int', 'str'\]"):
            small_classifier().fit(ids, y)

    def test_row_numbers_of_errors_count_labelled_rows_and_say_so(self, sentences):
        X, y = sentences
        y = [y[0], None, y[2][:-1], *y[3:]]
        with pytest.raises(ValueError, match=r"row 1 has .* label are not counted"):
            small_tagger().fit(X, y)
        with pytest.raises(ValueError, match=r"row 2 has .* tokens\.$"):
            small_tagger().fit(X, [*sentences[1][:2], *y[2:]])

    @pytest.mark.parametrize("method", ["class_weight", "sample_weight"])
    def test_labelled_rows_without_weight_raise(self, ids, y, method):
        of_classes = {"high": 0, "low": 0} if method == "class_weight" else None
        weight = np.where(KNOWN, 0.0, 1.0) if method == "sample_weight" else None
        model = whole_classifier(class_weight=of_classes)
        with pytest.raises(ValueError, match="at least one non-zero"):
            model.fit(ids, with_gaps(y), weight)

    def test_early_stopping_with_one_labelled_row_raises(self, ids):
        model = whole_classifier(early_stopping=True)
        with pytest.raises(ValueError, match=r"two training rows: got 1\. Pass more"):
            model.fit(ids, ["high", *[None] * 39])

    def test_x_unlabelled_does_not_replace_labels(self, ids):
        with pytest.raises(ValueError, match="at least one row: all 40 are missing"):
            whole_classifier().fit(ids, [None] * 40, X_unlabelled=ids)

    def test_infinity_raises_as_before(self, ids, numbers):
        y = with_gaps(numbers, np.nan)
        y[3] = np.inf
        with pytest.raises(ValueError, match="y contains inf"):
            small_regressor(embedding="svd").fit(ids, y)

    @pytest.mark.parametrize("model", [small_classifier(), small_regressor()])
    def test_a_y_of_another_length_raises(self, ids, model):
        with pytest.raises(ValueError, match="inconsistent numbers of samples"):
            model.fit(ids, [1, None, 0])
        with pytest.raises(ValueError, match="inconsistent numbers of samples"):
            model.fit(ids, [1, None] * 20, sample_weight=[1.0, 2.0])

    def test_strings_that_look_missing_are_labels(self, ids):
        y = np.where(ids[:, 0] > 15, "", "nan")
        assert small_classifier().fit(ids, y).classes_.tolist() == ["", "nan"]
