"""The wheel that spark-submit.sh ships; its metadata is in pyproject.toml."""

from setuptools import setup

setup()
