import pickle

import numpy as np
import pytest

from sklearn_bilstm import load, save
from sklearn_bilstm.fitting._linear_tagging import TaggingModels
from tests.helpers import small_tagger


@pytest.fixture(scope="module")
def endings():
    """Verbs and adverbs, which differ in their last letters only."""
    random = np.random.RandomState(0)
    stems = ["".join(random.choice(list("bdfgklm"), 4)) for _ in range(120)]
    order = random.randint(2, size=120)
    X = [
        [stem + "ing", stem + "ly"][:: 1 - 2 * i]
        for i, stem in zip(order, stems, strict=True)
    ]
    return X, [["VERB", "ADV"][:: 1 - 2 * i] for i in order]


def linear_tagger(**params):
    return small_tagger(
        **{
            "linear_features": "auto",
            "n_character_filters": 0,
            "max_epochs": 3,
            **params,
        }
    )


def assert_same_bits(found, expected):
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_tagger_generalises_by_token_features(endings):
    X, y = endings
    scores = [
        linear_tagger(linear_features=value).fit(X[:80], y[:80]).score(X[80:], y[80:])
        for value in ("auto", None)
    ]
    assert scores[0] == 1.0
    assert scores[1] < 0.9


def test_the_number_of_features_is_a_resolved_parameter(endings):
    model = linear_tagger().fit(*endings)
    n_features = len(model.model_.auxiliary_models.linear_tagger.features)
    assert model.auto_params_["linear_features"] == n_features > 0
    without = linear_tagger(linear_features=None).fit(*endings)
    assert "linear_features" not in without.auto_params_


@pytest.mark.parametrize("X", [[[2, 3], [4], []], [[[0.5]], [[1.0], [2.0]], [[3.0]]]])
def test_ids_and_numbers_have_no_features(X):
    y = [["a"] * len(row) for row in X]
    input_type = "tokens" if X[2] == [] else "numeric"
    model = small_tagger(input_type=input_type).fit(X, y)
    assert not isinstance(model.model_.auxiliary_models, TaggingModels)


def test_predictions_do_not_depend_on_other_rows(endings):
    X, y = endings
    model = linear_tagger().fit(X, y)
    whole = model.predict_proba(X)
    for row in (0, 7):
        (alone,) = model.predict_proba([X[row]])
        np.testing.assert_allclose(alone, whole[row], rtol=1e-5)


def test_predictions_in_chunks_equal_those_of_all_rows(endings, monkeypatch):
    X, y = endings
    model = linear_tagger().fit(X, y)
    expected = model.predict(X)
    monkeypatch.setattr("sklearn_bilstm.fitting._model._CHUNK_TOKENS", 5)
    assert model.predict(X) == expected


def test_fits_of_the_same_seed_are_identical(endings):
    X, y = endings
    first, second = (linear_tagger().fit(X, y).predict_proba(X[:9]) for _ in range(2))
    assert_same_bits(first, second)


def test_a_model_survives_pickle_and_a_file(endings, tmp_path):
    X, y = endings
    model = linear_tagger().fit(X, y)
    save(model, tmp_path / "tagger")
    for restored in (pickle.loads(pickle.dumps(model)), load(tmp_path / "tagger")):
        assert_same_bits(restored.predict_proba(X[:9]), model.predict_proba(X[:9]))


def test_a_warm_start_fits_the_linear_model_to_the_new_rows(endings):
    X, y = endings
    model = linear_tagger(warm_start=True).fit(X, y)
    model.fit([[token + "oo" for token in row] for row in X], y)
    assert model.score([["zzzlyoo", "zzzingoo"]], [["ADV", "VERB"]]) == 1.0


def test_rows_of_the_network_have_no_texts(endings):
    X, y = endings
    model = linear_tagger().fit(X, y).model_
    rows = model.with_features(model.read(X[:3]))
    assert rows.texts is None
    assert rows.emissions.values.shape == (6, 2)


def test_a_resumed_training_equals_a_complete_one(endings, tmp_path):
    X, y = endings
    whole = linear_tagger().fit(X, y)
    path = tmp_path / "checkpoint"
    linear_tagger(checkpoint=path).fit(X, y)
    resumed = linear_tagger(checkpoint=path).fit(X, y)
    assert_same_bits(resumed.predict_proba(X[:9]), whole.predict_proba(X[:9]))
