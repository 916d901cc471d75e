"""Input, labels and network of the tagger."""

import re

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from sklearn_bilstm import BiLSTMTagger, WordVectors
from sklearn_bilstm.fitting._config import Config
from sklearn_bilstm.fitting._token_labels import TokenLabelTarget
from sklearn_bilstm.nn import CRF, IndependentLabels
from tests.helpers import small_tagger

X = [["Anna", "met", "Ben"], ["Ben", "left"], [], ["She"]] * 3
Y = [["B-PER", "O", "B-PER"], ["B-PER", "O"], [], ["O"]] * 3
IDS = [[2, 3, 4], [4, 5], [], [6]] * 3
MATRIX = np.array([[*row, *[0] * (3 - len(row))] for row in IDS])
SERIES = [np.arange(2.0 * len(row)).reshape(-1, 2) for row in IDS]
BROKEN = [["I-PER", "O", "B-PER"], ["B-PER", "I-LOC"], [], ["O"]] * 3

FORM = "n_features_in_", "feature_names_in_", "n_channels_"
WORD_VECTORS = WordVectors(["zoe", "anna", "Rome"], np.eye(3))


# -- input


def test_input_type_is_inferred_and_stored():
    assert small_tagger().fit(X, Y).input_type_ == "tokens"
    assert small_tagger().fit(IDS, Y).input_type_ == "tokens"
    assert small_tagger().fit(SERIES, Y).input_type_ == "numeric"


@pytest.mark.parametrize(
    ("fitted_to", "other", "message"),
    [
        (X, IDS, "must hold lists of tokens, as in the fit of BiLSTMTagger"),
        (X, SERIES, "must hold lists of tokens, as in the fit of BiLSTMTagger"),
        (X, np.array([[2, 3]]), "must hold lists of tokens"),
        (X, sparse.csr_array([[2, 3]]), "must hold lists of tokens"),
        (X, "Anna met Ben", "list of tokens for each sentence"),
        (IDS, X, "must hold token ids, as X did in fit"),
        (SERIES, X, "must hold numbers, as X did in fit"),
        (X, [[["Anna"]]], "object of type list with text"),
    ],
)
def test_predict_raises_on_another_kind_of_input(fitted_to, other, message):
    tagger = small_tagger().fit(fitted_to, Y)
    with pytest.raises(ValueError, match=message):
        tagger.predict(other)


def test_words_raise_if_input_type_is_numeric():
    with pytest.raises(
        ValueError, match="must hold numbers, as with input_type='numeric'"
    ):
        small_tagger(input_type="numeric").fit(X, Y)


@pytest.mark.parametrize(
    "container", [sparse.csr_array, sparse.csr_matrix, sparse.csr_array.toarray, list]
)
def test_ids_in_any_container_give_equal_predictions(container):
    matrix = sparse.csr_array(MATRIX)
    other = IDS if container is list else container(matrix)
    expected = small_tagger().fit(matrix, Y).predict_proba(matrix)
    for found, row in zip(
        small_tagger().fit(other, Y).predict_proba(other), expected, strict=True
    ):
        assert np.array_equal(found, row)


def test_predict_reads_a_matrix_after_fit_on_lists_of_ids():
    tagger = small_tagger().fit(IDS, Y)
    for X in (MATRIX, sparse.csr_array(MATRIX)):
        assert tagger.predict(X) == tagger.predict(IDS)


@pytest.mark.parametrize(
    "X", [[[3, 0, 4]], np.array([[0, 3]]), sparse.csr_array([[5, 0, 4]])], ids=type
)
def test_padding_before_or_between_ids_raises(X):
    with pytest.raises(ValueError, match="only after the ids of a row: row 0"):
        small_tagger().fit(X, [["O", "O"]])
    tagger = small_tagger().fit(IDS, Y)
    with pytest.raises(ValueError, match="only after the ids of a row: row 0"):
        tagger.predict(X)
    assert tagger.predict([[3, 4, 0]]) == tagger.predict([[3, 4]])


