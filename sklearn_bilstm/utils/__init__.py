"""Helpers without a subject of their own: validation, randomness, devices, extras."""
