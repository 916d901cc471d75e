"""Token ids: 0 is padding, and two more have names."""

__all__ = ["FIRST_TOKEN_ID", "UNKNOWN_ID"]

UNKNOWN_ID = 1
FIRST_TOKEN_ID = 2
