"""The only code that touches Delta: open, create, compare, read, check, write, reject, record."""
