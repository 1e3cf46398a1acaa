"""Seller risk and segments as a container: batch transform and processing, without Spark."""
