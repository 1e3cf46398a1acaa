"""Pure functions from frames to frames: what is known as of a time. No I/O, no Delta."""
