import numpy as np

from sklearn_bilstm.sequences import RaggedArray, SequenceDataset, TokenCharacters

SEQUENCES = RaggedArray(np.array([2, 3, 4], np.int32), np.array([0, 1, 3]))


def make_dataset():
    return SequenceDataset(SEQUENCES, np.array([1, 0]), np.array([0.5, 1.5]))


def test_an_item_is_a_batch_of_the_rows_asked_for():
    inputs, target = make_dataset()[np.array([1, 0])]
    assert inputs["steps"].tolist() == [[3, 4], [2, 0]]
    assert inputs["mask"].tolist() == [[True, True], [True, False]]
    assert target["target"].tolist() == [0, 1]
    assert target["weight"].tolist() == [1.5, 0.5]


def test_weights_are_one_if_there_are_none():
    assert SequenceDataset(SEQUENCES)[np.array([0, 1])][1]["weight"].tolist() == [1, 1]


def test_taking_rows_keeps_targets_and_weights_with_them():
    dataset = make_dataset().take(np.array([1]))
    assert len(dataset) == 1
    inputs, target = dataset[np.array([0])]
    assert inputs["steps"].tolist() == [[3, 4]]
    assert (target["target"].item(), target["weight"].item()) == (0, 1.5)


def test_log_odds_is_padded_with_its_steps_and_taken_with_its_rows():
    channels = RaggedArray(np.array([[1.0, 2], [3, 4], [5, 6]]), SEQUENCES.offsets)
    dataset = SequenceDataset(SEQUENCES, log_odds=channels)
    inputs, _ = dataset[np.array([0, 1])]
    assert inputs["log_odds"].tolist() == [[[1, 2], [0, 0]], [[3, 4], [5, 6]]]
    inputs, _ = dataset.take(np.array([1]))[np.array([0])]
    assert inputs["log_odds"].tolist() == [[[3, 4], [5, 6]]]


def test_numbers_beside_a_sequence_go_with_its_row():
    static = np.array([[1.0, 2], [3, 4]], np.float32)
    dataset = SequenceDataset(SEQUENCES, static=static)
    inputs, _ = dataset[np.array([1, 0])]
    assert inputs["static"].tolist() == [[3, 4], [1, 2]]
    inputs, _ = dataset.take(np.array([1]))[np.array([0])]
    assert inputs["static"].tolist() == [[3, 4]]


def test_what_there_is_not_is_no_input():
    inputs, _ = make_dataset()[np.array([0])]
    assert inputs.keys() == {"steps", "mask"}


def test_targets_of_steps_are_padded_with_what_is_no_label():
    labels = RaggedArray(np.array([0, 2, 1]), SEQUENCES.offsets)
    dataset = SequenceDataset(SEQUENCES, labels)
    _, target = dataset[np.array([0, 1])]
    assert target["target"].tolist() == [[0, -1], [2, 1]]
    _, target = dataset.take(np.array([1]))[np.array([0])]
    assert target["target"].tolist() == [[2, 1]]


def test_characters_go_with_their_steps():
    codes = RaggedArray(np.array([1, 0, 1]), SEQUENCES.offsets)
    spelling = TokenCharacters(codes, np.array([[5, 6], [7, 0]]))
    dataset = SequenceDataset(SEQUENCES, characters=spelling)
    inputs, _ = dataset[np.array([1, 0])]
    assert inputs["characters"].tolist() == [[[5, 6], [7, 0]], [[7, 0], [0, 0]]]
    inputs, _ = dataset.take(np.array([1]))[np.array([0])]
    assert inputs["characters"].tolist() == [[[5, 6], [7, 0]]]
