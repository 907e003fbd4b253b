"""`python -m migrate` is the command line too."""

from migrate.cli import main

main()
