"""Utilities for validation, randomness, devices, files and optional dependencies."""
