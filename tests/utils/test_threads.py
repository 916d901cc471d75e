import gc
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info, threadpool_limits

from sklearn_bilstm.utils._interrupts import call_within
from sklearn_bilstm.utils._threads import OneCore, Workers, single_threaded


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


def assert_all_is_as_it_was():
    assert torch.get_num_threads() == 3
    assert in_a_new_thread(torch.get_num_threads) == 3


def threads_of_blas():
    np.ones((2, 2)) @ np.ones((2, 2))
    return [x["num_threads"] for x in threadpool_info() if x["user_api"] == "blas"]


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


def test_blas_is_limited_to_one_thread_if_requested():
    before = threads_of_blas()
    with OneCore(blas=True):
        assert set(threads_of_blas()) == {1}
    assert threads_of_blas() == before


def threads_of_blas_in_a_context():
    with OneCore(blas=True):
        return threads_of_blas()


def test_blas_is_limited_in_every_thread():
    assert set(threads_of_blas_in_a_context()) == {1}
    with ThreadPoolExecutor(1) as pool:  # its thread lives on
        assert set(pool.submit(threads_of_blas_in_a_context).result()) == {1}
        assert set(threads_of_blas_in_a_context()) == {1}


def test_blas_limit_lasts_until_the_last_context_ends():
    before, inside, ended = threads_of_blas(), threading.Event(), threading.Event()

    def second():
        with OneCore(blas=True):
            inside.set()
            ended.wait(10)
            return threads_of_blas()

    with ThreadPoolExecutor(1) as pool:
        with OneCore(blas=True):
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
    with OneCore(blas=True):
        pass
    assert set(in_a_new_thread(limited)) == {1}
    with threadpool_limits(1, "blas"), OneCore(blas=True):
        pass
    assert threads_of_blas() == before


def test_an_inner_context_does_not_end_the_outer_one():
    with OneCore():
        with Workers() as workers:
            assert len(set(workers.map(meeting(3), range(3)))) == 3
        assert torch.get_num_threads() == 1
    assert_all_is_as_it_was()


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
        time.sleep(0.5)  # until the other has failed
        ended.append(item)

    with Workers(2) as workers:
        with pytest.raises(KeyboardInterrupt, match="now"):
            workers.map(fail_in_one_thread, range(9))
        assert sorted(begun) == [0, 1]
        assert len(ended) == 1
        assert workers.map(abs, [-1, -2]) == [1, 2]


@pytest.mark.parametrize(
    ("kind", "method"), [(ThreadPoolExecutor, "submit"), (threading.Thread, "start")]
)
def test_ctrl_c_while_threads_are_started_stops_all_work(monkeypatch, kind, method):
    original, done = getattr(kind, method), []

    def be_interrupted_afterwards(*args):
        original(*args)
        raise KeyboardInterrupt("now")

    def slow(item):
        time.sleep(0.05)
        done.append(item)

    with monkeypatch.context() as patch:
        patch.setattr(kind, method, be_interrupted_afterwards)
        with pytest.raises(KeyboardInterrupt, match="now"), Workers(2) as workers:
            workers.map(slow, range(50))
    n_done = len(done)
    assert n_done < 25
    time.sleep(0.1)
    assert len(done) == n_done
    assert_all_is_as_it_was()


def test_a_thread_that_starts_late_changes_no_setting(monkeypatch):
    class Late(threading.Thread):
        def run(self):
            time.sleep(0.05)
            super().run()

        def start(self):
            super().start()
            raise KeyboardInterrupt("now")

    with monkeypatch.context() as patch:
        patch.setattr(threading, "Thread", Late)
        with pytest.raises(KeyboardInterrupt, match="now"), Workers(2) as workers:
            workers.map(abs, range(4))
    time.sleep(0.1)
    assert_all_is_as_it_was()


def test_ctrl_c_while_entering_restores_all_settings(monkeypatch):
    def be_interrupted(n_threads):
        monkeypatch.undo()
        set_num_threads(n_threads)
        raise KeyboardInterrupt("now")

    set_num_threads, blas = torch.set_num_threads, threads_of_blas()
    for context in (OneCore(blas=True), Workers(2)):
        monkeypatch.setattr(torch, "set_num_threads", be_interrupted)
        with pytest.raises(KeyboardInterrupt, match="now"):
            call_within(context, torch.get_num_threads)
        assert_all_is_as_it_was()
        assert threads_of_blas() == blas
    assert single_threaded()(torch.get_num_threads)() == 1
    assert_all_is_as_it_was()


def test_ctrl_c_while_exiting_restores_all_settings(monkeypatch):
    def interrupt_what_follows():
        monkeypatch.setattr(torch, "set_num_threads", be_interrupted)

    def be_interrupted(n_threads):
        monkeypatch.undo()
        raise KeyboardInterrupt("now")

    with pytest.raises(KeyboardInterrupt, match="now"):
        single_threaded(blas=True)(interrupt_what_follows)()
    assert_all_is_as_it_was()


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
        with OneCore(blas=True), Workers() as workers:
            both_are_open.wait()
            one_is_closed.wait(10)
            found = len(set(workers.map(meeting(3), range(3))))
            return found, torch.get_num_threads()

    with ThreadPoolExecutor(1) as pool:
        with OneCore(blas=True):
            ran = pool.submit(second)
            both_are_open.wait()
        one_is_closed.set()
        assert ran.result() == (3, 1)
    assert_all_is_as_it_was()
    assert threads_of_blas() == blas
