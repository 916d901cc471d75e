import numpy as np

from sklearn_bilstm.sequences import RaggedArray, SequenceDataset, TokenCharacters

SEQUENCES = RaggedArray(np.array([2, 3, 4], np.int32), np.array([0, 1, 3]))


def make_dataset():
    return SequenceDataset(SEQUENCES, np.array([1, 0]), np.array([0.5, 1.5]))


def test_an_item_is_a_batch_of_the_given_rows():
    inputs, target = make_dataset()[np.array([1, 0])]
    assert inputs["steps"].tolist() == [[3, 4], [2, 0]]
    assert inputs["mask"].tolist() == [[True, True], [True, False]]
    assert target["target"].tolist() == [0, 1]
    assert target["weight"].tolist() == [1.5, 0.5]


def test_weights_default_to_one():
    assert SequenceDataset(SEQUENCES)[np.array([0, 1])][1]["weight"].tolist() == [1, 1]


def test_take_keeps_targets_and_weights():
    dataset = make_dataset().take(np.array([1]))
    assert len(dataset) == 1
    inputs, target = dataset[np.array([0])]
    assert inputs["steps"].tolist() == [[3, 4]]
    assert (target["target"].item(), target["weight"].item()) == (0, 1.5)


def test_log_odds_are_padded_and_taken_with_their_rows():
    channels = RaggedArray(np.array([[1.0, 2], [3, 4], [5, 6]]), SEQUENCES.offsets)
    dataset = SequenceDataset(SEQUENCES, log_odds=channels)
    inputs, _ = dataset[np.array([0, 1])]
    assert inputs["log_odds"].tolist() == [[[1, 2], [0, 0]], [[3, 4], [5, 6]]]
    inputs, _ = dataset.take(np.array([1]))[np.array([0])]
    assert inputs["log_odds"].tolist() == [[[3, 4], [5, 6]]]


def test_static_features_follow_their_rows():
    static = np.array([[1.0, 2], [3, 4]], np.float32)
    dataset = SequenceDataset(SEQUENCES, static=static)
    inputs, _ = dataset[np.array([1, 0])]
    assert inputs["static"].tolist() == [[3, 4], [1, 2]]
    inputs, _ = dataset.take(np.array([1]))[np.array([0])]
    assert inputs["static"].tolist() == [[3, 4]]


def test_absent_features_are_not_in_the_inputs():
    inputs, _ = make_dataset()[np.array([0])]
    assert inputs.keys() == {"steps", "mask"}


def test_step_targets_are_padded_with_minus_one():
    labels = RaggedArray(np.array([0, 2, 1]), SEQUENCES.offsets)
    dataset = SequenceDataset(SEQUENCES, labels)
    _, target = dataset[np.array([0, 1])]
    assert target["target"].tolist() == [[0, -1], [2, 1]]
    _, target = dataset.take(np.array([1]))[np.array([0])]
    assert target["target"].tolist() == [[2, 1]]


def test_characters_follow_their_steps():
    codes = RaggedArray(np.array([1, 0, 1]), SEQUENCES.offsets)
    characters = TokenCharacters(codes, np.array([[5, 6], [7, 0]]))
    dataset = SequenceDataset(SEQUENCES, characters=characters)
    inputs, _ = dataset[np.array([1, 0])]
    assert inputs["characters"].tolist() == [[[5, 6], [7, 0]], [[7, 0], [0, 0]]]
    inputs, _ = dataset.take(np.array([1]))[np.array([0])]
    assert inputs["characters"].tolist() == [[[5, 6], [7, 0]]]


def test_numbers_of_steps_are_padded_with_nan():
    numbers = RaggedArray(np.array([[1.0, 2], [3, 4], [5, 6]]), SEQUENCES.offsets)
    _, target = SequenceDataset(SEQUENCES, numbers)[np.array([1, 0])]
    expected = [[[3, 4], [5, 6]], [[1, 2], [np.nan, np.nan]]]
    np.testing.assert_array_equal(target["target"].numpy(), expected)
