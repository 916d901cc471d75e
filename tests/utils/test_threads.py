import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from sklearn_bilstm.utils._threads import Workers


@pytest.fixture(autouse=True)
def three_threads():
    """As many as no machine has by chance, to see what comes back."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(n_threads)


def in_a_new_thread(function):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function).result()


def test_items_are_worked_on_in_several_threads_and_come_back_in_order():
    meet = threading.Barrier(2, timeout=10)  # broken unless two work at the same time
    with Workers(2) as workers:
        names = list(workers.map(lambda _: (meet.wait(), threading.get_ident()), "ab"))
        doubled = list(workers.map(lambda a, b: a * b, [1, 2, 3], [4, 5, 6]))
    assert len({ident for _, ident in names}) == 2
    assert doubled == [4, 10, 18]


def test_torch_keeps_to_one_core_inside_and_to_what_it_had_outside():
    with Workers(2) as workers:
        assert list(workers.map(lambda _: torch.get_num_threads(), "abcd")) == [1] * 4
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 3
    assert in_a_new_thread(torch.get_num_threads) == 3


def test_there_are_as_many_threads_as_torch_is_allowed():
    before = threading.active_count()
    with Workers():
        assert threading.active_count() == before + 3


def test_there_are_no_more_threads_than_there_is_work_for():
    before = threading.active_count()
    with Workers(at_most=2):
        assert threading.active_count() == before + 2
    with Workers(1, at_most=2):
        assert threading.active_count() == before + 1


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_no_thread_is_left_behind(error):
    before = threading.active_count()
    with pytest.raises(error), Workers(2):
        raise error
    assert threading.active_count() == before
    assert torch.get_num_threads() == 3


def test_an_error_in_a_thread_passes_on():
    with pytest.raises(ZeroDivisionError), Workers(2) as workers:
        list(workers.map(lambda x: 1 / x, [1, 0]))


def test_pools_that_overlap_in_time_leave_nothing_changed():
    both_are_open, one_is_closed = threading.Barrier(2), threading.Event()

    def second():
        with Workers() as workers:
            both_are_open.wait(10)
            one_is_closed.wait(10)
            return len(set(workers.map(lambda _: threading.get_ident(), range(50))))

    with ThreadPoolExecutor(1) as pool:
        with Workers():
            ran = pool.submit(second)
            both_are_open.wait(10)
        one_is_closed.set()
        assert ran.result() >= 1
    assert torch.get_num_threads() == 3
    assert in_a_new_thread(torch.get_num_threads) == 3
