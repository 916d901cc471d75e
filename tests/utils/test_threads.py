import gc
import os
import re
import signal
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from operator import length_hint

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info, threadpool_limits

from sklearn_bilstm.utils import _threads
from sklearn_bilstm.utils._interrupts import call_within
from sklearn_bilstm.utils._threads import SingleThread, Workers, single_threaded
from tests.helpers import Trace


@pytest.fixture(autouse=True)
def three_threads():
    """As many as no machine has by chance, to see what comes back."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(3)
    limits = set_threads_of_blas(3)
    yield
    torch.set_num_threads(n_threads)
    in_a_new_thread(limits.restore_original_limits)


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="requires fork")


def in_a_new_thread(function):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function).result()


def set_threads_of_blas(n_threads):
    # threadpoolctl lets no other thread set a number until this one has ended
    return in_a_new_thread(lambda: threadpool_limits(n_threads, "blas"))


def assert_all_is_as_it_was():
    assert torch.get_num_threads() == 3
    assert in_a_new_thread(torch.get_num_threads) == 3
    assert not Workers._active


def threads_of_blas():
    np.ones((2, 2)) @ np.ones((2, 2))
    return [x["num_threads"] for x in threadpool_info() if x["user_api"] == "blas"]


def threads_of_mkl():
    """The number that the MKL of torch uses in this thread, if torch has it."""
    found = re.search(
        r"mkl_get_max_threads\(\) : (\d+)", torch.__config__.parallel_info()
    )
    return 3 if found is None else int(found[1])


def wait_for(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline


def meeting(n_threads):
    """A function that returns only when as many threads have called it."""
    barrier = threading.Barrier(n_threads, timeout=10)
    return lambda _: (barrier.wait(), threading.get_ident())[1]


@pytest.mark.parametrize(("asked_for", "expected"), [(2, 2), (None, 3)])
def test_workers_run_concurrently(asked_for, expected):
    with Workers(asked_for) as workers:
        found = workers.map(meeting(expected), range(expected))
        assert len(set(found)) == expected
        assert threading.get_ident() in found
        again = workers.map(lambda _: threading.get_ident(), range(50))
    assert set(again) <= set(found)


@pytest.mark.parametrize(("n_threads", "n_items"), [(1, 9), (3, 1), (3, 0)])
def test_no_thread_is_started_without_an_item(n_threads, n_items):
    before = threading.active_count()
    with Workers(n_threads) as workers:
        found = workers.map(lambda _: threading.get_ident(), range(n_items))
        assert found == [threading.get_ident()] * n_items
        assert threading.active_count() == before


def test_map_keeps_the_order_of_items():
    with Workers(3) as workers:
        assert workers.map(lambda a, b: a * b, [1, 2, 3], [4, 5, 6]) == [4, 10, 18]


def test_workers_limit_torch_to_one_thread_and_restore_it():
    with Workers(2) as workers:
        assert workers.map(lambda _: torch.get_num_threads(), "abcd") == [1] * 4
        assert torch.get_num_threads() == 1
    assert_all_is_as_it_was()


def threads_before_within_and_after():
    before = torch.get_num_threads()
    with SingleThread():
        within = torch.get_num_threads()
    return before, within, torch.get_num_threads()


def test_a_context_does_not_limit_other_threads():
    with ThreadPoolExecutor(1) as pool:
        with SingleThread():
            found = pool.submit(threads_before_within_and_after).result()
            assert found == (3, 1, 3)
            assert in_a_new_thread(torch.get_num_threads) == 3
        assert pool.submit(torch.get_num_threads).result() == 3
        assert_all_is_as_it_was()


@pytest.mark.skipif(not torch.backends.mkl.is_available(), reason="requires MKL")
def test_matrix_products_keep_to_one_core():
    with SingleThread():
        assert threads_of_mkl() == 1
        assert in_a_new_thread(threads_of_mkl) == 3
    assert threads_of_mkl() == 3


def test_a_number_that_is_set_within_a_context_is_kept():
    with SingleThread():
        with SingleThread():
            torch.set_num_threads(4)
        assert torch.get_num_threads() == 4
        with SingleThread():
            assert torch.get_num_threads() == 1
            assert SingleThread.n_available() == 4
    assert torch.get_num_threads() == SingleThread.n_available() == 4
    assert in_a_new_thread(torch.get_num_threads) == 4


def test_a_number_of_blas_that_is_set_within_a_context_is_kept():
    with SingleThread(blas=True):
        set_threads_of_blas(2)
    assert set(threads_of_blas()) == {2}


def test_all_is_restored_where_torch_can_only_be_limited_as_a_whole(monkeypatch):
    fallback = torch.set_num_threads, None
    monkeypatch.setattr(_threads, "_functions_of_this_thread", lambda: fallback)
    with Workers(2) as workers:
        assert workers.map(lambda _: torch.get_num_threads(), "abcd") == [1] * 4
        assert torch.get_num_threads() == 1
    assert_all_is_as_it_was()


def test_the_number_outside_of_all_contexts_is_known_within():
    with SingleThread(), SingleThread():
        assert SingleThread.n_available() == 3
    torch.set_num_threads(1)
    with SingleThread():
        assert SingleThread.n_available() == 1


def in_a_forked_process(function):
    """Return what a function returns that returns a list of small numbers."""
    reads, writes = os.pipe()
    process = os.fork()
    if process == 0:
        try:
            os.write(writes, bytes(function()))
        finally:
            os._exit(0)
    os.close(writes)
    with os.fdopen(reads, "rb") as pipe:
        found = pipe.read()
    os.waitpid(process, 0)
    return list(found)


def numbers_of_all_threads():
    new = in_a_new_thread(torch.get_num_threads)
    return [torch.get_num_threads(), new, *threads_of_blas()]


@needs_fork
def test_a_process_that_is_forked_meanwhile_is_not_limited():
    inside, forked = threading.Event(), threading.Event()

    @single_threaded(blas=True)
    def fit():
        inside.set()
        forked.wait(10)

    before = numbers_of_all_threads()
    with ThreadPoolExecutor(1) as pool:
        fitted = pool.submit(fit)
        inside.wait(10)
        found = in_a_forked_process(numbers_of_all_threads)
        assert set(threads_of_blas()) == {1}
        forked.set()
        fitted.result()
    assert found == numbers_of_all_threads() == before


@needs_fork
def test_a_process_that_is_forked_within_a_context_limits_no_other_thread():
    def numbers_of_other_threads():
        return [in_a_new_thread(torch.get_num_threads), *threads_of_blas()]

    before = numbers_of_other_threads()
    with SingleThread(blas=True):
        assert in_a_forked_process(numbers_of_other_threads) == before


def test_blas_is_limited_to_one_thread_if_requested():
    before = threads_of_blas()
    with SingleThread(blas=True):
        assert set(threads_of_blas()) == {1}
    assert threads_of_blas() == before


def threads_of_blas_in_a_context():
    with SingleThread(blas=True):
        return threads_of_blas()


def test_blas_is_limited_in_every_thread():
    assert set(threads_of_blas_in_a_context()) == {1}
    with ThreadPoolExecutor(1) as pool:  # its thread lives on
        assert set(pool.submit(threads_of_blas_in_a_context).result()) == {1}
        assert set(threads_of_blas_in_a_context()) == {1}


def test_blas_limit_lasts_until_the_last_context_ends():
    before, inside, ended = threads_of_blas(), threading.Event(), threading.Event()

    def second():
        with SingleThread(blas=True):
            inside.set()
            ended.wait(10)
            return threads_of_blas()

    with ThreadPoolExecutor(1) as pool:
        with SingleThread(blas=True):
            ran = pool.submit(second)
            inside.wait(10)
        ended.set()
        assert set(ran.result()) == {1}
        assert threads_of_blas() == before


def test_threadpool_limits_works_after_a_context_has_ended():
    def limited():
        with threadpool_limits(1, "blas"):
            return threads_of_blas()

    before = threads_of_blas()
    with SingleThread(blas=True):
        pass
    assert set(in_a_new_thread(limited)) == {1}
    with threadpool_limits(1, "blas"), SingleThread(blas=True):
        pass
    assert threads_of_blas() == before


def test_an_inner_context_does_not_end_the_outer_one():
    with SingleThread():
        with Workers() as workers:
            assert len(set(workers.map(meeting(3), range(3)))) == 3
        assert torch.get_num_threads() == 1
    assert_all_is_as_it_was()


@contextmanager
def pool_of_another_thread():
    workers = Workers()
    with ThreadPoolExecutor(1) as thread:
        thread.submit(workers.__enter__).result()
        yield
        thread.submit(workers.__exit__).result()


def n_used_by(workers, n_at_least):
    return len(set(workers.map(meeting(n_at_least), range(60))))


@pytest.mark.parametrize(("asked_for", "expected"), [(None, 2), (4, 4)])
def test_pools_of_several_threads_share_the_number_of_torch(asked_for, expected):
    torch.set_num_threads(4)
    with Workers(asked_for) as workers:
        with pool_of_another_thread():
            assert n_used_by(workers, expected) == expected
        assert n_used_by(workers, 4) == 4


def test_pools_of_one_thread_do_not_share():
    with Workers(), Workers() as workers:
        assert n_used_by(workers, 3) == 3


@needs_fork
def test_a_forked_process_does_not_share_with_pools_of_other_threads():
    def n_used():
        with Workers() as workers:
            return [n_used_by(workers, 3)]

    with pool_of_another_thread():
        assert in_a_forked_process(n_used) == [3]


def raise_among_workers(error):
    with Workers(2) as workers:
        workers.map(meeting(2), "ab")
        raise error("now")


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_threads_end_after_an_error(error):
    before = threading.active_count()
    with pytest.raises(error, match="now"):
        raise_among_workers(error)
    assert threading.active_count() == before
    assert_all_is_as_it_was()


def test_an_error_in_a_thread_propagates():
    with pytest.raises(ZeroDivisionError, match="division"), Workers(2) as workers:
        workers.map(lambda x: 1 / x, [1, 0])
    assert_all_is_as_it_was()


@pytest.mark.parametrize("by_caller", [True, False])
def test_no_item_starts_after_an_error(by_caller):
    caller, both_are_at_work = threading.get_ident(), threading.Barrier(2, timeout=10)
    begun, ended = [], []

    def fail_in_one_thread(item):
        begun.append(item)
        both_are_at_work.wait()
        if (threading.get_ident() == caller) == by_caller:
            raise KeyboardInterrupt("now")
        wait_for(lambda: length_hint(workers._waiting) == 0)  # the other has failed
        ended.append(item)

    with Workers(2) as workers:
        with pytest.raises(KeyboardInterrupt, match="now"):
            workers.map(fail_in_one_thread, range(9))
        assert sorted(begun) == [0, 1]
        assert len(ended) == 1
        assert workers.map(abs, [-1, -2]) == [1, 2]


@pytest.mark.parametrize("by_caller", [True, False])
def test_a_long_call_can_end_after_an_error_in_another(by_caller):
    caller, both_are_at_work = threading.get_ident(), threading.Barrier(2, timeout=10)
    ended = []

    def fail_in_one_thread(item):
        both_are_at_work.wait()
        if (threading.get_ident() == caller) == by_caller:
            raise ZeroDivisionError("now")
        wait_for(workers.is_stopped)
        ended.append(item)

    with Workers(2) as workers:
        with pytest.raises(ZeroDivisionError, match="now"):
            workers.map(fail_in_one_thread, range(2))
        assert len(ended) == 1
        assert workers.map(lambda _: workers.is_stopped(), range(3)) == [False] * 3


@pytest.mark.skipif(
    not hasattr(signal, "pthread_kill"), reason="requires signals to threads"
)
@pytest.mark.usefixtures("ctrl_c_interrupts")
def test_a_long_call_can_end_after_ctrl_c_while_the_caller_waits_for_it():
    caller, both_are_at_work = threading.get_ident(), threading.Barrier(2, timeout=10)
    ended = []

    def work(item):
        both_are_at_work.wait()
        if threading.get_ident() != caller:
            signal.pthread_kill(caller, signal.SIGINT)
            wait_for(workers.is_stopped)
            ended.append(item)

    with pytest.raises(KeyboardInterrupt), Workers(2) as workers:
        workers.map(work, range(2))
    assert len(ended) == 1
    assert_all_is_as_it_was()


@pytest.mark.parametrize(
    ("kind", "method"), [(ThreadPoolExecutor, "submit"), (threading.Thread, "start")]
)
def test_ctrl_c_while_threads_are_started_stops_all_work(monkeypatch, kind, method):
    original, begun, ended = getattr(kind, method), [], []

    def be_interrupted_afterwards(*args):
        original(*args)
        raise KeyboardInterrupt("now")

    def work_until_the_others_are_cancelled(item):
        begun.append(item)
        wait_for(lambda: length_hint(workers._waiting) == 0)
        ended.append(item)

    with monkeypatch.context() as patch:
        patch.setattr(kind, method, be_interrupted_afterwards)
        with pytest.raises(KeyboardInterrupt, match="now"), Workers(2) as workers:
            workers.map(work_until_the_others_are_cancelled, range(50))
    assert len(begun) <= 1
    assert begun == ended
    assert_all_is_as_it_was()


def test_a_thread_that_starts_late_changes_no_setting(monkeypatch):
    has_ended, started = threading.Event(), []

    class Late(threading.Thread):
        def run(self):
            has_ended.wait(10)
            super().run()

        def start(self):
            super().start()
            started.append(self)
            raise KeyboardInterrupt("now")

    with monkeypatch.context() as patch:
        patch.setattr(threading, "Thread", Late)
        with pytest.raises(KeyboardInterrupt, match="now"), Workers(2) as workers:
            workers.map(abs, range(4))
    has_ended.set()
    started[0].join(10)
    assert_all_is_as_it_was()


def first_executions(function):
    """Interrupts before each line of the package that a function executes."""
    trace = Trace()
    trace.run(function)
    return [Trace(line) for line in trace.counts]


@pytest.mark.parametrize("blas", [False, True])
def test_ctrl_c_on_the_way_into_a_with_statement_leaves_nothing_changed(blas):
    n_blas, context = threads_of_blas(), SingleThread(blas=blas)
    interrupts = first_executions(context.__enter__)
    context.__exit__()
    for interrupt in interrupts:
        # a `with` statement does not call __exit__ then
        assert interrupt.run(SingleThread(blas=blas).__enter__)
        assert_all_is_as_it_was()
        assert threads_of_mkl() == 3
        assert threads_of_blas() == n_blas


@pytest.mark.parametrize(
    "within",
    [
        single_threaded()(int),
        single_threaded(blas=True)(int),
        lambda: call_within(Workers(2), int),
        lambda: single_threaded()(single_threaded()(int))(),
    ],
)
def test_ctrl_c_at_any_line_of_a_context_leaves_nothing_changed(within):
    n_blas = threads_of_blas()
    for interrupt in first_executions(within):
        assert interrupt.run(within)
        assert_all_is_as_it_was()
        assert threads_of_mkl() == 3
        assert threads_of_blas() == n_blas


def test_an_error_does_not_keep_items_alive():
    caller, both_are_at_work = threading.get_ident(), threading.Barrier(2, timeout=10)

    def fail_in_a_helper(item):
        both_are_at_work.wait()
        if threading.get_ident() != caller:
            raise ValueError("now")

    def names_after_an_error():
        items = [{1}, {2}]
        with pytest.raises(ValueError, match="now"), Workers(2) as workers:
            workers.map(fail_in_a_helper, items)
        return [weakref.ref(item) for item in items]

    gc.disable()
    try:
        assert [item() for item in names_after_an_error()] == [None, None]
    finally:
        gc.enable()


def test_overlapping_contexts_restore_all_settings():
    both_are_open, one_is_closed = threading.Barrier(2, timeout=10), threading.Event()
    blas = threads_of_blas()

    def second():
        with SingleThread(blas=True), Workers() as workers:
            both_are_open.wait()
            one_is_closed.wait(10)
            found = len(set(workers.map(meeting(3), range(3))))
            return found, torch.get_num_threads()

    with ThreadPoolExecutor(1) as pool:
        with SingleThread(blas=True):
            ran = pool.submit(second)
            both_are_open.wait()
        one_is_closed.set()
        assert ran.result() == (3, 1)
    assert_all_is_as_it_was()
    assert threads_of_blas() == blas
