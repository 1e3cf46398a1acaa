"""Reports: what people read, as rows."""

from conf import columns as c
from conf.contract import Check, Column, GroupCheck, Table, WriteMode

DAILY_MARKETPLACE = Table(
    layer="reports",
    name="daily_marketplace",
    grain="One figure of a business date: a metric, for a member of a dimension, in a currency",
    columns=(
        c.DS,
        Column("metric", "string", "Name in the registry of metrics (conf/metrics.py)",
               nullable=False),
        Column("dimension", "string", "all, category or region", nullable=False),
        Column("member", "string", "Member of the dimension; all for the whole marketplace",
               nullable=False, untrusted=True),
        Column("currency", "string", "Currency of a money figure; XXX for what is no money",
               "ISO 4217", nullable=False),
        Column("value", "double", "The figure, in the metric's unit; null: nothing to measure"),
        Column("numerator", "bigint", "What was counted, or minor units"),
        Column("denominator", "bigint", "Out of how many, where the figure is a share or mean"),
        Column("baseline", "double", "What the metric is compared with: what the same weekday "
               "usually shows, or the same days of last month, or the week before; null: too "
               "little history"),
        Column("baseline_days", "int", "Same weekdays found for the baseline", "days"),
        Column("change", "double", "value / baseline - 1"),
        Column("deviation", "double", "Distance from the baseline in robust standard deviations"),
        Column("observed_ds", "date", "Business date that the figure is about", nullable=False),
        Column("maturity_days", "int", "Age from which the figure no longer moves much", "days",
               nullable=False),
        Column("mature", "boolean", "observed_ds is at least that old", nullable=False),
        Column("alert", "string", "good, bad or null: neither"),
        Column("note", "string", "Why there is no baseline or no figure"),
        Column("definition_version", "int", "Version of the metric's definition", nullable=False),
    ),
    key=("ds", "metric", "dimension", "member", "currency"),
    mode=WriteMode.REPLACE_DS,
    writer="report.daily",
    partition_by=("ds",),
    checks=(
        Check("mature_alerts_only", "alert is null or mature", "An immature rate never alerts"),
        Check("nothing_later", "observed_ds <= ds", "A page knows nothing of later days"),
    ),
    group_checks=(
        GroupCheck("one_total", ("ds", "metric", "currency"),
                   "count_if(dimension = 'all') = 1",
                   "Every metric has one figure for the whole marketplace"),
    ),
)  # fmt: skip

FEATURE_REFERENCE = Table(
    layer="reports",
    name="feature_reference",
    grain="How many sellers of a reference day fall into a bin of a feature",
    columns=(
        c.DS.described("Business date that is the reference"),
        Column("feature", "string", "Feature (docs/features.md)", nullable=False),
        Column("bin", "string", "Number of the tenth, category, or missing", nullable=False,
               untrusted=True),
        Column("bounds", "array<double>", "Upper bounds of the tenths of a number, but the last"),
        Column("rows", "bigint", "Sellers", "count", nullable=False),
    ),
    key=("ds", "feature", "bin"),
    mode=WriteMode.REPLACE_DS,
    writer="report.data_drift",
    partition_by=("ds",),
)  # fmt: skip

FEATURE_DRIFT = Table(
    layer="reports",
    name="feature_drift",
    grain="How far a feature's distribution on ds lies from that of the reference day",
    columns=(
        c.DS,
        Column("feature", "string", "Feature (docs/features.md)", nullable=False),
        Column("reference_ds", "date", "Business date that is the reference", nullable=False),
        Column("psi", "double", "Population stability index over tenths or categories; null: "
               "nothing to compare"),
        Column("missing_share", "double", "Sellers without a value", "share 0-1"),
        Column("reference_missing_share", "double", "The same on the reference day", "share 0-1"),
        Column("rows", "bigint", "Sellers on ds", "count", nullable=False),
        Column("reference_rows", "bigint", "Sellers on the reference day", "count",
               nullable=False),
    ),
    key=("ds", "feature"),
    mode=WriteMode.REPLACE_DS,
    writer="report.data_drift",
    partition_by=("ds",),
    checks=(
        Check("psi_not_negative", "psi >= 0", "An index of stability is not negative"),
    ),
)  # fmt: skip

