"""Ingest: landed files become bronze, strictly, each row once and each refusal with its reason."""
