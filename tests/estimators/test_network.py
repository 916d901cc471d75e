import numpy as np
import pytest
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sklearn_bilstm import (
    BiLSTMClassifier,
    BiLSTMRegressor,
    TextVectorizer,
    WordVectors,
)
from sklearn_bilstm.nn import CELLS, MERGES, NORMALIZATIONS
from tests.helpers import small_classifier, small_regressor


@pytest.fixture(scope="module")
def y(ids):
    return np.where(ids[:, 0] > 15, "high", "low")


def vectors_of(model):
    return model.module_.input_layer.embedding.weight.detach().numpy()


def drawn(model, ids, y):
    """The vectors that a training begins with."""
    return vectors_of(clone(model).set_params(lr=1e-12, weight_decay=0.0).fit(ids, y))


@pytest.mark.parametrize(
    "params",
    [
        *({"cell": cell} for cell in CELLS),
        *({"merge_mode": mode} for mode in MERGES),
        *({"normalization": name} for name in NORMALIZATIONS),
        {"dense_layer_sizes": 7},
        {"dense_layer_sizes": (7, 5)},
        {"max_norm": 1.0},
        {"token_deletion": 0.1, "token_swap": 0.1},
        {"lr_schedule": "plateau"},
        {"bidirectional": False, "hidden_layer_sizes": (6, 4)},
    ],
    ids=str,
)
def test_every_network_learns_and_reads_alone_as_together(ids, y, params):
    model = small_classifier(**params, max_epochs=10, dropout=0.1)
    model.fit(ids, y)
    assert model.history_[-1]["train_loss"] < model.history_[0]["train_loss"]
    alone = [model.predict_proba(row[np.newaxis])[0] for row in ids]
    np.testing.assert_allclose(model.predict_proba(ids), alone, rtol=1e-5, atol=1e-6)


def test_dense_layers_stand_between_pooled_states_and_output(ids, y):
    head = small_classifier(dense_layer_sizes=(7, 5)).fit(ids, y).module_.head
    assert [layer.out_features for layer in head.hidden] == [7, 5]
    assert head.linear.in_features == 5


def test_max_norm_holds_for_all_but_the_vectors(ids, y):
    model = small_classifier(max_norm=0.5, dense_layer_sizes=4).fit(ids, y)
    for name, weight in model.module_.named_parameters():
        if weight.ndim == 2 and "embedding" not in name:
            assert weight.detach().norm(dim=1).max() < 0.5 + 1e-6, name


def test_only_lstms_are_rounded_by_default(ids, y, monkeypatch):
    supported = "torch.cpu._is_avx512_bf16_supported"
    monkeypatch.setattr(supported, lambda: True, raising=False)
    for cell in ("gru", "rnn"):
        model = small_classifier(cell=cell).fit(ids, y)
        assert model.auto_params_["precision"] == "float32"


class TestEmbedding:
    def test_a_given_array_is_where_training_begins(self, ids, y):
        given = np.random.RandomState(0).randn(30, 5)
        given[7] = 0
        model = small_classifier(embedding=given)
        start = drawn(model, ids, y)
        cosines = (start * given).sum(1)[2:] / np.linalg.norm(start[2:], axis=1)
        known = np.delete(np.arange(28), 5)
        norms = np.linalg.norm(given[2:], axis=1)
        np.testing.assert_allclose(cosines[known], norms[known], rtol=1e-4)
        assert start[7].any()  # drawn, as it was zero

    def test_frozen_vectors_stay_and_others_move(self, ids, y):
        for frozen in (True, False):
            model = small_classifier(freeze_embedding=frozen)
            before = drawn(model, ids, y)
            after = vectors_of(model.fit(ids, y))
            assert np.array_equal(before, after) == frozen

    def test_word_vectors_are_for_a_vectorizer_that_has_their_words(self, reviews):
        texts, labels = reviews
        words = ["good", "bad", "not", "film"]
        given = WordVectors(words, np.random.RandomState(0).randn(4, 6))
        classifier = small_classifier(embedding=given, freeze_embedding=True)
        model = make_pipeline(TextVectorizer(vocabulary=given), classifier)
        found = vectors_of(model.fit(texts, labels)[-1])
        ids = model[0].vocabulary_
        ratio = found[[ids[word] for word in words]] / given.vectors
        np.testing.assert_allclose(ratio, ratio[0, 0], rtol=1e-5)

    def test_a_clone_shares_word_vectors(self):
        given = WordVectors(["a"], [[1.0]])
        assert clone(small_classifier(embedding=given)).embedding is given

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            (np.ones((1, 3)), "'embedding' parameter must.*minimum of 2"),
            (np.ones((9, 3)), r"there are 9, and X holds id 29.*aligned_to"),
            (WordVectors(["a"], [[1.0]]), r"there are 3, and X holds id 29"),
            (np.ones(5), "'embedding' parameter must.*Expected 2D array"),
            (np.full((5, 2), np.nan), "embedding contains NaN"),
            ([["a", "b"]] * 3, "'embedding' parameter must"),
            (WordVectors([], np.ones((0, 3))), "'embedding'.*hold a word"),
            ("glove", "'embedding' parameter"),
        ],
    )
    def test_bad_vectors_are_refused(self, ids, y, given, message):
        with pytest.raises(ValueError, match=message):
            small_classifier(embedding=given).fit(ids, y)

    def test_the_layout_of_given_vectors_does_not_matter(self, ids, y):
        given = np.random.RandomState(0).randn(30, 5).astype(np.float32)
        expected = small_classifier(embedding=given).fit(ids, y).predict_proba(ids)
        turned = np.ascontiguousarray(given[::-1])[::-1]
        turned.flags.writeable = False
        found = small_classifier(embedding=turned).fit(ids, y).predict_proba(ids)
        assert np.array_equal(found, expected)

    def test_numbers_have_no_vectors(self, y):
        with pytest.raises(ValueError, match="'embedding' parameter must not"):
            small_classifier(embedding=np.ones((5, 2))).fit(np.ones((40, 3)), y)

    def test_rows_without_labels_are_of_no_use_for_given_vectors(self, ids, y):
        model = small_classifier(embedding=np.ones((30, 2)))
        with pytest.raises(ValueError, match="X_unlabelled.*leave it out"):
            model.fit(ids, y, X_unlabelled=ids)


