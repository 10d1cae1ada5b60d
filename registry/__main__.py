"""`python -m registry` is `guides`."""

from registry.cli import main

main()