def test_series_as_array_or_list_give_equal_predictions():
    array = np.random.RandomState(0).rand(6, 3, 2)
    labels = [["a", "b", "a"]] * 6
    expected = small_tagger().fit(array, labels).predict_proba(array)
    found = small_tagger().fit(list(array), labels).predict_proba(list(array))
    assert np.array_equal(found, expected)


def test_trailing_nan_of_a_series_is_padding():
    array = np.random.RandomState(0).rand(6, 3)
    array[2, 1:] = np.nan
    labels = [["a"] * (1 if row == 2 else 3) for row in range(6)]
    assert [len(row) for row in small_tagger().fit(array, labels).predict(array)] == [
        3, 3, 1, 3, 3, 3,
    ]  # fmt: skip


@pytest.mark.parametrize("lists", [X, IDS])
@pytest.mark.parametrize(
    ("before", "attributes"),
    [
        (MATRIX, {"n_features_in_"}),
        (pd.DataFrame(MATRIX, columns=list("abc")), {*FORM[:2]}),
        (SERIES, {"n_channels_"}),
    ],
    ids=["matrix", "frame", "series"],
)
def test_refit_on_lists_deletes_attributes_of_columns_and_channels(
    before, attributes, lists
):
    tagger = small_tagger().fit(before, Y)
    assert attributes == {*FORM} & {*vars(tagger)}
    tagger.fit(lists, Y)
    assert not {*FORM} & {*vars(tagger)}
    assert tagger.input_type_ == "tokens"


def test_ids_of_unequal_length_must_be_lists_of_ints():
    with pytest.raises(ValueError, match="as lists of ints"):
        small_tagger().fit([[2, 3], [None]], [["O", "O"], ["O"]])


@pytest.mark.parametrize("X_train", [X, IDS, [row[:, :1] for row in SERIES]])
def test_a_batch_of_empty_rows_has_empty_predictions(X_train):
    tagger = small_tagger().fit(X_train, Y)
    assert tagger.predict([[], []]) == [[], []]
    assert [p.shape for p in tagger.predict_proba([[], []])] == [(0, 2), (0, 2)]


def test_max_features_and_min_df_limit_the_vocabulary():
    assert small_tagger(max_features=2).fit(X, Y).module_.input_layer.input_size == 4
    assert small_tagger(min_df=99).fit(X, Y).module_.input_layer.input_size == 2


# -- pretrained word vectors


def vector_of(tagger, word):
    layer = tagger.module_.input_layer
    id_ = tagger.model_.reader.words.vocabulary_[word]
    return layer.embedding.weight[id_].detach().numpy()


def test_word_vectors_extend_the_vocabulary():
    frozen = {"embedding": WORD_VECTORS, "freeze_embedding": True}
    tagger = small_tagger(n_character_filters=0, **frozen).fit(X, Y)
    unknown, zoe, rome = tagger.predict_proba([["?"], ["Zoe"], ["Rome"]])
    assert not np.array_equal(zoe, unknown)
    assert np.array_equal(rome, unknown)
    axis = np.abs(vector_of(tagger, "zoe"))
    assert axis.argmax() == 0
    assert axis[1:].max() == 0


def test_capitalised_words_have_vectors_if_lowercase_is_false():
    frozen = {"embedding": WORD_VECTORS, "freeze_embedding": True}
    tagger = small_tagger(lowercase=False, n_character_filters=0, **frozen).fit(X, Y)
    assert np.abs(vector_of(tagger, "Rome")).argmax() == 2
    assert np.array_equal(vector_of(tagger, "Anna"), vector_of(tagger, "anna"))
    unseen, lower = tagger.predict_proba([["ZOE"], ["zoe"]])
    assert np.array_equal(unseen, lower)


def test_an_embedding_array_requires_token_ids():
    vectors = np.random.RandomState(0).rand(9, 5)
    tagger = small_tagger(embedding=vectors).fit(IDS, Y)
    assert tagger.module_.input_layer.input_size == 9
    with pytest.raises(ValueError, match="'svd', None or WordVectors if X holds"):
        small_tagger(embedding=vectors).fit(X, Y)


