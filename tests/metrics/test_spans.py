import itertools
import re

import pytest

from sklearn_bilstm.metrics import Span, find_spans


def chunks_of_conlleval(labels):
    """Find chunks by the two rules of conlleval.pl, for chunk starts and chunk ends."""
    found, start = [], None
    previous, previous_kind = "O", ""
    for token, label in enumerate([*labels, "O"]):
        place, _, kind = label.partition("-")
        ends = (
            (previous in "BI" and place in "BSO")
            or previous in "ES"
            or (previous != "O" and previous_kind != kind)
        )
        begins = (
            place in "BS"
            or (previous in "ESO" and place in "IE")
            or (place != "O" and previous_kind != kind)
        )
        if start is not None and ends:
            found.append((previous_kind, start, token))
            start = None
        if begins:
            start = token
        previous, previous_kind = place, kind
    return found


@pytest.mark.parametrize(
    ("labels", "spans"),
    [
        ([], []),
        (["O", "O"], []),
        (["B-PER", "I-PER", "O", "B-LOC"], [("PER", 0, 2), ("LOC", 3, 4)]),
        (["B-PER", "B-PER"], [("PER", 0, 1), ("PER", 1, 2)]),
        (["I-PER", "I-PER", "B-PER"], [("PER", 0, 2), ("PER", 2, 3)]),  # IOB1
        (["S-PER", "B-LOC", "I-LOC", "E-LOC"], [("PER", 0, 1), ("LOC", 1, 4)]),
        (["I-PER", "I-LOC"], [("PER", 0, 1), ("LOC", 1, 2)]),
        (["E-PER", "E-PER"], [("PER", 0, 1), ("PER", 1, 2)]),
        (["B", "I", "O", "B"], [("", 0, 2), ("", 3, 4)]),
        (["B-a-b", "I-a-b"], [("a-b", 0, 2)]),
        (["U-PER", "B-LOC", "I-LOC", "L-LOC"], [("PER", 0, 1), ("LOC", 1, 4)]),
        (["S", "B", "M", "E"], [("", 0, 1), ("", 1, 4)]),
    ],
)
def test_find_spans_of_hand_made_labels(labels, spans):
    assert find_spans(labels) == [Span(*span) for span in spans]


def test_find_spans_of_all_short_sequences_equals_conlleval():
    labels = ["O", *(f"{place}-{kind}" for place in "BIES" for kind in "xy")]
    for sequence in itertools.product(labels, repeat=4):
        assert find_spans(sequence) == chunks_of_conlleval(sequence), sequence


@pytest.mark.parametrize("label", ["PER", "X-PER", "O-PER", "", 3])
def test_a_label_of_no_scheme_raises(label):
    with pytest.raises(
        ValueError, match=rf"such as 'B-PER'. Got {re.escape(repr(label))}"
    ):
        find_spans(["O", label])
