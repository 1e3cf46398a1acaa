"""A simulated world: reproducible, whole, honest about what it breaks."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from statistics import mean
from zoneinfo import ZoneInfo

import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from conf.settings import Settings
from conf.tables import bronze
from jobs.errors import UsageError
from jobs.simulate import landing, noise, people, world
from jobs.simulate.kinds import PAPERS_DAYS
from jobs.simulate.noise import Rates
from jobs.simulate.plan import Plan
from jobs.window import Window

pytestmark = pytest.mark.spark

ZONE = "Europe/Berlin"
FIRST, LAST, LATER = date(2026, 3, 25), date(2026, 4, 7), date(2026, 4, 9)  # clocks change inside
SIZE = {"sellers": 80, "orders_per_day": 60, "seed": 11}
RATES = Rates(late=0.02, corrected=0.03, retracted=0.02, duplicated=0.03, broken=0.01)
PLAN = Plan(zone=ZONE, first=FIRST, last=LAST, **SIZE)
ABSENT = {"stripe_events", "verdicts"}
TABLES = {table.name: table for table in bronze.TABLES}


def simulate(spark, settings: Settings, out: Path, last: date = LAST) -> dict[str, int]:
    zoned, days = replace(settings, time_zone=ZONE), Window(FIRST, last)
    return world.run(spark, zoned, days, **SIZE, out=str(out), rates=RATES)


def files(out: Path) -> dict[str, bytes]:
    return {str(file.relative_to(out)): file.read_bytes() for file in out.rglob("*.gz")}


@pytest.fixture(scope="module")
def out(spark, settings, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("world") / "landing"
    simulate(spark, settings, folder)
    return folder


@pytest.fixture(scope="module")
def lines(out: Path) -> dict[tuple[str, str], list[str]]:
    """The landed text by (entity, ds)."""
    return {
        (file.parent.parent.name, file.parent.name.removeprefix("ds=")): gzip.open(file, "rt")
        .read()
        .splitlines()
        for file in out.glob("*/ds=*/*.gz")
    }


@pytest.fixture(scope="module")
def truth(out: Path) -> list[dict[str, str]]:
    return planted_in(out)


@pytest.fixture(scope="module")
def frames(spark) -> Iterator[dict[str, DataFrame]]:
    """What happened, before anything goes wrong on its way to the landing."""
    with world.entities(spark, PLAN) as (frames, _):
        yield frames


@pytest.fixture(scope="module")
def facts(frames) -> dict[str, list[dict]]:
    wanted = {"orders", "order_items", "order_events", "payments", "shipments", "refunds",
              "returns", "reviews", "messages", "disputes"}  # fmt: skip
    return {name: [row.asDict() for row in frames[name].collect()] for name in wanted}


def test_a_longer_window_on_5_partitions_writes_the_same_bytes_for_its_earlier_days(
    spark, settings, out, tmp_path
):
    kept = spark.conf.get("spark.sql.shuffle.partitions")
    spark.conf.set("spark.sql.shuffle.partitions", "5")
    try:
        simulate(spark, settings, tmp_path / "longer", LATER)
    finally:
        spark.conf.set("spark.sql.shuffle.partitions", kept)
    longer = files(tmp_path / "longer")
    days = {name: name.split("ds=")[1][:10] for name in longer}
    shared = {name: data for name, data in longer.items() if days[name] <= str(LAST)}
    assert shared == files(out)
    assert max(days.values()) == str(LATER)


def test_all_entities_land_in_sorted_files_of_the_window(out, lines):
    assert {entity for entity, _ in lines} == set(TABLES) - ABSENT
    assert {ds for _, ds in lines} == {str(day) for day in Window(FIRST, LAST)}
    landed = [file.name for file in out.glob("*/ds=*/*")]
    assert set(landed) == {landing.PART}
    assert not [folder for folder in out.iterdir() if folder.name.startswith((".", "_"))]
    for texts in lines.values():
        ids = [event_id(text) for text in texts]
        assert ids == sorted(ids)


def test_every_row_keeps_the_contract_but_those_that_are_told_to_be_broken(lines, truth):
    told = Counter(row["event_id"] for row in truth if row["fate"] == "broken")
    found = Counter()
    for (entity, _), texts in lines.items():
        found.update(event_id(text) for text in texts if faults(entity, text))
    assert found == told
    assert len({row["way"] for row in truth if "way" in row}) == 6


def test_rows_land_on_the_day_they_are_known_but_for_repeated_ones(lines, truth):
    broken = {row["event_id"] for row in truth if row["fate"] == "broken"}
    repeated = {row["event_id"] for row in truth if row["fate"] == "duplicated"}
    for (_, ds), texts in lines.items():
        for text in texts:
            if event_id(text) in broken:
                continue
            known = datetime.fromisoformat(json.loads(text)["known_at"])
            day = str(known.astimezone(ZoneInfo(ZONE)).date())
            assert day == ds or (event_id(text) in repeated and day < ds)


def test_planted_rows_are_those_found(out, lines, truth):
    texts = [text for landed in lines.values() for text in landed]
    ids = Counter(map(event_id, texts))
    told = Counter(row["fate"] for row in truth)
    assert told == {
        "duplicated": sum(ids.values()) - len(ids),
        "corrected": sum(name.endswith(":corrected") for name in ids),
        "retracted": sum('"retracted":true' in text for text in texts),
        "broken": told["broken"],
        "late": told["late"],
    }
    assert {row["event_id"] for row in truth} <= set(ids)
    assert all(len(set(copies)) == 1 for copies in by_id(texts).values())
    counted = json.loads((out / "truth" / "planted.json").read_text())
    assert counted["planted"] == told
    assert counted["rows"] == Counter(
        {entity: sum(len(landed) for (name, _), landed in lines.items() if name == entity)
         for entity, _ in lines}
    )  # fmt: skip


def test_late_rows_are_known_a_day_after_they_happened_at_least(lines, truth):
    late = {row["event_id"] for row in truth if row["fate"] == "late"}
    rows = [json.loads(text) for landed in lines.values() for text in landed
            if event_id(text) in late]  # fmt: skip
    assert len(rows) == len(late) > 0
    for row in rows:
        assert days_between(row["occurred_at"], row["known_at"]) >= 1


def test_corrections_change_what_they_correct(lines):
    texts = by_id([text for landed in lines.values() for text in landed])
    for name in [name for name in texts if name.endswith(":corrected")]:
        before, after = texts.get(name.removesuffix(":corrected")), texts[name]
        assert before is None or body(before[0]) != body(after[0])


def test_natural_keys_are_unique_but_for_versions(facts):
    for name, rows in facts.items():
        keys = Counter(tuple(row[part] for part in TABLES[name].natural_key) for row in rows)
        assert max(keys.values()) == (2 if name == "payments" else 1), name


def test_money_adds_up(facts):
    sums, refunded = Counter(), Counter()
    for line in facts["order_items"]:
        sums[line["order_id"]] += (
            line["line_total_minor"] + line["shipping_minor"] + line["tax_minor"]
        )
    orders = {order["order_id"]: order for order in facts["orders"]}
    for order_id, order in orders.items():
        assert order["total_minor"] == sums[order_id] - order["discount_minor"]
    captured = {row["order_id"] for row in facts["payments"] if row["status"] == "captured"}
    for refund in facts["refunds"]:
        refunded[refund["order_id"]] += refund["amount_minor"]
    assert refunded
    assert set(refunded) <= captured
    assert all(amount <= orders[order_id]["total_minor"] for order_id, amount in refunded.items())
    currencies = {(row["order_id"], row["currency"]) for row in facts["order_items"]}
    assert currencies == {(row["order_id"], row["currency"]) for row in facts["orders"]}


def test_only_ordered_lines_are_shipped_and_by_their_own_seller(facts):
    ordered = {(row["order_id"], row["line_no"]): row["seller_id"] for row in facts["order_items"]}
    for row in facts["shipments"]:
        for line_no in row["line_nos"]:
            assert ordered[row["order_id"], line_no] == row["seller_id"]
    assert {len(sellers) for sellers in sellers_by_order(facts).values()} == {1, 2}


def test_nothing_happens_before_its_order(facts):
    placed = {order["order_id"]: order["occurred_at"] for order in facts["orders"]}
    for rows in facts.values():
        assert all(row["occurred_at"] >= placed[row["order_id"]] for row in rows)


def test_buyers_come_back(facts):
    orders = Counter(order["buyer_id"] for order in facts["orders"])
    assert max(orders.values()) > 1


@pytest.mark.parametrize("name", ["sellers", "order_items", "shipments", "fx_rates"])
def test_typed_rows_hold_what_the_text_holds(frames, name):
    """But for the broken ones, which are broken in their own ways."""
    as_text, as_columns = (
        noise.delivered(noise.recorded(TABLES[name], frames[name], PLAN, RATES, form), PLAN)
        for form in ("jsonl", "parquet")
    )
    columns = noise.typed(as_columns, TABLES[name])
    planted = noise.planted(columns.select("event_id", "ds"), TABLES[name], PLAN, RATES)
    told, texts = fates(planted.collect()), noise.worded(as_text).collect()
    assert told == fates(row for row in texts if row["entity"] == noise.PLANTED)
    broken = {event_id for _, event_id, fate in told if fate == "broken"}
    texts = [row for row in texts if row["entity"] == name]
    landed = [json.loads(row["value"]) | {"ds": str(row["ds"])} for row in texts
              if row["event_id"] not in broken]  # fmt: skip
    typed = [said(row.asDict()) for row in columns.collect()]
    whole = [row for row in typed if row["event_id"] not in broken]
    assert landed
    assert sorted(whole, key=by_place) == sorted(landed, key=by_place)
    spoilt = [row for row in typed if row["event_id"] in broken]
    assert all(faults(name, json.dumps(without_ds(row))) for row in spoilt)
    assert len(typed) == len(texts)


def fates(rows) -> set[tuple[str, str, str]]:
    """What was done to which row, and the day on which that landed."""
    told = [(str(row["ds"]), json.loads(row["value"])) for row in rows]
    return {(ds, row["event_id"], row["fate"]) for ds, row in told}


def test_an_entity_without_rows_lands_no_parquet(spark, tmp_path):
    rows = spark.range(4).where("id > 9").selectExpr("date'2026-01-01' as ds", "id as event_id")
    assert landing.write_parquet("refunds", rows, tmp_path) == 0
    assert not list(tmp_path.iterdir())


def test_a_seller_whom_buyers_never_reach_is_never_said_to_be_reached(spark):
    plan = Plan(zone=ZONE, first=FIRST, last=LAST, **{**SIZE, "sellers": 400})
    sellers = people.sellers(spark, plan)
    enabled = F.max(F.col("messaging_enabled").cast("int")).alias("enabled")
    versions = people.seller_versions(sellers).groupBy("seller_id").agg(enabled)
    never = sellers.where("messaging_from is null").join(versions, "seller_id")
    assert {row["enabled"] for row in never.select("enabled").collect()} == {0}


def test_papers_are_verified_within_the_year_before_the_window(frames):
    verified = frames["document_verifications"].where("event = 'verified'")
    first = verified.groupBy("seller_id").agg(F.min("occurred_at").alias("at"))
    assert first.count() == frames["sellers"].select("seller_id").distinct().count()
    assert first.where(F.col("at") < F.lit(FIRST - timedelta(days=PAPERS_DAYS + 1))).isEmpty()


def test_risk_is_told_for_month_ends_and_is_higher_where_health_is_lower(spark, out):
    read = spark.read.parquet
    risks, days = read(str(out / "truth/seller_risks")), read(str(out / "truth/seller_days"))
    assert {row["day"] for row in risks.select("day").distinct().collect()} == {date(2026, 3, 31)}
    at_risk = risks.where("at_risk").join(days, ["seller_id", "day"]).orderBy("health").collect()
    assert all(0 <= row["risk_60d"] <= 1 for row in at_risk)
    low, high = at_risk[: len(at_risk) // 4], at_risk[-len(at_risk) // 4 :]
    assert mean(r["risk_60d"] for r in low) > 1.5 * mean(r["risk_60d"] for r in high)


def test_a_folder_that_holds_something_else_is_refused(tmp_path):
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(UsageError, match="holds something else"):
        landing.claim(tmp_path, {"command": "simulate.world", "entities": []})
    assert [file.name for file in tmp_path.iterdir()] == ["note.txt"]


def test_another_command_is_refused_and_the_same_one_removes_only_what_it_made(tmp_path):
    command = {"command": "simulate.world", "seed": 1, "entities": ["orders"]}
    landing.claim(tmp_path, command)
    folder = tmp_path / "orders" / "ds=2026-03-25"
    folder.mkdir(parents=True)
    (folder / landing.PART).write_bytes(b"")
    (folder / "mine.jsonl").write_text("{}")
    with pytest.raises(UsageError, match="holds something else"):
        landing.claim(tmp_path, {**command, "seed": 2})
    landing.claim(tmp_path, command)
    assert [file.name for file in folder.iterdir()] == ["mine.jsonl"]


def planted_in(out: Path) -> list[dict[str, str]]:
    parts = sorted((out / "truth" / "planted").glob("ds=*/*.gz"))
    return [json.loads(line) for part in parts
            for line in gzip.decompress(part.read_bytes()).splitlines()]  # fmt: skip


def said(row: dict[str, object]) -> dict[str, object]:
    """A typed row as the text would have it."""
    return {name: worded(value) for name, value in row.items() if value is not None}


def by_place(row: dict) -> tuple[str, str]:
    return row["event_id"], row["ds"]


def without_ds(row: dict) -> dict:
    return {name: value for name, value in row.items() if name != "ds"}


def worded(value: object) -> object:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond // 1000:03d}Z"
    if isinstance(value, date):
        return str(value)
    return float(value) if isinstance(value, Decimal) else value


def event_id(text: str) -> str:
    return re.match(r'\{"event_id":"([^"]+)"', text)[1]


def by_id(texts: list[str]) -> dict[str, list[str]]:
    grouped = defaultdict(list)
    for text in texts:
        grouped[event_id(text)].append(text)
    return grouped


def body(text: str) -> str:
    return text.split('"known_at":')[1].split(",", 1)[1] if "known_at" in text else text


def days_between(start: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds() / 86_400


def sellers_by_order(facts) -> dict[str, set[str]]:
    grouped = defaultdict(set)
    for row in facts["order_items"]:
        grouped[row["order_id"]].add(row["seller_id"])
    return grouped


def faults(entity: str, text: str) -> list[str]:
    """What is wrong with a line: a light reading of the contract."""
    try:
        row = json.loads(text)
    except ValueError:
        return ["json"]
    own = {column.name: column for column in bronze.payload(TABLES[entity])}
    head = {column.name: column for column in bronze.HEAD}
    columns = {**head, **own}
    wrong = [name for name in row if name not in columns]
    wrong += [name for name, column in columns.items() if column.required and row.get(name) is None]
    for name, value in row.items():
        if name in columns and value is not None and not fits(value, columns[name]):
            wrong.append(name)
    if not wrong:
        wrong = ["known_at"] if days_between(row["occurred_at"], row["known_at"]) < 0 else []
    return wrong


def fits(value: object, column) -> bool:
    if column.codes and value not in column.codes:
        return False
    if column.name in bronze.CURRENCY_COLUMNS:
        return value in {"USD", "EUR", "GBP", "JPY"}
    if column.type == "timestamp":
        return bool(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", str(value)))
    if column.type == "date":
        return bool(re.fullmatch(r"\d{4}-\d\d-\d\d", str(value)))
    kinds = {"string": str, "boolean": bool, "int": int, "bigint": int, "array<int>": list,
             "decimal(18,8)": float}  # fmt: skip
    return type(value) is kinds[column.type]
