"""What every other package rests on: errors, configuration, files, log, signals, background tasks."""
