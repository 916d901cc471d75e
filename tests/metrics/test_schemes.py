import itertools

import pytest

from sklearn_bilstm.metrics import (
    allowed_transitions,
    convert_to_scheme,
    find_scheme,
    find_spans,
)

KINDS = "xy"
SCHEMES = ["BIO", "BIOES", "BILOU", "BMES", "IOB1"]


def labels_of(scheme):
    places = "IB" if scheme == "IOB1" else scheme.replace("O", "")
    return ["O", *(f"{place}-{kind}" for place in places for kind in KINDS)]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_allowed_transitions_are_those_that_convert_to_scheme_leaves_unchanged(scheme):
    labels = labels_of(scheme)
    allowed = allowed_transitions(labels, scheme)
    for codes in itertools.product(range(len(labels)), repeat=3):
        row = [labels[code] for code in codes]
        path = [len(labels), *codes, len(labels)]
        found = all(allowed[pair] for pair in itertools.pairwise(path))
        assert found == (convert_to_scheme(row, scheme) == row), row


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("other", SCHEMES)
def test_convert_to_scheme_preserves_spans(scheme, other):
    for row in itertools.product(labels_of(other), repeat=3):
        converted = convert_to_scheme(row, scheme)
        assert find_spans(converted) == find_spans(row), row
        assert set(converted) <= set(labels_of(scheme))


def test_convert_to_scheme_converts_hand_made_labels():
    labels = ["B-x", "I-x", "E-x", "S-x"]
    assert convert_to_scheme(labels, "BIO") == ["B-x", "I-x", "I-x", "B-x"]
    assert convert_to_scheme(labels, "BILOU") == ["B-x", "I-x", "L-x", "U-x"]
    assert convert_to_scheme(labels, "BMES") == ["B-x", "M-x", "E-x", "S-x"]
    assert convert_to_scheme(labels, "IOB1") == ["I-x", "I-x", "I-x", "B-x"]
    assert convert_to_scheme(["B-x", "B-y"], "IOB1") == ["I-x", "I-y"]


@pytest.mark.parametrize(
    ("rows", "scheme"),
    [
        ([["O", "B-PER", "I-PER"], ["I-LOC"], ["B-LOC"]], "BIO"),
        ([["O", "S-PER"]], "BIOES"),
        ([["I-PER", "I-PER", "B-PER"], ["I-LOC", "O"]], "IOB1"),
        ([["NOUN", "VERB"]], None),
        ([["O", "O"], []], "BIO"),
        ([[], []], None),
        ([[1, 2]], None),
        ([["B", "I", "O"]], "BIO"),
        ([["B", "M", "E"], ["S"]], "BMES"),
        ([["B-PER", "L-PER", "O"]], "BILOU"),
        ([["U-PER", "O"]], "BILOU"),
        ([["B-PER", "L-PER", "S-PER", "B-LOC", "L-LOC"]], "BILOU"),
        ([["B-PER", "I-PER", "B-LOC", "I-LOC", "S-LOC"]], "BIO"),
        ([["B", "E"], ["E", "E"]], None),  # such as buried and exposed
        ([["S", "M", "L"]], None),  # sizes
        ([["S", "M"], ["M", "M"]], None),
        ([["M", "O"]], None),
        ([["B-PER", "o"]], None),
    ],
)
def test_find_scheme_of_hand_made_labels(rows, scheme):
    assert find_scheme(rows) == scheme


def test_convert_to_scheme_accepts_labels_without_a_kind():
    assert convert_to_scheme(["I", "I", "O", "B"], "BIO") == ["B", "I", "O", "B"]


@pytest.mark.parametrize("scheme", ["IOB", "bio", None])
def test_unsupported_schemes_raise(scheme):
    with pytest.raises(ValueError, match=r"scheme must be one of \['BIO'.*Got"):
        convert_to_scheme(["O"], scheme)
    with pytest.raises(ValueError, match=r"scheme must be one of \['BIO'.*Got"):
        allowed_transitions(["O"], scheme)


def test_allowed_transitions_raises_on_labels_without_spans():
    with pytest.raises(ValueError, match="Got 'NOUN'"):
        allowed_transitions(["B-x", "NOUN"], "BIO")
