"""Refine: bronze becomes the current state and the ledger of counts."""
