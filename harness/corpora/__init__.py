"""Text data sets made from the source of a pinned package: which files, which split each is in, and what is cut out."""
