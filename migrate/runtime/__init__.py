"""What every other package uses: errors, configuration, files, log, signals, background tasks."""