def test_word_vectors_without_lowercase_words_warn():
    capitals = WordVectors(["Anna", "Ben"], np.eye(2))
    with pytest.warns(UserWarning, match="None of the vectors in 'embedding' is used"):
        small_tagger(embedding=capitals).fit(X, Y)
    small_tagger(embedding=capitals, lowercase=False).fit(X, Y)


def test_empty_word_vectors_raise():
    empty = WordVectors([], np.zeros((0, 3)))
    with pytest.raises(ValueError, match="non-empty WordVectors"):
        small_tagger(embedding=empty).fit(X, Y)


def test_svd_includes_unlabelled_sentences():
    tagger = small_tagger(embedding="svd")
    without = tagger.fit(X, Y).predict_proba(X)[0]
    tagger = tagger.fit(X, Y, X_unlabelled=[["Ben", "left", "Anna"]] * 9)
    assert not np.array_equal(tagger.predict_proba(X)[0], without)


# -- labels


@pytest.mark.parametrize(
    ("y", "scheme"),
    [
        (Y, "BIO"),
        ([["S-PER", "O", "S-PER"], ["S-PER", "O"], [], ["O"]] * 3, "BIOES"),
        ([["I-PER", "O", "I-PER"], ["I-PER", "O"], [], ["O"]] * 3, "IOB1"),
        ([["U-PER", "O", "U-PER"], ["U-PER", "O"], [], ["O"]] * 3, "BILOU"),
        ([["B", "M", "E"], ["B", "E"], [], ["S"]] * 3, "BMES"),
        ([["NOUN", "VERB", "NOUN"], ["NOUN", "VERB"], [], ["PRON"]] * 3, None),
        ([[1, 0, 1], [1, 0], [], [2]] * 3, None),
    ],
)
def test_scheme_and_classes_are_inferred_from_y(y, scheme):
    tagger = small_tagger(max_epochs=1).fit(X, y)
    assert tagger.scheme_ == tagger.auto_params_["scheme"] == scheme
    assert tagger.classes_.tolist() == sorted({label for row in y for label in row})
    found = {label for row in tagger.predict(X) for label in row}
    assert found <= set(tagger.classes_.tolist())
    assert {type(label) for label in found} == {type(y[0][0])}


def test_labels_that_violate_the_scheme_are_repaired_with_a_warning():
    message = "6 rows of y do not follow .*BIO. Row 0 .*'I-PER' at token 0 .*'B-PER'"
    with pytest.warns(UserWarning, match=message):
        tagger = small_tagger().fit(X, BROKEN)
    assert tagger.classes_.tolist() == ["B-LOC", "B-PER", "O"]
    assert tagger.scheme_ == "BIO"
    repaired = [["B-PER", "O", "B-PER"], ["B-PER", "B-LOC"], [], ["O"]] * 3
    expected = small_tagger().fit(X, repaired).predict_proba(X)
    for found, row in zip(tagger.predict_proba(X), expected, strict=True):
        assert np.array_equal(found, row)


@pytest.mark.parametrize("params", [{"constrained": False}, {"crf": False}])
def test_labels_are_not_repaired_without_constraints(params):
    classes = small_tagger(**params).fit(X, BROKEN).classes_
    assert classes.tolist() == ["B-PER", "I-LOC", "I-PER", "O"]


def test_validation_labels_are_repaired_with_a_warning():
    y = [["B-PER", "I-PER", "O"], *Y[1:]]
    with pytest.warns(UserWarning, match="1 rows of y_val do not follow .* BIO"):
        small_tagger().fit(X, y, X_val=[["Ben"]], y_val=[["I-PER"]])


@pytest.mark.parametrize(
    ("y_val", "message"),
    [
        (
            [["B-LOC"]],
            "1 rows of y_val contain labels that y does not, such as 'B-LOC'. No",
        ),
        ([["person"]], "y_val must contain labels of spans.*BIO.*Got 'person'"),
        ([["O", "O"]], "y_val.*row 0 has 2 labels for 1 tokens"),
        ([["O"], ["O"]], "y_val must hold one target per row of X_val: got 2"),
    ],
)
def test_invalid_y_val_raises(y_val, message):
    with pytest.raises(ValueError, match=message):
        small_tagger().fit(X, Y, X_val=[["Ben"]], y_val=y_val)


