"""What a run of a draft does with the rows of the source, counted before anything is written."""
