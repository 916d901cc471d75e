"""Smaller versions of fitted models."""

from sklearn_bilstm.compression._compress import compress

__all__ = ["compress"]
