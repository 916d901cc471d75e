"""Hashes of numbers."""

import numpy as np

__all__ = ["SPREAD_FACTOR", "SPREAD_SHIFT", "spread"]

# Multiplier of Fibonacci hashing: 2 ** 64 over the golden ratio, rounded to an odd
# number (Knuth, The Art of Computer Programming, volume 3, section 6.4).
SPREAD_FACTOR = np.uint64(0x9E3779B97F4A7C15)
SPREAD_SHIFT = np.uint64(32)


def spread(numbers: np.ndarray) -> np.ndarray:
    """Return a hash of each number of an array of uint64."""
    products = numbers * SPREAD_FACTOR
    # the low bits of a product have little entropy
    return products ^ (products >> SPREAD_SHIFT)
