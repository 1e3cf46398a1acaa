"""Seller risk as a container: batch transform and processing, without Spark."""
