"""Figures that others have published, turned into records: one file per source, holding ``COMMAND``."""
