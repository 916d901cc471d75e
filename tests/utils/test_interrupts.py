import pytest

from sklearn_bilstm.utils._interrupts import call_within


class Switch:
    """A context that switches a flag and can be interrupted."""

    def __init__(self, interrupted_in=None):
        self.interrupted_in = interrupted_in
        self.is_on = False

    def interrupt(self, place):
        if self.interrupted_in == place:
            self.interrupted_in = None
            raise KeyboardInterrupt

    def __enter__(self):
        self.is_on = True
        self.interrupt("enter")
        return self

    def __exit__(self, kind, error, trace):
        self.interrupt("exit")
        self.is_on = False


def test_call_within_returns_the_result_computed_within_the_context():
    switch = Switch()
    assert call_within(switch, lambda: switch.is_on)
    assert not switch.is_on


@pytest.mark.parametrize("place", ["enter", "exit"])
def test_call_within_exits_an_interrupted_context(place):
    switch = Switch(place)
    with pytest.raises(KeyboardInterrupt):
        call_within(switch, lambda: None)
    assert not switch.is_on


def test_call_within_exits_the_context_on_error():
    switch = Switch()
    with pytest.raises(ZeroDivisionError, match="zero"):
        call_within(switch, lambda: 1 // 0)
    assert not switch.is_on
