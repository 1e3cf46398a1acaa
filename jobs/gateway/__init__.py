"""The only door to the payment provider: no other package imports its SDK or sends to it.

It runs in one process beside the driver, holds the clock (injected) and a journal of its own, and
knows nothing of Spark. `gateway.py` is where a job begins; `judge.py` has the table of what an
answer means, `steps.py` of what is done when there is none.

The gateway's folder (MARKETPLACE_GATEWAY_DIR, else `_gateway` beside a local lake) holds:

    journal.sqlite   what was sent; it has to outlive the run, and copies of it are not needed:
                     without it every open request is asked for at the provider first
    stop             made by hand: nothing more goes out, the run ends with exit code 4
"""
