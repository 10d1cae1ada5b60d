"""The light `guides` commands: one file each, holding ``COMMAND``; ``cli.py`` imports the one that is called."""
