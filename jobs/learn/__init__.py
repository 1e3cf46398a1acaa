"""Learn: train, promote and score models."""
