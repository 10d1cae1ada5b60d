"""Scaling laws: what error to expect at sizes nobody has trained at."""
