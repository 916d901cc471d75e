import pytest

from sklearn_bilstm.utils._words import ids_of_characters, ids_of_tokens


def test_a_token_falls_back_to_its_lowercase_form():
    vocabulary = {"the": 2, "The": 3}
    found = ids_of_tokens(["the", "The", "THE", "cat", ""], vocabulary)
    assert found.tolist() == [2, 3, 2, 1, 1]


@pytest.mark.parametrize("length", [0, 19, 20, 21, 1000])
def test_long_tokens_keep_their_first_and_last_ten_characters(length):
    token = "a" * (length // 2) + "b" * (length - length // 2)
    (ids,) = ids_of_characters([token], {"a": 2})
    kept = token if length <= 20 else token[:10] + token[-10:]
    assert ids[ids > 0].tolist() == [2 if c == "a" else 1 for c in kept]
    assert (ids[len(kept) :] == 0).all()
