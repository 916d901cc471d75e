import pickle
import signal
import threading
import time
from _thread import interrupt_main

import numpy as np
import pytest
import torch
from torch import distributed

from sklearn_bilstm.utils._agreement import check_agreement
from sklearn_bilstm.utils._process_group import ProcessGroup
from tests.processes import Processes

pytestmark = pytest.mark.skipif(
    not distributed.is_available(), reason="this build of torch has no distributed"
)


@pytest.fixture(scope="module")
def processes():
    three = Processes(3)
    yield three
    three.close()


def exchange(rank):
    group = ProcessGroup.current()
    return (
        group.gather(rank),
        group.all_gather(rank),
        group.broadcast(f"of {rank}"),
        group.from_first(lambda: rank),
    )


def test_objects_are_exchanged_in_the_order_of_ranks(processes):
    for rank, found in enumerate(processes.call(exchange)):
        assert found == ([0, 1, 2] * (rank == 0), [0, 1, 2], "of 0", 0)


def all_reduce(rank):
    values = torch.tensor(np.random.RandomState(rank).rand(1000), dtype=torch.float32)
    group = ProcessGroup.current()
    return values.numpy(), group.all_reduce(values).numpy(), group.n_bytes


def test_sums_have_the_same_bits_in_all_processes(processes):
    found = processes.call(all_reduce)
    parts, sums, n_bytes = zip(*found, strict=True)
    np.testing.assert_allclose(sums[0], sum(parts), rtol=1e-6)
    assert all(np.array_equal(total, sums[0]) for total in sums)
    assert set(n_bytes) == {4 * (1000 + 3)}


def share(rank):
    group = ProcessGroup.current()
    return [list(group.share_of(n)) for n in range(8)]


def test_items_are_shared_without_gaps_and_the_first_process_has_the_only_one(
    processes,
):
    for n, of_ranks in enumerate(zip(*processes.call(share), strict=True)):
        assert [item for items in of_ranks for item in items] == list(range(n))
        assert max(map(len, of_ranks)) <= -(-n // 3)
        assert n == 0 or of_ranks[0]


def fail(rank, where):
    group = ProcessGroup.current()
    with group.sharing_failures():
        if where == "between" and rank == 1:
            raise OSError("no space")
        if where == "within":
            group.all_reduce(torch.zeros(2), failed=rank == 1)
            if rank == 1:
                raise OSError("no space")
        if where == "first":
            group.from_first(lambda: 1 / 0)
        group.broadcast(None)


@pytest.mark.parametrize("where", ["between", "within"])
def test_a_failure_of_one_process_stops_all(processes, where):
    first, second, third = processes.call(fail, where)
    assert type(second) is OSError
    for error in (first, third):
        with pytest.raises(RuntimeError, match=r"processes \[1\] failed or were"):
            raise error


def test_an_error_of_the_first_process_is_raised_in_all(processes):
    for error in processes.call(fail, "first"):
        assert type(error) is ZeroDivisionError


class UnpicklableError(Exception):
    def __init__(self, name, reason):
        super().__init__(f"{name}: {reason}")


def fail_in_first(rank):
    def fail():
        raise UnpicklableError("file", "not found")

    group = ProcessGroup.current()
    try:
        with group.sharing_failures():
            group.from_first(fail)
    except Exception as error:
        return repr(error)


def test_an_error_of_the_first_process_need_not_be_picklable(processes):
    first, *others = processes.call(fail_in_first)
    assert first == "UnpicklableError('file: not found')"
    assert others == ["RuntimeError('UnpicklableError: file: not found')"] * 2


def send_a_function(rank, method):
    group = ProcessGroup.current()
    with group.sharing_failures():
        getattr(group, method)(None if rank else lambda: 0)


@pytest.mark.parametrize("method", ["gather", "all_gather", "broadcast"])
def test_an_object_that_cannot_be_pickled_raises_in_all_processes(processes, method):
    first, *others = processes.call(send_a_function, method)
    with pytest.raises((AttributeError, pickle.PicklingError), match="lambda"):
        raise first
    for error in others:
        with pytest.raises(RuntimeError, match=r"processes \[0\] failed or were"):
            raise error


def fail_at_the_end(rank):
    group = ProcessGroup.current()
    with group.sharing_failures():
        group.broadcast(None, is_last=True)
        if rank == 1:
            raise OSError("no space")


def test_an_error_after_the_last_exchange_does_not_wait_for_the_others(processes):
    first, second, third = processes.call(fail_at_the_end)
    assert first is third is None
    assert type(second) is OSError


def interrupt_an_exchange(rank, name):
    signal.signal(signal.SIGINT, signal.default_int_handler)
    group = ProcessGroup.current()
    if rank == 1:
        threading.Timer(0.1, interrupt_main).start()
    else:
        time.sleep(0.4)
    with group.sharing_failures():
        if name == "last":
            group.broadcast(None, is_last=True)
        if name == "first":
            group.from_first(lambda: 1 / 0)
        if name == "agreement":
            check_agreement(group, {"the rank": str(rank)})


@pytest.mark.parametrize(
    ("name", "others"),
    [("last", type(None)), ("first", ZeroDivisionError), ("agreement", ValueError)],
)
def test_ctrl_c_in_an_exchange_after_which_all_leave_is_not_shared(
    processes, name, others
):
    first, second, third = processes.call(interrupt_an_exchange, name)
    assert type(second) is KeyboardInterrupt
    assert type(first) is type(third) is others


def fail_alone(rank):
    if rank == 0:
        with ProcessGroup.current().sharing_failures():
            raise OSError("no space")


def test_an_error_is_kept_if_the_others_are_lost(processes):
    error, *_ = processes.call(fail_alone)
    assert type(error) is OSError


def end(rank):
    return ProcessGroup.current().check(ends=rank == 2)


def test_all_processes_know_if_one_ends_the_training(processes):
    assert processes.call(end) == [True] * 3


def test_there_is_no_group_unless_one_is_initialised():
    assert ProcessGroup.current() is None
