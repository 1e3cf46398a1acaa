"""What follows a delivery: returns, claims, chargebacks, goodwill, and the money that goes back.

Of a line at most one of them happens. A dispute has a true cause, from which follow its type, what
would be right, and the evidence that there is; what a person decides is mostly that. A time that is
null is a thing that never happens.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.simulate import fraud
from jobs.simulate.draws import (
    after,
    between,
    chance,
    draw,
    looked_up,
    pick,
    unfolded,
    waiting,
    weighted,
)
from jobs.simulate.orders import METHODS, SLOW_METHODS

KINDS_OF = {
    "return": "return", "false return": "return", "lost": "claim", "late": "claim",
    "defect": "claim", "false claim": "claim", "quarrel": "chargeback", "stolen": "chargeback",
    "friendly": "chargeback", "goodwill": "goodwill", "appeased": "goodwill",
}  # fmt: skip
"""What befalls a line, and as what it lands."""
CLAIMED_DEFECTS, CLAIMED_LATE = 0.6, 0.04
"""Shares of defective and of late lines about which there is a claim."""
GOODWILL, GOODWILL_LATE = 0.003, 0.05
"""Shares of the lines, and more of the late ones, of which a part is refunded unasked."""
CHARGEABLE = 1 - sum(METHODS[method] for method in SLOW_METHODS)
"""Share of the orders paid in a way that can be charged back."""
RETURNS_ACCEPTED, SOME_UNITS = 0.92, 0.5
"""Shares of the returns, and of those of several units where one unit comes back alone."""


@dataclass(frozen=True)
class Cause:
    """What really happened: the types under which it is disputed, and what would be right."""

    types: dict[str, float]
    right: dict[str, float]


CAUSES = {
    "lost": Cause({"not_received": 1}, {"buyer": 1}),
    "late": Cause({"not_received": 1}, {"split": 0.7, "buyer": 0.3}),
    "damaged": Cause({"damaged": 1}, {"buyer": 0.9, "split": 0.1}),
    "defective": Cause({"not_as_described": 0.85, "damaged": 0.15}, {"buyer": 1}),
    "differs": Cause({"not_as_described": 1}, {"split": 0.7, "buyer": 0.3}),
    "as_described": Cause({"not_as_described": 0.8, "damaged": 0.2}, {"seller": 1}),
    "not_credited": Cause({"not_refunded": 1}, {"buyer": 1}),
    "charged_once": Cause({"duplicate": 1}, {"seller": 1}),
    "forgotten": Cause({"unauthorised": 1}, {"seller": 1}),
    "stolen": Cause({"unauthorised": 1}, {"buyer": 1}),
    "friendly": Cause({"unauthorised": 0.6, "not_received": 0.4}, {"seller": 1}),
    "abuse": Cause({"not_as_described": 0.4, "damaged": 0.35, "not_received": 0.25}, {"seller": 1}),
}
"""`as_described`: the buyer errs; `differs`: in a small thing; `not_credited`: the seller promised
his money back; `charged_once`: he takes two orders for one; `forgotten`: he does not remember."""
OF_DEFECTS = {"damaged": 0.35, "defective": 0.40, "differs": 0.15, "as_described": 0.10}
OF_QUARRELS = {
    "defective": 0.40, "not_credited": 0.25, "forgotten": 0.20, "charged_once": 0.15,
}  # fmt: skip
"""Causes of honest claims about goods, and of honest chargebacks."""

JUDGED_RIGHT = 0.93
WITHDRAWN, WITHDRAWN_WRONG = 0.05, 0.15
"""Shares of the claims that are withdrawn: of those that are right in part at least, and others."""
CHARGEBACK_DAYS = (5, 90)
"""After the order; half of them within the first sixteen."""


def with_aftermath(lines: DataFrame) -> DataFrame:
    """Adds to lines what becomes of them: `aftermath` (return, claim, chargeback or goodwill, null
    for nothing), `cause`, `dispute_type`, `right_outcome` and `outcome` of disputes, and times."""
    late = F.col("delivered_at") > F.col("deliver_by")
    u = draw("aftermath")
    returned = F.col("return")
    defective = returned + CLAIMED_DEFECTS * F.col("defect")
    belated = defective + F.when(late, CLAIMED_LATE).otherwise(0)
    chargeable = ~F.col("method").isin(*SLOW_METHODS)
    quarrelled = belated + F.when(chargeable, F.col("chargeback") / CHARGEABLE).otherwise(0)
    appreciated = quarrelled + GOODWILL + F.when(late, GOODWILL_LATE).otherwise(0)
    honest = (
        F.when(F.col("ending") == "lost", "lost")
        .when(F.col("ending") != "delivered", F.lit(None))
        .when(u < returned, "return")
        .when(u < defective, "defect")
        .when(u < belated, "late")
        .when(u < quarrelled, "quarrel")
        .when(u < appreciated, "goodwill")
    )
    befallen = F.when(F.col("scheme").isNull(), honest).otherwise(fraud.befalls("order_luck"))
    known = lines.withColumn("befallen", befallen)
    return _timed(_decided(known.withColumn("aftermath", looked_up(KINDS_OF, "befallen"))))


def _decided(lines: DataFrame) -> DataFrame:
    """The true cause of a dispute, what it is called, what is right and what is decided."""
    befallen, kind = F.col("befallen"), F.col("aftermath")
    cause = (
        F.when(befallen == "defect", weighted(OF_DEFECTS, "defect"))
        .when(befallen == "quarrel", weighted(OF_QUARRELS, "quarrel"))
        .when(befallen == "false claim", "abuse")
        .when(befallen.isin("lost", "late", "stolen", "friendly"), befallen)
    )
    caused = lines.withColumn("cause", cause)
    typed, right = F.when(F.lit(False), ""), F.when(F.lit(False), "")
    for name, its in CAUSES.items():
        typed = typed.when(F.col("cause") == name, weighted(its.types, "type"))
        right = right.when(F.col("cause") == name, weighted(its.right, "right"))
    judged = caused.withColumns({"dispute_type": typed, "right_outcome": right})
    wrong_claim = F.col("right_outcome") == "seller"
    gives_up = chance(F.when(wrong_claim, WITHDRAWN_WRONG).otherwise(WITHDRAWN), "withdrawn")
    # A card network knows no half.
    misjudged = F.when(kind == "chargeback", F.when(wrong_claim, "buyer").otherwise("seller")).when(
        wrong_claim, pick(("buyer", "split"), "misjudged")
    ).when(F.col("right_outcome") == "buyer", pick(("seller", "split"), "misjudged")).otherwise(
        pick(("buyer", "seller"), "misjudged")
    )  # fmt: skip
    outcome = (
        F.when((kind == "claim") & gives_up, "withdrawn")
        .when(chance(JUDGED_RIGHT, "judged"), F.col("right_outcome"))
        .otherwise(misjudged)
    )
    return judged.withColumn("outcome", F.when(F.col("cause").isNotNull(), outcome))


def _timed(lines: DataFrame) -> DataFrame:
    """The times of returns, disputes and refunds.

    A claim about what is late is made on the way; any other after the parcel's end. The chargebacks
    of an order come together, unless a parcel of it arrives later.
    """
    kind, ended = F.col("aftermath"), F.coalesce("delivered_at", "lost_at")
    overdue = F.greatest("deliver_by", "shipped_at")
    low, high = CHARGEBACK_DAYS
    days = low + (high - low) * F.pow(draw("charged back", "order_luck"), F.lit(3.0))
    charged_back = F.greatest(after(F.col("placed_at"), 24 * days), after(ended, 4))
    asked = lines.select(
        "*",
        F.when(kind == "return", after(ended, between(8, 24 * 12, "requested"))).alias("asked_at"),
        F.when(kind == "chargeback", charged_back)
        .when(F.col("cause") == "late", after(overdue, between(4, 72, "opened")))
        .when(kind == "claim", after(ended, between(4, 24 * 20, "opened"))).alias("opened_at"),
        chance(RETURNS_ACCEPTED, "accepted").alias("accepted"),
    )  # fmt: skip
    closed = asked.select(
        "*",
        after(F.col("asked_at"), between(24 * 2, 24 * 9, "back")).alias("back_at"),
        after(F.col("opened_at"), between(24 * 4, 24 * 14, "closed")).alias("closed_at"),
    )
    # A refused parcel of an order that was captured for its other parcel is owed back.
    owed = F.when(F.col("ending") == "refused", F.greatest("cancelled_at", "captured_at"))
    refund = (
        F.when(F.col("captured_at").isNotNull() & owed.isNotNull(), after(owed, 6))
        .when((kind == "return") & F.col("accepted"),
              after(F.col("back_at"), 4 + waiting(1.5 * F.col("handling"), "refund")))
        .when((kind == "claim") & F.col("outcome").isin("buyer", "split"),
              after(F.col("closed_at"), 2))
        .when(kind == "goodwill", after(ended, between(6, 24 * 12, "goodwill")))
    )  # fmt: skip
    return closed.withColumn("refunded_at", refund)


def returns(lines: DataFrame) -> DataFrame:
    events = {
        "requested": F.col("asked_at"),
        "arrived": F.when(F.col("accepted"), F.col("back_at")),
        "rejected": F.when(~F.col("accepted"), F.col("back_at")),
    }
    reasons = ("does not fit", "not as described", "not needed any more", "arrived too late",
               "found it cheaper", "does not work")  # fmt: skip
    return lines.where("asked_at is not null").select("*", unfolded(events)).select(
        "happening.occurred_at",
        F.concat_ws("-", _return_id(), "happening.event").alias("return_event_id"),
        _return_id().alias("return_id"),
        "order_id", "line_no", "seller_id",
        _units_back().alias("units"),
        "happening.event",
        pick(reasons, "why").alias("reason"),
    )  # fmt: skip


def _return_id() -> Column:
    return F.concat_ws("-", F.lit("r"), F.substring("order_id", 3, 99), "line_no")


def _units_back() -> Column:
    """All units of a line, or one of several."""
    some = (F.col("quantity") > 1) & chance(SOME_UNITS, "units")
    return F.when(some, 1).otherwise(F.col("quantity"))


def refunds(lines: DataFrame) -> DataFrame:
    """A line's refund: what was paid for it or for the units that came back, half of it where a
    claim was split, a part of it where a seller means well."""
    paid, kind = F.col("paid_minor"), F.col("aftermath")
    part = (
        F.when(kind == "return", _units_back() / F.col("quantity"))
        .when((kind == "claim") & (F.col("outcome") == "split"), 0.5)
        .when(F.col("befallen") == "goodwill", between(0.1, 0.4, "goodwill part"))
        .otherwise(1.0)
    )
    returned = kind == "return"
    reason = (
        F.when(returned, "returned")
        .when(kind == "claim", "claim")
        .when(F.col("befallen") == "goodwill", "goodwill")
        .when(kind == "goodwill", "not received")
        .otherwise("cancelled by the seller")
    )
    return lines.where("refunded_at is not null").select(
        F.col("refunded_at").alias("occurred_at"),
        F.concat_ws("-", F.lit("f"), F.substring("order_id", 3, 99), "line_no").alias("refund_id"),
        "order_id", "line_no", "seller_id",
        F.greatest(F.floor(paid * part), F.lit(1)).alias("amount_minor"),
        "currency",
        reason.alias("reason"),
        F.when(kind == "claim", "dispute").otherwise("seller").alias("initiated_by"),
        F.when(returned, _return_id()).alias("return_id"),
    )  # fmt: skip


def dispute_id() -> Column:
    return F.concat_ws("-", F.lit("d"), F.substring("order_id", 3, 99), "line_no")