MODEL_HEALTH = Table(
    layer="reports",
    name="model_health",
    grain="One figure about a model on a business date",
    columns=(
        c.DS,
        Column("model", "string", "Model", nullable=False),
        Column("metric", "string", "sellers, score_psi, feature_psi, model_age_days, "
               "expected_average_precision, realised_average_precision, "
               "realised_calibration_error", nullable=False),
        Column("about_ds", "date", "Business date of the scores that the figure is about",
               nullable=False),
        Column("value", "double", "The figure; null: nothing to measure yet"),
        Column("model_version", "string", "Version that scored", nullable=False),
        Column("note", "string", "What the figure rests on"),
    ),
    key=("ds", "model", "metric"),
    mode=WriteMode.REPLACE_DS,
    writer="report.model_health",
    partition_by=("ds",),
)  # fmt: skip

SEGMENTS = Table(
    layer="reports",
    name="segments",
    grain="A segment of sellers on a month-end",
    columns=(
        c.DS,
        Column("segment_id", "int", "Segment; 0: new or low history", nullable=False),
        Column("segment_name", "string", "Its name", nullable=False),
        Column("sellers", "bigint", "Sellers in it", "count", nullable=False),
        Column("share", "double", "Of all active sellers", "share 0-1", nullable=False),
        Column("gmv", "array<struct<currency:string,amount_minor:bigint,share:double>>",
               "GMV of 30 days by currency, and its share of all sellers' GMV in that currency",
               nullable=False),
        Column("effects", "array<struct<feature:string,effect:double>>", "What sets it apart: "
               "difference to all others in standard deviations, the largest first",
               nullable=False),
        Column("risk_rate", "double", "Sellers of the segment at risk_ds upon whom an enforcement "
               "action followed within 60 days; no label has made the segments", "share 0-1"),
        Column("risk_low", "double", "Lower bound of its 95 % interval (Wilson)", "share 0-1"),
        Column("risk_high", "double", "Upper bound", "share 0-1"),
        Column("risk_sellers", "bigint", "Sellers whose label is sure", "count"),
        Column("risk_ds", "date", "The newest month-end whose labels are sure on ds"),
        Column("owner", "string", "Who looks after it", nullable=False),
        Column("action", "string", "What is done", nullable=False),
        Column("watch", "string", "The one figure to watch", nullable=False),
        Column("watch_value", "double", "Its median over the segment, in the feature's unit"),
        Column("model_version", "string", "Version that assigned", nullable=False),
    ),
    key=("ds", "segment_id"),
    mode=WriteMode.REPLACE_DS,
    writer="report.segments",
    partition_by=("ds",),
)  # fmt: skip

SEGMENT_FLOWS = Table(
    layer="reports",
    name="segment_flows",
    grain="One part of the change of a segment since the month-end before; the parts add up",
    columns=(
        c.DS,
        Column("segment_id", "int", "Segment", nullable=False),
        Column("part", "string", "entered, left, moved_in, moved_out, model_changed, or "
               "denominator: what other sellers' coming and going does to the share",
               nullable=False),
        Column("family", "string", "Family of features that speaks for the move; history: into or "
               "out of the segment of new sellers; empty: nobody moved", nullable=False),
        Column("counterpart", "string", "Segment that they came from or went to; else empty",
               nullable=False),
        Column("sellers", "double", "By how many sellers the segment changed; a move is split by "
               "family, so this may be a fraction", "count", nullable=False),
        Column("share", "double", "By how much its share changed", "share 0-1", nullable=False),
        Column("model_version", "string", "Version of both month-ends' segments",
               nullable=False),
    ),
    key=("ds", "segment_id", "part", "family", "counterpart"),
    mode=WriteMode.REPLACE_DS,
    writer="report.segments",
    partition_by=("ds",),
)  # fmt: skip

SEGMENT_HEALTH = Table(
    layer="reports",
    name="segment_health",
    grain="One figure about the frozen version of seller segments on a month-end",
    columns=(
        c.DS,
        Column("metric", "string", "share_psi, distance_growth, feature_psi; ari_seeds, "
               "ari_halves, ari_months, kept, noise_kept", nullable=False),
        Column("about", "string", "Feature or month-end that it is about; else empty",
               nullable=False),
        Column("value", "double", "The figure; null: nothing to measure"),
        Column("bound", "double", "Above it the figure speaks for a refit; noise_kept should not "
               "be below it; null: it is said only"),
        Column("tripped", "boolean", "It is on the wrong side of its bound", nullable=False),
        Column("model_version", "string", "Version that it is about", nullable=False),
        Column("note", "string", "What it rests on", untrusted=True),
    ),
    key=("ds", "metric", "about"),
    mode=WriteMode.REPLACE_DS,
    writer="report.segment_health",
    partition_by=("ds",),
)  # fmt: skip

TABLES = (DAILY_MARKETPLACE, FEATURE_REFERENCE, FEATURE_DRIFT, MODEL_HEALTH, SEGMENTS,
          SEGMENT_FLOWS, SEGMENT_HEALTH)  # fmt: skip
