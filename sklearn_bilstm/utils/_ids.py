"""Reserved values of token ids, besides 0 for padding, and the maximum row length."""

__all__ = ["BOUNDARY", "FIRST_TOKEN_ID", "MAX_LENGTH", "UNKNOWN_ID"]

UNKNOWN_ID = 1
FIRST_TOKEN_ID = 2
# A matrix has as many columns, each with a name in the notebook view.
MAX_LENGTH = 2**26
# A column of this value separates token ids from static features. No id is negative,
# and no unit or code for missing values uses the number, which float32 represents
# exactly.
BOUNDARY = 1 - 2**24
