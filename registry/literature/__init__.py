"""Published results as people write them down, one figure a row: read, held against rules, turned into records.

Standard library only: ``guides validate`` reads these files without the harness.
"""
