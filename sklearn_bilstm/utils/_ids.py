"""Reserved token ids. 0 is padding."""

__all__ = ["FIRST_TOKEN_ID", "UNKNOWN_ID"]

UNKNOWN_ID = 1
FIRST_TOKEN_ID = 2
