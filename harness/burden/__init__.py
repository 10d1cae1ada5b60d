"""What accuracy costs in training compute: exponents and halving times from published figures."""