def test_validation_rows_with_unknown_labels_are_ignored():
    X_val, y_val = [["Ben"], ["Ray"], ["met"]], [["B-PER"], ["B-LOC"], ["O"]]
    with pytest.warns(
        UserWarning, match="1 rows of y_val contain labels.* 'B-LOC'. They"
    ):
        found = small_tagger().fit(X, Y, X_val=X_val, y_val=y_val)
    expected = small_tagger().fit(X, Y, X_val=X_val[::2], y_val=y_val[::2])
    losses = [[e["valid_loss"] for e in fit.history_] for fit in (found, expected)]
    assert losses[0] == losses[1]


def test_scheme_may_be_set_explicitly():
    spans = [["S-PER", "O", "S-PER"], ["S-PER", "O"], [], ["O"]] * 3
    with pytest.warns(UserWarning, match="'S-PER' at token 0 was replaced by 'B-PER'"):
        tagger = small_tagger(scheme="BIO").fit(X, spans)
    assert tagger.classes_.tolist() == ["B-PER", "O"]
    assert "scheme" not in tagger.auto_params_
    none = small_tagger(scheme=None).fit(X, Y)
    assert none.scheme_ is None
    assert none.module_.decoder.allowed.all()
    outside = [["O"] * len(row) for row in X]
    tagger = small_tagger(scheme="BIO").fit(X, outside)
    assert tagger.score(X, Y) == 0.0  # span F1, although no span is predicted


@pytest.mark.parametrize("params", [{}, {"crf": False}, {"scheme": "IOB1"}])
def test_a_set_scheme_raises_on_labels_without_spans(params):
    with pytest.raises(ValueError, match="y must contain labels of spans.*'noun'"):
        small_tagger(**{"scheme": "BIO", **params}).fit([["a"]], [["noun"]])


def test_a_label_outside_the_scheme_warns():
    y = [["B-PER", "I-PER", "L-PER"], ["B-LOC", "O"], [], ["o"]] * 3
    with pytest.warns(UserWarning, match="'B-LOC' mark spans, but 'o' does not"):
        tagger = small_tagger().fit(X, y)
    assert tagger.scheme_ is None
    small_tagger(scheme=None).fit(X, y)


def test_weights_stay_finite_if_only_empty_rows_have_weight():
    only_empty = [0.0 if row else 1.0 for row in X]
    tagger = small_tagger().fit(X, Y, sample_weight=only_empty)
    assert all(w.isfinite().all() for w in tagger.module_.parameters())


def test_warm_start_raises_on_another_scheme():
    tagger = small_tagger(scheme=None, warm_start=True).fit(X, Y)
    with pytest.raises(ValueError, match="parameters describe another network"):
        tagger.set_params(scheme="BIO").fit(X, Y)
    tagger.set_params(scheme="auto").fit(X, Y)


def test_repair_warning_states_the_original_row():
    X_val, y_val = [["Ray"], ["Ben"], ["met"]], [["B-LOC"], ["B-PER"], ["I-PER"]]
    with pytest.warns(UserWarning, match="rows of y_val") as warned:
        small_tagger().fit(X, Y, X_val=X_val, y_val=y_val)
    repaired, left_out = (str(one.message) for one in warned)
    assert "Row 2 is the first: 'I-PER' at token 0" in repaired
    assert "such as 'B-LOC'. They are ignored" in left_out


# Regular expressions of well-formed rows, with a space behind each label.
WELL_FORMED = {
    "BIO": "O |B-{0} (I-{0} )*",
    "IOB1": "O |I-{0} ((I|B)-{0} )*",
    "BIOES": "O |S-{0} |B-{0} (I-{0} )*E-{0} ",
    "BILOU": "O |U-{0} |B-{0} (I-{0} )*L-{0} ",
    "BMES": "O |S-{0} |B-{0} (M-{0} )*E-{0} ",
}


