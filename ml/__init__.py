"""Training and scoring as pure functions: no lake, no jobs."""
