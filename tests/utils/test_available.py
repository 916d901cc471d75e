import pytest
from sklearn.utils.metaestimators import available_if as reference

from sklearn_bilstm.utils._available import available_if


def is_even(thing):
    if thing.number < 0:
        raise AttributeError("It is negative.")
    return thing.number % 2 == 0


def class_with(decorator):
    class Thing:
        def __init__(self, number):
            self.number = number

        @decorator(is_even)
        def half(self, offset=0):
            """Return the half."""
            return self.number // 2 + offset

    return Thing


@pytest.mark.parametrize("number", [4, 5, -1])
def test_methods_are_available_as_with_scikit_learn(number):
    found, expected = (class_with(d)(number) for d in (available_if, reference))
    assert hasattr(found, "half") == hasattr(expected, "half") == (number == 4)
    if number == 4:
        assert found.half(offset=1) == expected.half(offset=1) == 3
        return
    with pytest.raises(AttributeError) as raised:
        expected.half()
    with pytest.raises(AttributeError, match=f"^{raised.value}$") as own:
        found.half()
    assert str(own.value.__cause__) == str(raised.value.__cause__)


def test_the_class_has_the_documented_method():
    assert class_with(available_if).half.__doc__ == "Return the half."