def is_well_formed(row, scheme):
    spans = "|".join(WELL_FORMED[scheme].format(kind) for kind in ("x", "y"))
    return re.fullmatch(f"({spans})*", "".join(f"{label} " for label in row))


def decoder_of(labels, scheme):
    config = Config.of(BiLSTMTagger())
    classes = np.array(sorted(labels))
    is_constrained = scheme is not None
    return TokenLabelTarget(classes, scheme, is_constrained).decoder(config).double()


@pytest.mark.parametrize("scheme", WELL_FORMED)
@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_decoded_rows_are_well_formed_for_all_emissions(scheme, data):
    kinds = data.draw(st.sampled_from(["x", "xy"]))
    places = {"IOB1": "IB"}.get(scheme, scheme.replace("O", ""))
    labels = ["O", *(f"{place}-{kind}" for place in places for kind in kinds)]
    decoder = decoder_of(labels, scheme)
    n_steps, scale = data.draw(st.integers(1, 9)), data.draw(st.sampled_from([1, 1e5]))
    seed = data.draw(st.integers(0, 2**32 - 1))
    shape = 4, n_steps, len(labels)
    emissions = torch.from_numpy(np.random.RandomState(seed).randn(*shape) * scale)
    mask = torch.arange(n_steps) < torch.tensor([[1], [1], [n_steps], [n_steps]])
    for row, real in zip(decoder.decode(emissions, mask), mask, strict=True):
        found = [sorted(labels)[code] for code in row[real].tolist()]
        assert is_well_formed(found, scheme), found


@pytest.mark.parametrize("n_steps", range(2, 8))
def test_rows_of_spans_alone_are_well_formed(n_steps):
    labels = ["B-x", "E-x", "M-x"]
    emissions = torch.zeros(1, n_steps, 3).double()
    emissions[..., 2] = 50.0
    mask = torch.ones(1, n_steps, dtype=torch.bool)
    row = decoder_of(labels, "BMES").decode(emissions, mask)[0]
    assert is_well_formed([labels[code] for code in row], "BMES")


def test_a_row_too_short_for_a_span_gets_its_most_probable_label():
    decoder = decoder_of(["B-x", "E-x", "M-x"], "BMES")
    emissions = torch.tensor([[[1.0, 3.0, 2.0]]]).double()
    mask = torch.ones(1, 1, dtype=torch.bool)
    assert decoder.decode(emissions, mask).tolist() == [[1]]
    expected = emissions[..., :2].softmax(2)  # "M-x" violates start and end
    torch.testing.assert_close(decoder.marginals(emissions, mask)[..., :2], expected)


def test_labels_without_a_scheme_are_decoded_without_constraints():
    codes = [2, 2, 1, 0]
    emissions = 9.0 * torch.eye(3)[codes][None].double()
    decoder = decoder_of(["B-x", "E-x", "M-x"], None)
    found = decoder.decode(emissions, torch.ones(1, 4, dtype=torch.bool))
    assert found.tolist() == [codes]


def test_a_tagger_of_labels_that_cannot_stand_alone_predicts_whole_spans():
    X, y = [["a", "b", "c"], ["a", "b"]] * 4, [["B-x", "M-x", "E-x"], ["B-x", "E-x"]]
    tagger = small_tagger(max_epochs=1).fit(X, y * 4)
    for row in tagger.predict([["c"] * n for n in range(2, 9)]):
        assert is_well_formed(row, "BMES"), row
    with_single = small_tagger().fit(
        [["a", "b"], ["c"]] * 4, [["B-X", "E-X"], ["S-X"]] * 4
    )
    assert with_single.predict([["a"]]) == [["S-X"]]


