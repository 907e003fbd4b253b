"""`python -m migrate` is the command line too."""

from migrate.cli.main import main

main()
