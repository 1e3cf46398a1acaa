"""Featurize: what is known of a subject as of the end of a business date, point in time."""
