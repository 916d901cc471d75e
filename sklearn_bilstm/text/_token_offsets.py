"""Tokens of raw text for labelling, with their positions."""

from collections.abc import Callable
from typing import Any

from sklearn_bilstm.text._analysis import find_all_tokens
from sklearn_bilstm.text._locating import find_in_order

__all__ = ["token_offsets"]


def token_offsets(
    text: str, tokenizer: Callable[[str], Any] | None = None
) -> list[tuple[int, int]]:
    """Return the start and end of each token of a text.

    Parameters
    ----------
    text : str
    tokenizer : callable, default=None
        Function that returns the tokens of a text in their order, as strings or as
        pairs (start, end). If None, tokens are words, numbers, single CJK characters,
        emoji and single punctuation marks, and whole URLs, @names and #tags. English
        contractions are split as in the Penn Treebank: "I" and "'m", "do" and "n't".

    Returns
    -------
    offsets : list of (int, int)
        Token i is `text[start:end]`.

    Raises
    ------
    ValueError
        If a token does not occur in the text, or the pairs are not in order.

    Examples
    --------
    >>> from sklearn_bilstm.text import token_offsets
    >>> text = "I'm @anna."
    >>> [text[start:end] for start, end in token_offsets(text)]
    ['I', "'m", '@anna', '.']
    """
    if tokenizer is None:
        return [match.span() for match in find_all_tokens(text)]
    tokens = list(tokenizer(text))
    if all(isinstance(token, str) for token in tokens):
        spans = find_in_order(tokens, text)
        if None in spans:
            raise ValueError(
                "tokenizer must return parts of the text in their order: token "
                f"{tokens[spans.index(None)]!r} was not found in {text!r:.80}. Return "
                "pairs (start, end) if it changes characters."
            )
        return [span for span in spans if span is not None]
    return _checked_pairs(tokens, text)


def _checked_pairs(pairs: list, text: str) -> list[tuple[int, int]]:
    last = 0
    offsets = []
    for pair in pairs:
        try:
            start, end = map(int, pair)
        except (TypeError, ValueError) as error:
            raise ValueError(
                "tokenizer must return strings or pairs (start, end): got "
                f"{pair!r:.80} for {text!r:.80}."
            ) from error
        if not last <= start < end <= len(text):
            raise ValueError(
                "tokenizer must return pairs (start, end) in ascending order, within "
                f"the text: got {pair!r} for {text!r:.80}."
            )
        offsets.append((start, end))
        last = end
    return offsets
