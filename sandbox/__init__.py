"""A stateful local Stripe: its own process, standard library only; the wire is all it shares.

Here now: customers, payment methods, payment intents, charges, refunds, balance transactions,
events, webhooks. Where the other half finds its place: one module a resource beside `refunds.py`
(`accounts.py`, `transfers.py` with reversals, `payouts.py`, `disputes.py`), its forms in
`resource_forms.py`, its routes in `routes.py`, its money through `balance.py`, what falls due (a
dispute's evidence, a payout's arrival) through `timers.py`.
"""
