"""Published sets of pictures, read from a local folder after their checksums were compared; fetched when asked."""
