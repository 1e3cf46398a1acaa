"""Segments of sellers: groups by behaviour, frozen, with an identity that lasts."""