def test_labels_that_numpy_would_change_raise():
    with pytest.raises(ValueError, match=r"that a NumPy array can store: got 'a\\x00'"):
        small_tagger().fit([["a", "b"]], [["a", "a\0"]])
    with pytest.raises(
        ValueError, match="that a NumPy array can store: got 9223372036854775809"
    ):
        small_tagger().fit([["a", "b"]], [[-1, 2**63 + 1]])
    with pytest.raises(  # together they would become floats, to which they are equal
        ValueError, match="that a NumPy array can store: got 9223372036854775808"
    ):
        small_tagger().fit([["a", "b"]], [[-1, 2**63]])


@pytest.mark.parametrize("labels", [[2**64 - 1, 2**63], [-(2**63), 2**63 - 1]])
def test_labels_may_be_large_ints(labels):
    tagger = small_tagger().fit([["a", "b"]] * 4, [labels] * 4)
    assert tagger.classes_.tolist() == sorted(labels)


def test_y_without_labels_raises():
    with pytest.raises(ValueError, match="all rows are empty"):
        small_tagger().fit([[], []], [[], []])


# -- the network


def allowed_by(tagger):
    """Return all allowed transitions; None is the start or end of a row."""
    names = [*tagger.classes_.tolist(), None]
    found = np.argwhere(tagger.module_.decoder.allowed.numpy())
    return {(names[i], names[j]) for i, j in found}


def test_scheme_determines_forbidden_transitions():
    bio = small_tagger().fit([["a", "b", "c"]], [["B-X", "I-X", "O"]])
    every = {
        (a, b) for a in ("B-X", "I-X", "O", None) for b in ("B-X", "I-X", "O", None)
    }
    assert every - allowed_by(bio) == {("O", "I-X"), (None, "I-X")}
    bioes = small_tagger().fit([["a", "b", "c"]], [["B-X", "E-X", "O"]])
    labels = {("B-X", "O"), ("B-X", "B-X"), ("B-X", None), ("O", "E-X"), (None, "E-X")}
    impossible = {("E-X", "E-X")} | labels
    every = {
        (a, b) for a in ("B-X", "E-X", "O", None) for b in ("B-X", "E-X", "O", None)
    }
    assert every - allowed_by(bioes) == impossible


@pytest.mark.parametrize(
    ("params", "labels"),
    [({"constrained": False}, ["B-X", "I-X"]), ({}, ["I-X", "O"]), ({}, ["N", "V"])],
    ids=["constrained=False", "IOB1", "no spans"],
)
def test_all_transitions_are_allowed_without_constraints(params, labels):
    tagger = small_tagger(**params).fit([["a", "b"]], [labels])
    assert tagger.module_.decoder.allowed.all()


def test_decoder_and_character_layer_depend_on_parameters():
    assert isinstance(small_tagger().fit(X, Y).module_.decoder, CRF)
    without_crf = small_tagger(crf=False, n_character_filters=0).fit(X, Y).module_
    assert isinstance(without_crf.decoder, IndependentLabels)
    assert without_crf.characters is None
    assert small_tagger().fit(IDS, Y).module_.characters is None


def test_embedding_dropout_applies_to_character_features():
    tagger = small_tagger(embedding_dropout=0.4).fit(X, Y)
    assert tagger.module_.characters.config["dropout"] == 0.4


def test_weight_decay_excludes_biases_embeddings_and_transitions():
    tagger = small_tagger(weight_decay=0.1).fit(X, Y)
    decay_of = {
        weight: group["weight_decay"]
        for group in tagger.net_.optimizer_.param_groups
        for weight in group["params"]
    }
    for name, weight in tagger.module_.named_parameters():
        excluded = "bias" in name or "embedding" in name or "decoder" in name
        assert decay_of[weight] == (0.0 if excluded else 0.1), name


def test_only_classes_of_a_scheme_must_mark_spans_to_be_restored():
    classes = np.array(["ADJ", "NOUN"])
    state = TokenLabelTarget(classes, scheme=None, is_constrained=False).state()
    assert TokenLabelTarget.from_state(state).classes.tolist() == ["ADJ", "NOUN"]
    with pytest.raises(ValueError, match="ADJ"):
        TokenLabelTarget.from_state({**state, "scheme": "BIO"})
