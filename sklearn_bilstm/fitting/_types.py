"""The classes with which an estimator reads X and y."""

from collections.abc import Callable
from typing import Any, NamedTuple

from sklearn_bilstm.fitting._config import Config
from sklearn_bilstm.fitting._reader import SequenceReader
from sklearn_bilstm.fitting._target import Target

__all__ = ["ReaderAndTarget"]


class ReaderAndTarget(NamedTuple):
    """How an estimator reads X and y.

    Parameters
    ----------
    reader : type
        Class of the reader, such as :class:`SequenceReader`.
    targets : tuple of type
        Possible classes of the target, such as :class:`LabelTarget`. The first one
        validates y, unless `check` does.
    fit_target : callable
        Returns the target for a validated y and a Config.
    fit_target_of_stream : callable or None, default=None
        Returns the target for a batch: its validated y, the argument `classes` of
        `partial_fit`, and the target of the previous batch. None means that
        `fit_target` is called for the first batch.
    check : callable or None, default=None
        Validates y for a Config, if its format depends on parameters.
    """

    reader: type[SequenceReader]
    targets: tuple[type[Target], ...]
    fit_target: Callable[[Any, Config], Target]
    fit_target_of_stream: Callable[[Any, Any, Target | None], Target] | None = None
    check: Callable[[Any, Config], Any] | None = None

    def check_y(self, y: Any, config: Config) -> Any:
        """Validate a y for an estimator with the given parameters."""
        if self.check is not None:
            return self.check(y, config)
        return self.targets[0].check(y, config.estimator)

    def reader_named(self, name: str) -> type[SequenceReader]:
        """Return the class of the reader; raise a ValueError for another name."""
        return _named(name, (self.reader,))

    def target_named(self, name: str) -> type[Target]:
        """Return a class of the target; raise a ValueError for another name."""
        return _named(name, self.targets)


def _named(name: str, classes: tuple[type, ...]) -> Any:
    for kind in classes:
        if kind.__name__ == name:
            return kind
    names = [kind.__name__ for kind in classes]
    raise ValueError(f"The reader or target must be one of {names}: got {name!r:.80}.")
