import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from sklearn_bilstm.sequences import RaggedArray, cut, pad


def ragged(lengths, n_channels=None):
    offsets = np.cumsum([0, *lengths])
    if n_channels is None:
        return RaggedArray(np.arange(1, offsets[-1] + 1, dtype=np.int32), offsets)
    values = np.arange(offsets[-1] * n_channels, dtype=np.float32)
    return RaggedArray(values.reshape(-1, n_channels), offsets)


def test_ids_are_padded_to_int64():
    steps, mask = pad(ragged([2, 1]), np.array([1, 0]))
    assert steps.tolist() == [[3, 0], [1, 2]]
    assert mask.tolist() == [[True, False], [True, True]]
    assert steps.dtype == torch.int64


def test_channels_are_padded_to_float32():
    steps, _ = pad(ragged([1, 2], n_channels=2), np.array([0, 1]))
    assert steps.tolist() == [[[0, 1], [0, 0]], [[2, 3], [4, 5]]]
    assert steps.dtype == torch.float32


@given(lengths=st.lists(st.integers(0, 90), min_size=1, max_size=9), data=st.data())
def test_shards_contain_the_rows_of_a_batch_in_order(lengths, data):
    n_shards = data.draw(st.integers(1, len(lengths)))
    steps, mask = pad(ragged(lengths), np.arange(len(lengths)))
    target = {"target": torch.arange(len(lengths))}
    shards = cut(({"steps": steps, "mask": mask}, target), n_shards, 10**6)
    sizes = [len(inputs["mask"]) for inputs, _ in shards]
    assert len(sizes) == n_shards
    assert max(sizes) - min(sizes) <= 1
    assert torch.cat([part["target"] for _, part in shards]).equal(target["target"])
    tokens = [inputs["steps"][inputs["mask"]] for inputs, _ in shards]
    assert torch.cat(tokens).equal(steps[mask])


@given(
    lengths=st.lists(st.integers(0, 90), min_size=1, max_size=20),
    max_steps=st.integers(1, 300),
)
def test_shards_have_at_most_max_steps_unless_single_row(lengths, max_steps):
    lengths = sorted(lengths, reverse=True)
    steps, mask = pad(ragged(lengths), np.arange(len(lengths)))
    target = {"target": torch.arange(len(lengths))}
    shards = cut(({"steps": steps, "mask": mask}, target), 1, max_steps)
    assert torch.cat([part["target"] for _, part in shards]).equal(target["target"])
    tokens = [inputs["steps"][inputs["mask"]] for inputs, _ in shards]
    assert torch.cat(tokens).equal(steps[mask])
    for inputs, _ in shards:
        assert len(inputs["mask"]) == 1 or inputs["mask"].numel() <= max_steps


def test_a_long_row_is_cut_off_from_short_ones_and_long_rows_stay_together():
    def sizes(*lengths):
        steps, mask = pad(ragged(lengths), np.arange(len(lengths)))
        target = {"target": torch.zeros(len(lengths))}
        shards = cut(({"steps": steps, "mask": mask}, target), 1, 2**16)
        return [len(inputs["mask"]) for inputs, _ in shards]

    assert sizes(10_000, *[5] * 3) == [1, 1, 2]
    assert sizes(*[10_000] * 4) == [4]
    assert sizes(500, *[5] * 7) == [8]


def test_a_shard_is_as_wide_as_its_longest_row():
    steps, mask = pad(ragged([20, 9, 5, 0]), np.arange(4))
    shards = cut(({"steps": steps, "mask": mask}, {"target": torch.zeros(4)}), 2, 10**6)
    assert [inputs["steps"].shape for inputs, _ in shards] == [(2, 20), (2, 5)]


def test_static_features_follow_their_rows_without_trimming():
    steps, mask = pad(ragged([3, 1, 1]), np.arange(3))
    static = torch.arange(12).view(3, 4)
    batch = {"steps": steps, "mask": mask, "static": static}
    shards = cut((batch, {"target": torch.zeros(3)}), 3, 10**6)
    assert [inputs["steps"].shape[1] for inputs, _ in shards] == [3, 1, 1]
    assert torch.equal(torch.cat([inputs["static"] for inputs, _ in shards]), static)
