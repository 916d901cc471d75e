"""Report of the compression of a fitted model."""

from dataclasses import asdict, dataclass
from typing import Any, Self

from sklearn_bilstm.utils._state import state_int, state_number

__all__ = ["CompressionReport", "CompressionStep"]


@dataclass(frozen=True)
class CompressionStep:
    """A step of the compression of a model.

    Parameters
    ----------
    name : str
        What the step removes or rounds.
    before, after : int
        Number of its items before and after the step.
    n_bytes : int
        Size of the saved model after the step.
    changed : float
        Change of the predictions by all steps so far, from 0 to 1.
    """

    name: str
    before: int
    after: int
    n_bytes: int
    changed: float


@dataclass(frozen=True)
class CompressionReport:
    """Steps of the compression of a model.

    It is printed as a table.

    Parameters
    ----------
    n_bytes : int
        Size of the saved model before the compression.
    steps : tuple of CompressionStep
    """

    n_bytes: int
    steps: tuple[CompressionStep, ...]

    def __str__(self) -> str:
        """Return a table with a line per step."""
        head = "step", "before", "after", "MB", "changed predictions"
        rows = [("", "", "", f"{self.n_bytes / 1e6:.2f}", "")]
        for step in self.steps:
            counts = f"{step.before:,}", f"{step.after:,}"
            size, changed = f"{step.n_bytes / 1e6:.2f}", f"{step.changed:.2%}"
            rows.append((step.name, *counts, size, changed))
        widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
        return "\n".join(
            "  ".join(
                f"{text:<{width}}" if i == 0 else f"{text:>{width}}"
                for i, (text, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in [head, *rows]
        )

    def state(self) -> dict[str, Any]:
        """Return the values from which `from_state` restores the report."""
        return {"n_bytes": self.n_bytes, "steps": [asdict(step) for step in self.steps]}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Restore a report.

        Raises
        ------
        LookupError, TypeError, ValueError
            If `state` did not return the values.
        """
        steps = []
        for params in state["steps"]:
            step = CompressionStep(**params)
            if not isinstance(step.name, str):
                raise TypeError(f"A step must have a name: got {step.name!r:.80}.")
            for name in ("before", "after", "n_bytes"):
                state_int(getattr(step, name), name, most=2**63)
            state_number(step.changed, "changed", is_positive=False)
            steps.append(step)
        n_bytes = state_int(state["n_bytes"], "n_bytes", most=2**63)
        return cls(n_bytes, tuple(steps))
