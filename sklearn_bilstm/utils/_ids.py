"""Token ids that are no tokens of a vocabulary."""

__all__ = ["FIRST_TOKEN_ID", "PADDING_ID", "UNKNOWN_ID"]

PADDING_ID = 0
UNKNOWN_ID = 1
FIRST_TOKEN_ID = 2
