"""What the scores of an explanation mean, in words."""

from collections.abc import Hashable
from typing import Any

from sklearn_bilstm.utils._missing import is_missing

__all__ = [
    "baseline_input",
    "describe_scores",
    "describe_truth",
    "meanings",
    "name_of_class",
]


def name_of_class(label: Hashable, kind: str = "class") -> str:
    """Return the name of a class: a string in quotes, or such as "class 1".

    Parameters
    ----------
    label : hashable
    kind : {"class", "label"}, default="class"
        "label" if a row or a token has labels.
    """
    if kind == "class" and isinstance(label, str):
        return repr(label)
    return f"{kind} {label!r}"


def describe_truth(truth: Any, kind: str | None = "class") -> str:
    """Return the end of a summary that states the truth, empty if it is unknown.

    Parameters
    ----------
    truth : label, tuple of labels, float or None
    kind : {"class", "label"} or None, default="class"
        None for the number of a regressor.
    """
    if is_missing(truth):
        return ""
    if kind is None:
        return f", true value {truth:.4g}"
    if isinstance(truth, tuple):
        return f", true labels: {', '.join(map(str, truth)) or 'none'}"
    return f", true {kind}: {truth}"


def meanings(explained: str | None, other: str | None) -> list[str]:
    """Return the meaning of a positive and of a negative score.

    Parameters
    ----------
    explained : str or None
        Name of the explained class. None for a regressor.
    other : str or None
        Name of the other class of a binary classifier.
    """
    if explained is None:
        return ["raises the prediction", "lowers it"]
    lowers = "lowers them" if other is None else f"raises those of {other}"
    return [f"raises the log odds of {explained}", lowers]


def baseline_input(
    method: str, *, has_static: bool, of_token: bool = False, part: str = "token"
) -> str:
    """Return a description of the input whose output is the baseline.

    Parameters
    ----------
    method : {"integrated_gradients", "occlusion"}
    has_static : bool
        Whether there are static features.
    of_token : bool, default=False
        Whether the label of a token is explained.
    part : {"token", "interval"}, default="token"
        What has a score. "interval" is a part of a series.
    """
    if part == "interval":
        return f"all values{' and static features' * has_static} at their mean"
    tokens = "all tokens masked" if of_token else "no tokens"
    tokens = "zero token vectors" if method == "integrated_gradients" else tokens
    return f"{tokens} and mean static features" if has_static else tokens


def describe_scores(
    method: str,
    *,
    is_class: bool,
    has_static: bool,
    of_token: bool = False,
    part: str = "token",
) -> str:
    """Return sentences on the unit of the scores and on the baseline.

    Parameters
    ----------
    method : {"integrated_gradients", "occlusion", "attention"}
    is_class : bool
        Whether the log odds of a class are explained.
    has_static, of_token, part
        As for :func:`baseline_input`.
    """
    if method == "attention":
        return "The shares of attention of a text sum to one. They have no sign."
    output = "log odds" if is_class else "prediction"
    unit = "log odds, log(p / (1 - p))" if is_class else "the unit of the prediction"
    inputs = baseline_input(method, has_static=has_static, of_token=of_token, part=part)
    baseline = f"The baseline is the {output} with {inputs}."
    if method == "integrated_gradients":
        return (
            f"Scores are in {unit}. The baseline and all scores sum to the {output}. "
            f"{baseline}"
        )
    removed = "masked" if of_token else "removed"
    removed = "set to the mean of its channel" if part == "interval" else removed
    static = ", or the static feature set to its mean" if has_static else ""
    return (
        f"Scores are in {unit}. A score is the decrease of the {output} when the "
        f"{part} is {removed}{static}. {baseline}"
    )
