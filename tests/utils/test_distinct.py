import pytest
import torch

from sklearn_bilstm.utils._distinct import distinct_rows


@pytest.mark.parametrize("shape", [(1, 1), (50, 1), (200, 3), (30, 8), (0, 4)])
@pytest.mark.parametrize("dtype", [torch.int64, torch.int32])
def test_distinct_rows_are_those_of_a_set(shape, dtype, generator):
    matrix = torch.randint(-2, 3, shape, generator=generator).to(dtype)
    distinct, index = distinct_rows(matrix)
    assert torch.equal(distinct[index], matrix)
    found = [tuple(row) for row in distinct.tolist()]
    assert len(found) == len(set(found))
    assert set(found) == {tuple(row) for row in matrix.tolist()}


def test_rows_of_a_view_are_compared():
    matrix = torch.arange(12).view(3, 4) % 4
    distinct, index = distinct_rows(matrix.T)
    assert len(distinct) == 4
    assert torch.equal(distinct[index], matrix.T)
