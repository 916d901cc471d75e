"""Saving and loading of models without pickle."""

from sklearn_bilstm.persistence._files import load, save

__all__ = ["load", "save"]
