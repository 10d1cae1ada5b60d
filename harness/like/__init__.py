"""Where there is no measurement yet: which recorded data sets yours is like, and the size that this suggests."""
