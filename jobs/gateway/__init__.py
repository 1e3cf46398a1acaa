"""The only door to the payment provider: no other package imports its SDK or sends to it.

It runs in one process beside the driver, holds the clock (injected) and a journal of its own, and
knows nothing of Spark. `gateway.py` is where a job begins.
"""
