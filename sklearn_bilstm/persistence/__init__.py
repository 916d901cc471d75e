"""Fitted models in files that can be read without pickle."""

from sklearn_bilstm.persistence._files import load, save

__all__ = ["load", "save"]
