"""A simulated marketplace, written as landing files with its truth beside them."""
