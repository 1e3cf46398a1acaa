"""Features: what is known of a subject as of the end of a business date."""

from conf import columns as c
from conf.contract import Check, Column, Table, WriteMode
from conf.seller_features import COUNTS, SELLER_FEATURES, Feature


def _column(feature: Feature) -> Column:
    null = "" if feature.null_when == "never" else f" (null: {feature.null_when})"
    window = "" if feature.window in ("as of", "ever") else f", {feature.window}"
    return Column(feature.name, feature.type, feature.definition + null, feature.unit + window)


def _shares_within_bounds() -> tuple[Check, ...]:
    names = [feature.name for feature in SELLER_FEATURES if feature.unit.startswith("share")]
    inside = " and ".join(f"coalesce({name} between 0 and 1, true)" for name in names)
    return (Check("shares_between_0_and_1", inside, "Every share lies between 0 and 1"),)


SELLER_SNAPSHOTS = Table(
    layer="features",
    name="seller_snapshots",
    grain="A seller with business in the 90 days up to ds, as of the end of ds",
    columns=(
        c.DS, c.SELLER_ID.not_null(),
        *(_column(feature) for feature in SELLER_FEATURES),
        c.CURRENCY,
        *(
            Column(name, "bigint", f"What rates rest on: {name.removesuffix('_90d')} of the window",
                   "count, 90d")
            for name in COUNTS
        ),
    ),
    key=("ds", "seller_id"),
    mode=WriteMode.REPLACE_DS,
    writer="featurize.seller_snapshots",
    partition_by=("ds",),
    checks=_shares_within_bounds(),
)  # fmt: skip

SELLER_LABELS = Table(
    layer="features",
    name="seller_labels",
    grain="The label of a seller's snapshot, as far as it is known",
    columns=(
        c.DS, c.SELLER_ID.not_null(),
        Column("high_risk_60d", "boolean", "A suspension, funds hold or category block on one of "
               "the 60 business dates after ds (null: immature or not at risk)"),
        Column("label_available_on", "date", "Business date from whose end on the label is sure: "
               "ds + 60 days + reporting lag", nullable=False),
        Column("label_state", "string", "immature, mature or not_at_risk (suspended as of T)",
               nullable=False, codes=("immature", "mature", "not_at_risk")),
    ),
    key=("ds", "seller_id"),
    mode=WriteMode.REPLACE_DS,
    writer="featurize.seller_labels",
    partition_by=("ds",),
    checks=(
        Check("label_when_mature", "(high_risk_60d is not null) = (label_state = 'mature')",
              "A label is given exactly when it is mature"),
    ),
)  # fmt: skip

TABLES = (SELLER_SNAPSHOTS, SELLER_LABELS)
