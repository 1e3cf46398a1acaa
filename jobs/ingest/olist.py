"""Take the published tables of the Olist marketplace into bronze, in one pass.

The CSV files come plain or as .gz under their published names. Orders, order items and customers
are required, the others are used where they are there. docs/olist.md says what becomes of each
column and what stays unknown.

examples:
  ./spark-submit.sh ingest.olist --input olist
  ./spark-submit.sh ingest.olist --input olist --reviews olist/reviews_sample.csv.gz
"""

from __future__ import annotations

import logging
from typing import Any

from conf.contract import Table
from conf.settings import Settings, load_landing_policy
from conf.tables import bronze, meta
from jobs.arguments import Argument
from jobs.errors import ContractBroken
from jobs.ingest import olist_delivery, olist_disorder, olist_files, olist_record, publish
from jobs.ingest import olist_orders as orders
from jobs.ingest import olist_parties as parties
from jobs.ingest import olist_tables as published
from jobs.ingest.olist_delivery import Delivery
from jobs.ingest.olist_files import GivenFile
from jobs.ingest.olist_mapped import Mapped
from jobs.ingest.publish import Landing
from jobs.lake.io import Lake
from jobs.lake.records import newest_day, record_quality
from jobs.window import Window

log = logging.getLogger(__name__)

TIME_ZONE = published.TIME_ZONE
ENTITIES = (
    bronze.SELLERS, bronze.BUYERS, bronze.LISTINGS, bronze.ORDERS, bronze.ORDER_ITEMS,
    bronze.ORDER_EVENTS, bronze.PAYMENTS, bronze.SHIPMENTS, bronze.REVIEWS,
)  # fmt: skip
READS: tuple[Table, ...] = ()
WRITES = (*ENTITIES, *(bronze.rejected(table) for table in ENTITIES))
WINDOW = "none"
ARGUMENTS = (
    Argument("--input", "the folder with the published CSV files, plain or .gz", required=True),
    Argument("--reviews", "another file for olist_order_reviews_dataset, .csv or .csv.gz"),
)


def run(
    lake: Lake, settings: Settings, window: Window | None, *, input: str, reviews: str | None
) -> None:
    given = olist_files.find(lake.spark, input, reviews)
    new = _not_taken_yet(lake, given)
    if not new:
        log.info("all %d files were taken before: nothing to do", len(given))
        return
    olist = olist_delivery.opened(lake, given)
    records = olist_record.records_of(olist, given)
    days = olist_record.days_of(olist, lake.zone)
    _require_open_days(lake, new, days)
    mapped = _mapped(olist, new)
    parsed = {entity.table: entity.parsed(lake.zone, days.first) for entity in mapped}
    policy = load_landing_policy()
    with publish.judged(lake, parsed, days, policy, landed=False) as landings:
        publish.publish_rejected(lake, landings, days)
        judged = [olist_record.for_the_gate(landing) for landing in landings]
        publish.require_good_share(judged, policy)
        publish.publish_good(lake, landings)
        files = olist_record.file_rows(new, records, landings, days)
    _say(files, landings)
    record_quality(lake, olist_disorder.found(olist, days.last))
    lake.append(meta.LANDING_FILES, [{**file, "run_id": lake.run_id} for file in files])


def _not_taken_yet(lake: Lake, given: list[GivenFile]) -> list[GivenFile]:
    """The files whose content was not taken before.

    The tables are taken together, because rows of one tell what rows of another become: once they
    are taken, only reviews may follow. ContractBroken for others.
    """
    known = lake.read(meta.LANDING_FILES).where("outcome = 'taken'").select("path", "source_sha256")
    taken = {row.source_sha256: row.path for row in known.collect()}
    new = [file for file in given if file.sha256 not in taken]
    names = {table.name for table in published.TABLES if table is not published.REVIEWS}
    earlier = [path for path in taken.values() if path.split(".")[0] in names]
    changed = [file.name for file in new if file.table is not published.REVIEWS]
    if earlier and changed:
        raise ContractBroken(
            f"this lake holds other Olist files ({', '.join(sorted(earlier))}) than "
            f"{', '.join(changed)}: the tables are taken together, once; use a new lake root"
        )
    return new


def _require_open_days(lake: Lake, new: list[GivenFile], days: Window) -> None:
    closed = newest_day(lake, "closed")
    if closed and closed >= days.first:
        raise ContractBroken(
            f"{closed} and every earlier day are closed, and {', '.join(file.name for file in new)}"
            f" begins on {days.first}: it came too late. Use a new lake root"
        )


def _mapped(olist: Delivery, new: list[GivenFile]) -> list[Mapped]:
    """Every entity; only reviews where only these are new."""
    if all(file.table is published.REVIEWS for file in new):
        return [orders.reviews(olist)]
    return [
        parties.sellers(olist), parties.buyers(olist), parties.listings(olist),
        orders.orders(olist), orders.order_items(olist), orders.order_events(olist),
        orders.payments(olist), orders.shipments(olist), orders.reviews(olist),
    ]  # fmt: skip


def _say(files: list[dict[str, Any]], landings: list[Landing]) -> None:
    for file in files:
        log.info(
            "%-45s %d records = %d good + %d rejected + %d duplicate", file["path"],
            file["records"], file["good"], file["rejected"], file["duplicate"],
        )  # fmt: skip
    for landing in landings:
        log.info("%-12s %d rows", landing.table.name, landing.total("good", "replay"))
