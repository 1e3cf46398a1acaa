"""Scores: what models say of a subject, and why."""

from conf import columns as c
from conf.contract import Check, Column, Table, WriteMode

REASONS = (
    "array<struct<code:string,family:string,feature:string,value:string,peer_percentile:double,"
    "contribution:double,text:string,action:string>>"
)

SELLER_RISK = Table(
    layer="scores",
    name="seller_risk",
    grain="An active seller as of the end of ds, as the champion of that run sees him",
    columns=(
        c.DS, c.SELLER_ID.not_null(),
        Column("probability", "double", "Chance of an enforcement action within 60 days",
               "share 0-1", nullable=False),
        Column("margin", "double", "What sellers are ranked by", "log odds", nullable=False),
        Column("band", "string", "critical, high, elevated or normal, by margin", nullable=False),
        Column("reasons", REASONS, "At most three families of features that raise the risk, the "
               "strongest first; the contribution is in log odds", nullable=False, untrusted=True),
        Column("additivity", "double", "How far all contributions are from adding up to the margin",
               "log odds", nullable=False),
        Column("model_version", "string", "Version of seller_risk in the registry",
               nullable=False),
        Column("hindsight", "boolean", "The model was trained on what was known after ds",
               nullable=False),
    ),
    key=("ds", "seller_id"),
    mode=WriteMode.REPLACE_DS,
    writer="learn.score_seller_risk",
    partition_by=("ds",),
    checks=(
        Check("probability_between_0_and_1", "probability between 0 and 1",
              "A probability lies between 0 and 1"),
    ),
)  # fmt: skip

SELLER_SEGMENTS = Table(
    layer="scores",
    name="seller_segments",
    grain="An active seller on ds, in the segment that the champion of that run gives him",
    columns=(
        c.DS, c.SELLER_ID.not_null(),
        Column("segment_id", "int", "Smoothed segment of the last month-end up to ds; of a seller "
               "without one the raw segment. 0: new or low history. An id never means another "
               "segment", nullable=False),
        Column("segment_name", "string", "Its name, frozen with the version", nullable=False),
        Column("raw_segment_id", "int", "Segment of the nearest centre on ds", nullable=False),
        Column("distance", "double", "From the seller on ds to the nearest centre of segment_id; "
               "null: new or low history", "scaled units"),
        Column("model_version", "string", "Version of seller_segments in the registry",
               nullable=False),
        Column("hindsight", "boolean", "The version was fitted on what was known after ds",
               nullable=False),
    ),
    key=("ds", "seller_id"),
    mode=WriteMode.REPLACE_DS,
    writer="learn.assign_segments",
    partition_by=("ds",),
    checks=(
        Check("distance_of_segments", "(distance is null) = (segment_id = 0)",
              "Every seller but a new one lies at a distance from his segment's centre"),
    ),
)  # fmt: skip

TABLES = (SELLER_RISK, SELLER_SEGMENTS)
