"""Bronze: seller-months that others computed, by the contract of the features."""

from conf import columns as c
from conf.contract import Column, Table, WriteMode
from conf.seller_features import SELLER_FEATURES
from conf.tables import bronze

LABEL = Column("high_risk_60d", "boolean", "The label as given; null: unknown")
MONTH = "snapshot_month"

SELLER_MONTHS = Table(
    layer="bronze",
    name="seller_months",
    grain="A seller-month as somebody else computed it; ds is the month's last day",
    columns=(
        c.DS, c.SELLER_ID.not_null(),
        *(Column(f.name, f.type, f.definition, f.unit) for f in SELLER_FEATURES),
        LABEL, c.EXTRA, c.SOURCE_FILE, c.SOURCE_SHA256,
    ),
    key=("ds", "seller_id"),
    mode=WriteMode.APPEND_ONCE,
    writer="ingest.seller_months",
    partition_by=("ds",),
)  # fmt: skip

CODES = {
    "fulfillment_channel": (*bronze.ORDER_ITEMS.column("fulfillment").codes, "mixed"),
    "business_type": bronze.SELLERS.column("business_type").codes,
}
"""The categories that are known; others are accepted and said."""

TABLES = (SELLER_MONTHS,)
