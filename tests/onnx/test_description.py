import json

import numpy as np
import pytest

from sklearn_bilstm.onnx._description import Description
from sklearn_bilstm.sequences import N_TOKEN_FEATURES
from tests.helpers import small_classifier, small_regressor, small_tagger


@pytest.fixture(scope="module")
def description(fitted):
    return Description.of(fitted, None)


def with_changes(description, **changes):
    (key, text), *_ = description.to_properties().items()
    return {key: json.dumps({**json.loads(text), **changes})}


def test_description_round_trips(description):
    assert Description.from_properties(description.to_properties(), "x") == description


@pytest.mark.parametrize(
    "labels",
    [
        np.array(["no", "yes", "café\n\0 \ud800"]),
        np.array(["a", "b"], dtype=object),
        np.array([-3, 2**40]),
        np.array([False, True]),
        np.array([-1.0, 2.0]),
        np.array([1, 2], dtype=np.uint8),
    ],
    ids=lambda labels: str(labels.dtype),
)
def test_labels_round_trip_with_their_dtype(ids, labels):
    model = small_classifier(max_epochs=1).fit(ids, labels[np.arange(40) % len(labels)])
    properties = Description.of(model, None).to_properties()
    found = Description.from_properties(properties, "x").labels(0)
    assert found.tolist() == model.classes_.tolist()
    assert found.dtype == model.classes_.dtype


def test_labels_take_no_more_memory_than_their_longest(description):
    classes = {"dtype": "<U99999", "labels": ["no", "maybe"]}
    properties = with_changes(description, classes=classes)
    assert Description.from_properties(properties, "x").labels(0).dtype == "U5"


def test_one_long_label_does_not_multiply_the_size_of_the_file(description):
    classes = {"dtype": "<U9", "labels": ["x" * 10_000, *map(str, range(100))]}
    properties = with_changes(description, classes=classes)
    found = Description.from_properties(properties, "x")
    assert found.labels(10**6).shape == (101,)
    with pytest.raises(ValueError, match="101 labels of up to 10000 characters"):
        found.labels(10_000)


def test_long_labels_of_many_tasks_do_not_multiply_the_size_of_the_file(description):
    classes = {"dtype": "<U9", "labels": ["x" * 1000, *map(str, range(99))]}
    changes = {"classes": [classes] * 10, "one_a_row": False}
    found = Description.from_properties(with_changes(description, **changes), "x")
    assert len(found.labels(10**6)) == 10
    with pytest.raises(ValueError, match="100 labels of up to 1000 characters"):
        found.labels(20_000)


def test_labels_that_json_cannot_hold_raise(ids):
    model = small_classifier(max_epochs=1).fit(
        ids, np.array([0, 1] * 20, dtype="M8[D]")
    )
    with pytest.raises(ValueError, match="labels must be strings.* of type date"):
        Description.of(model, None)


def test_description_of_a_regressor_has_no_labels(ids):
    one = Description.of(small_regressor(max_epochs=1).fit(ids, ids[:, 0]), None)
    two = Description.of(small_regressor(max_epochs=1).fit(ids, ids[:, :2]), None)
    assert one.labels(0) is None
    assert one.one_a_row
    assert not two.one_a_row


@pytest.mark.parametrize(
    "properties",
    [{}, {"author": "me"}, {"sklearn_bilstm": "{"}, {"sklearn_bilstm": "[1]"}],
    ids=str,
)
def test_metadata_of_other_tools_raise(properties):
    with pytest.raises(
        ValueError, match="some.onnx must be a model written by sklearn_bils"
    ):
        Description.from_properties(properties, "some.onnx")


def test_a_newer_format_raises_and_suggests_an_update(description):
    later = with_changes(description, format=2, version="9.0", what_is_new=1)
    with pytest.raises(ValueError, match="9.0 in format 2, .* update sklearn-bilstm"):
        Description.from_properties(later, "some.onnx")


def test_missing_keys_raise(description):
    properties = with_changes(description)
    short = {k: v.replace("input_type", "type") for k, v in properties.items()}
    with pytest.raises(ValueError, match="must be a model written by sklearn_bilstm"):
        Description.from_properties(short, "some.onnx")


def test_models_of_rows_have_no_items_that_older_versions_refuse(description):
    (text,) = description.to_properties().values()
    assert not json.loads(text).keys() & {
        "of_steps",
        "words",
        "n_token_features",
        "table",
    }


@pytest.mark.parametrize("linear_features", [None, "auto"])
def test_features_of_tokens_are_described_if_there_is_a_linear_model(
    sentences, linear_features
):
    tagger = small_tagger(linear_features=linear_features, max_epochs=1)
    properties = Description.of(tagger.fit(*sentences), None).to_properties()
    n_features = N_TOKEN_FEATURES if linear_features else None
    assert Description.from_properties(properties, "x").n_token_features == n_features
    (text,) = properties.values()  # older versions would refuse the item
    assert ("n_token_features" in json.loads(text)) == (linear_features is not None)


def test_description_of_a_tagger_round_trips_with_its_words(fitted_tagger):
    description = Description.of(fitted_tagger, None)
    assert description.is_tagger
    properties = description.to_properties()
    found = Description.from_properties(properties, "x")
    assert found == description
    words = fitted_tagger.model_.reader.words
    assert found.known_words.vocabulary == words.vocabulary_
    assert found.known_words.characters == words.characters_
    assert found.labels(0).tolist() == fitted_tagger.classes_.tolist()