class TestPretrained:
    @pytest.mark.parametrize(
        "wrapped", [lambda m: m, FrozenEstimator, lambda m: make_pipeline(m)]
    )
    def test_all_but_the_dense_layers_begins_with_what_was_learnt(
        self, fitted, ids, wrapped
    ):
        target = np.arange(40) % 3  # another number of classes
        params = {"lr": 1e-12, "weight_decay": 0.0, "max_epochs": 1}
        model = small_classifier(pretrained=wrapped(fitted), **params)
        start = model.fit(ids, target).module_.state_dict()
        for name, weight in fitted.module_.state_dict().items():
            if not name.startswith("head."):
                assert (start[name] == weight).all(), name

    def test_log_odds_of_the_old_target_is_read_on(self, ids, y):
        first = BiLSTMClassifier(max_epochs=1, random_state=0).fit(ids, y)
        params = {"pretrained": first, "lr": 1e-12, "max_epochs": 1, "random_state": 0}
        second = BiLSTMClassifier(**params).fit(ids, np.arange(40) % 3)
        assert second.log_odds_ is first.log_odds_
        np.testing.assert_allclose(
            second.transform(ids), first.transform(ids), rtol=1e-5, atol=1e-6
        )

    def test_log_odds_that_is_not_read_on_is_warned_of(self, ids, y):
        first = BiLSTMClassifier(max_epochs=1, random_state=0).fit(ids, y)
        for second in (
            BiLSTMClassifier(pretrained=first, log_odds_ngram_range=None, max_epochs=1),
            BiLSTMRegressor(pretrained=first, max_epochs=1),
        ):
            with pytest.warns(
                UserWarning, match="Fit it with log_odds_ngram_range=None"
            ):
                second.fit(ids, np.arange(40) % 3)

    def test_a_search_hands_on_its_best_estimator(self, ids, y):
        search = GridSearchCV(small_classifier(), {"lr": [1e-3, 1e-2]}, cv=2)
        model = small_classifier(pretrained=search.fit(ids, y))
        assert model.fit(ids, y).predict(ids).shape == (40,)

    def test_a_regressor_may_begin_with_a_classifier(self, fitted, ids):
        model = small_regressor(pretrained=fitted)
        assert model.fit(ids, np.arange(40.0)).predict(ids).shape == (40,)

    def test_ids_that_are_new_get_new_vectors(self, fitted, ids, y):
        grown = np.where(ids == 5, 77, ids)
        model = small_classifier(pretrained=fitted).fit(grown, y)
        assert len(vectors_of(model)) == 78

    def test_it_must_be_fitted(self, fitted, ids, y):
        unfitted = clone(small_classifier(pretrained=fitted))
        with pytest.raises(ValueError, match="fitted BiLSTM estimator.*FrozenEst"):
            unfitted.fit(ids, y)

    @pytest.mark.parametrize(
        "params",
        [
            {"hidden_layer_sizes": 5},
            {"bidirectional": False},
            {"embedding_dim": 1},
            {"cell": "rnn"},
            {"merge_mode": "sum"},
            {"pooling": "max"},
            {"normalization": "layer"},
        ],
        ids=str,
    )
    def test_it_must_have_the_same_shape(self, fitted, ids, y, params):
        with pytest.raises(ValueError, match="'pretrained'.*hidden_layer_sizes"):
            small_classifier(pretrained=fitted, **params).fit(ids, y)

    def test_it_must_read_the_same(self, fitted, y):
        with pytest.raises(ValueError, match="'pretrained'.*same kind of X"):
            small_classifier(pretrained=fitted).fit(np.ones((40, 3)), y)
        one, three = np.ones((40, 3, 1)), np.ones((40, 3, 3))
        with pytest.raises(ValueError, match="'pretrained'.*same kind of X"):
            small_classifier(pretrained=small_classifier().fit(one, y)).fit(three, y)
