"""What buyers and sellers say about an order: messages, reviews, disputes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.simulate import sayings
from jobs.simulate.aftermath import dispute_id
from jobs.simulate.draws import (
    after,
    between,
    chance,
    draw,
    looked_up,
    pick,
    pick_of,
    unfolded,
    waiting,
    weighted,
)
from jobs.simulate.parcels import carrier
from jobs.simulate.sayings import said

COMPLAINS = {
    "lost": 0.85, "late": 0.85, "damaged": 0.8, "defective": 0.8, "differs": 0.7,
    "as_described": 0.6, "not_credited": 0.9, "charged_once": 0.5, "forgotten": 0.2,
    "friendly": 0.3, "abuse": 0.55,
}  # fmt: skip
"""Share of the disputes before which the buyer writes to the seller, by cause. Whose card was
stolen does not know him."""


@dataclass(frozen=True)
class Evidence:
    """Something to show: its kind and side, where it shows what is true (SQL of a line), the types
    of dispute that it is about, and the shares in which it is shown where true, and where not."""

    kind: str
    side: str
    true_where: str
    types: tuple[str, ...]
    true: float
    false: float


GOODS = ("not_as_described", "damaged")
EVIDENCE = {
    "photo": Evidence("photo", "buyer", "cause in ('damaged', 'defective', 'differs')",
                      GOODS, 0.75, 0.12),
    "promise": Evidence("message", "buyer", "cause = 'not_credited'", ("not_refunded",),
                        0.65, 0.10),
    "tracking": Evidence("tracking", "seller", "tracked and coalesce(delivered_at < opened_at, "
                         "false)", ("not_received", "unauthorised", "duplicate"), 0.85, 0.06),
    "thanks": Evidence("message", "seller", "cause in ('friendly', 'abuse', 'forgotten')",
                       ("not_received", "unauthorised", *GOODS), 0.35, 0.04),
    "listing": Evidence("listing", "seller", "cause in ('as_described', 'abuse')", GOODS,
                        0.55, 0.20),
    "policy": Evidence("policy", "seller", "cause in ('as_described', 'abuse', 'charged_once')",
                       (*GOODS, "not_refunded", "duplicate"), 0.25, 0.10),
    "refund_proof": Evidence("refund_proof", "seller", "cause = 'charged_once'",
                             ("duplicate", "not_refunded"), 0.60, 0.03),
}  # fmt: skip
"""What the seller has is shown only where he answers."""


def messages(parcels: DataFrame, lines: DataFrame) -> DataFrame:
    """A buyer's question or complaint, and the seller's reply to most."""
    return _questions(parcels).unionByName(_complaints(lines))


def _questions(parcels: DataFrame) -> DataFrame:
    """One parcel's at most, more often about what runs late."""
    late = F.col("shipped_at") > F.col("ship_by")
    often = F.greatest(F.col("contact"), F.when(late, 0.35).otherwise(0))
    asks = F.col("paid_at").isNotNull() & chance(often, "asks")
    asked = F.when(asks, after(F.col("placed_at"), between(1, 120, "asked")))
    replied = after(asked, 0.2 + waiting(F.col("reply"), "reply time"))
    events = {"buyer": asked, "seller": F.when(chance(0.9, "replies"), replied)}
    told = parcels.withColumn(
        "about", F.concat_ws("-", F.substring("order_id", 3, 99), "parcel_no")
    )
    return _exchanged(told, events, pick(sayings.QUESTIONS, "told"), sayings.REPLIES)


def _complaints(lines: DataFrame) -> DataFrame:
    """Before most disputes, some time after the parcel's end (or as it is overdue)."""
    since = F.when(F.col("cause") == "late", F.greatest("deliver_by", "shipped_at")).otherwise(
        F.coalesce("delivered_at", "lost_at")
    )
    until = (F.unix_millis("opened_at") - F.unix_millis(since)) / 3_600_000
    complains = chance(looked_up(COMPLAINS, "cause"), "complains")
    asked = F.when(complains, after(since, until * between(0.05, 0.95, "complained")))
    replied = after(asked, 0.2 + waiting(F.col("reply"), "answer time"))
    events = {"buyer": asked, "seller": F.when(_answers(), replied)}
    told = lines.where("opened_at is not null").withColumn(
        "about", F.concat_ws("-", F.substring("order_id", 3, 99), F.lit("line"), "line_no")
    )
    complaint = pick_of(sayings.COMPLAINTS, "dispute_type", "complaint")
    return _exchanged(told, events, complaint, sayings.ANSWERS)


def _exchanged(
    told: DataFrame, events: dict[str, Column], text: Column, replies: tuple[str, ...]
) -> DataFrame:
    """Messages of a buyer and of a seller in reply, named by what they are `about`."""
    sender = F.col("happening.event")
    reply = sender == "seller"
    template = F.when(reply, pick(replies, "reply")).otherwise(text)
    exchanged = told.select("*", unfolded(events))
    words = _words(exchanged)
    return exchanged.select(
        "happening.occurred_at",
        F.concat_ws("-", F.lit("m"), "about", sender).alias("message_id"),
        "order_id", "buyer_id", "seller_id",
        sender.alias("sender"),
        F.when(reply, F.concat_ws("-", F.lit("m"), "about", F.lit("buyer"))).alias("in_reply_to"),
        F.when(reply, said("reply", template, words)).otherwise(said("message", template, words))
        .alias("text"),
    )  # fmt: skip


