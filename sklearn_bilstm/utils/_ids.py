"""Reserved token ids, besides 0 for padding, and the maximum number of ids in a row."""

__all__ = ["FIRST_TOKEN_ID", "MAX_LENGTH", "UNKNOWN_ID"]

UNKNOWN_ID = 1
FIRST_TOKEN_ID = 2
# A matrix has as many columns, each with a name in the notebook view.
MAX_LENGTH = 2**26
