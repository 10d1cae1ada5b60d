"""Side by side with the alternatives: one file per comparison, holding ``COMMAND``."""