def _words(frame: DataFrame) -> dict[str, Column]:
    """The words of an order that the frame knows, as of the time of what happens."""
    parcel_luck = "parcel_luck" if "parcel_luck" in frame.columns else "luck"
    at = F.col("happening.occurred_at" if "happening" in frame.columns else "placed_at")
    words = {
        "order": F.col("order_id"),
        "carrier": carrier(parcel_luck),
        "days": F.greatest(F.datediff(at, "placed_at"), F.lit(2)),
    }
    return words | ({"thing": F.col("category")} if "category" in frame.columns else {})


def reviews(parcels: DataFrame) -> DataFrame:
    """One parcel in three is reviewed: one or two stars with the seller's chance of that day, and
    more often for what was late."""
    late = F.col("delivered_at") > F.col("deliver_by")
    low = chance(F.least(F.col("low_stars") + F.when(late, 0.2).otherwise(0), F.lit(0.95)), "low")
    happy = weighted({"5": 0.62, "4": 0.27, "3": 0.11}, "happy")
    stars = F.when(low, weighted({"1": 0.6, "2": 0.4}, "unhappy")).otherwise(happy)
    written = F.col("delivered_at").isNotNull() & chance(0.33, "reviews")
    starred = parcels.where(written).withColumn("stars", stars)
    words = _words(parcels) | {
        "days": F.greatest(F.datediff("delivered_at", "placed_at"), F.lit(2))
    }
    return starred.select(
        after(F.col("delivered_at"), between(3, 24 * 10, "reviewed")).alias("occurred_at"),
        F.concat_ws("-", F.lit("v"), F.substring("order_id", 3, 99), "parcel_no")
        .alias("review_id"),
        "order_id", "buyer_id", "seller_id",
        F.col("stars").cast("int").alias("stars"),
        F.when(chance(0.5, "writes"),
               said("review", pick_of(sayings.REVIEWS, "stars", "review"), words)).alias("text"),
    )  # fmt: skip


def disputes(lines: DataFrame) -> DataFrame:
    """Opened by the buyer, answered by most sellers, with what either side can show, closed within
    two weeks."""
    opened = F.col("opened_at")
    answered = F.when(_answers(), _answered_at())
    shown = {
        f"evidence-{name}": F.when(_shown(name), after(
            opened if its.side == "buyer" else answered, between(0.1, 5, f"shows {name}")))
        for name, its in EVIDENCE.items()
    }  # fmt: skip
    events = {"opened": opened, "seller_response": answered, **shown,
              "closed": F.col("closed_at")}  # fmt: skip
    disputed = _evident(lines).select("*", unfolded(events))
    happening = F.col("happening.event")
    evidence = F.when(happening.startswith("evidence-"), F.substring(happening, 10, 99))
    named = disputed.withColumn("shown", evidence)
    at_opening, at_closing = happening == "opened", happening == "closed"
    texts = (
        F.when(at_opening, pick_of(sayings.OPENINGS, "dispute_type", "opening"))
        .when(happening == "seller_response",
              pick_of(sayings.RESPONSES, "dispute_type", "response"))
        .otherwise(pick_of(sayings.EVIDENCE, "shown", "evidence"))
    )  # fmt: skip
    kinds = {name: its.kind for name, its in EVIDENCE.items()}
    return named.withColumn("luck", F.xxhash64("luck", happening)).select(
        "happening.occurred_at",
        F.concat_ws("-", dispute_id(), happening).alias("dispute_event_id"),
        dispute_id().alias("dispute_id"),
        "order_id", "line_no", "seller_id", "buyer_id",
        F.col("aftermath").alias("kind"),
        F.col("dispute_type").alias("type"),
        F.when(F.col("shown").isNotNull(), "evidence").otherwise(happening).alias("event"),
        F.when(at_opening, F.col("paid_minor")).alias("amount_minor"),
        F.when(at_opening, F.col("currency")).alias("currency"),
        F.when(~at_closing, said("dispute", texts, _words(named))).alias("text"),
        looked_up(kinds, "shown").alias("evidence_kind"),
        F.when(at_closing, F.col("outcome")).alias("outcome"),
        F.when(at_opening, after(opened, 24 * 7)).alias("due_at"),
    )  # fmt: skip


def _answers() -> Column:
    """Whether the seller answers; slow ones answer less."""
    return chance(F.greatest(F.lit(0.95) - F.col("reply") / 60, F.lit(0.3)), "answers")


def _answered_at() -> Column:
    return after(F.col("opened_at"), between(3, 90, "answered"))


def _evident(lines: DataFrame) -> DataFrame:
    """The lines in dispute, and whether their parcel was `tracked`."""
    tracked = draw("untracked", "parcel_luck") >= F.col("untracked")
    return lines.where("opened_at is not null").withColumn("tracked", tracked)


def _shown(name: str) -> Column:
    """Whether that piece of evidence is shown: more often where it is true."""
    its = EVIDENCE[name]
    share = F.when(F.expr(its.true_where), its.true).otherwise(its.false)
    there = F.col("dispute_type").isin(*its.types) & chance(share, f"shown {name}")
    return there & _answers() if its.side == "seller" else there


def dispute_truth(lines: DataFrame) -> DataFrame:
    """One row a dispute: what really happened, what is right, and whether it is `proven`: whether
    the side that is right has shown something true."""
    proofs = [
        _shown(name) & F.expr(its.true_where) & F.col("right_outcome").isin(its.side, "split")
        for name, its in EVIDENCE.items()
    ]
    return _evident(lines).select(
        dispute_id().alias("dispute_id"),
        "order_id", "line_no", "cause", "right_outcome",
        reduce(lambda one, other: one | other, proofs).alias("proven"),
    )  # fmt: skip
