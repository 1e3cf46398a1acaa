"""Report: what people read."""
