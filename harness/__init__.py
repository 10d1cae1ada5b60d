"""Make guideline records: train, shrink and measure networks, fit laws, certify, publish."""
