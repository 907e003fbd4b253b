"""`python -m migrate` runs the command line."""

from migrate.cli.main import main

main()
