"""`--env cluster`: a real master and two workers give the same tables as one machine.

The workers stand in a folder of their own, and no path of theirs leads here: what executors know
of the project came in the zip.
"""

from __future__ import annotations

import json
import socket
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import date, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession

from conf.settings import Settings, SettingsError, load_settings
from jobs import models
from jobs.ingest import olist
from jobs.lake.records import open_lake
from jobs.runner import run_job
from jobs.window import Window
from tests.support import processes
from tests.support.seller_lakes import of_a_file
from tests.support.seller_months import month_ends, seller_months

pytestmark = [pytest.mark.spark, pytest.mark.timeout(1800)]

PROJECT = Path(__file__).parents[1]
JAVA = PROJECT / "bootstrap" / "java.sh"
SPARK_HOME = Path(str(find_spec("pyspark").submodule_search_locations[0]))
FIRST = date(2018, 3, 5)
WINDOW = Window(FIRST, FIRST + timedelta(days=4))
SMALL = processes.QUICK_SPARK | {
    "spark.driver.memory": "1g",
    "spark.executor.memory": "1g",
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.driver.host": "127.0.0.1",
}


@dataclass(frozen=True)
class Cluster:
    """A running cluster; `work` is where its executors find what was sent to them."""

    url: str
    work: Path
    env: dict[str, str]

    def submit(self, lake: Path, *command: str) -> dict[str, Any]:
        """`spark-submit.sh COMMAND --env cluster`; the record that ends its output."""
        env = {
            "MARKETPLACE_SPARK_MASTER": self.url,
            "MARKETPLACE_LAKE_ROOT": str(lake),
            **processes.spark_conf(SMALL),
        }
        code, said = processes.run(
            [PROJECT / "spark-submit.sh", *command, "--env", "cluster"],
            env=self.env | env, cwd=self.work, log=self.work / "submit.log",
        )  # fmt: skip
        assert code == 0, said
        return json.loads(said.splitlines()[-1])


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    work = tmp_path_factory.mktemp("cluster")
    port, page = _free_port(), _free_port()
    url, here = f"spark://127.0.0.1:{port}", ("--host", "127.0.0.1")
    env = processes.outside() | {
        "SPARK_HOME": str(SPARK_HOME),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_DAEMON_MEMORY": "256m",
    }
    master = ("master.Master", *here, "--port", str(port), "--webui-port", str(page))
    worker = ("worker.Worker", *here, "--webui-port", "0", "--cores", "1", "--memory", "1g")
    workers = [(*worker, "--work-dir", str(work / name), url) for name in ("one", "two")]
    with ExitStack() as running:
        for number, daemon in enumerate((master, *workers)):
            name, *arguments = daemon
            java_class = f"org.apache.spark.deploy.{name}"
            command = [JAVA, SPARK_HOME / "bin" / "spark-class", java_class, *arguments]
            log = work / f"{number}.log"
            running.enter_context(processes.started(command, env=env, cwd=work, log=log))
        _wait_for_workers(f"http://127.0.0.1:{page}/json/", len(workers), work)
        yield Cluster(url, work, env)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for_workers(page: str, count: int, work: Path) -> None:
    for _ in range(300):
        try:
            with urllib.request.urlopen(page, timeout=5) as answer:
                if json.load(answer)["aliveworkers"] == count:
                    return
        except OSError:
            pass
        time.sleep(0.2)
    raise AssertionError("\n".join(log.read_text() for log in sorted(work.glob("*.log"))))


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten orders of three sellers in the format that Olist publishes."""
    folder = tmp_path_factory.mktemp("published")
    numbers = range(10)
    days = [FIRST + timedelta(days=number // 4) for number in numbers]
    orders = [
        f"o{n},c{n},delivered,{days[n]} 10:{n:02}:00,{days[n]} 11:00:00,{days[n]} 19:00:00,"
        f"{days[n] + timedelta(days=2)} 21:00:00,{days[n] + timedelta(days=1 + n % 3)} 00:00:00"
        for n in numbers
    ]
    items = [
        f"o{n},{line},p{n % 4},s{(n + line) % 3},{days[n]} 23:00:00,{10 + n}.90,{line}.50"
        for n in numbers
        for line in range(1, 2 + n % 2)
    ]
    payments = [f"o{n},1,credit_card,1,{14 + n}.40" for n in numbers]
    reviews = [f"r{n},o{n},{1 + n % 5},,bom,{days[n]} 00:00:00,{days[n]} 22:00:00" for n in numbers]
    tables = {
        "orders": (
            "order_id,customer_id,order_status,order_purchase_timestamp,order_approved_at,"
            "order_delivered_carrier_date,order_delivered_customer_date,"
            "order_estimated_delivery_date",
            orders,
        ),
        "order_items": (
            "order_id,order_item_id,product_id,seller_id,shipping_limit_date,price,freight_value",
            items,
        ),
        "customers": (
            "customer_id,customer_unique_id,customer_state",
            [f"c{n},u{n % 7},SP" for n in numbers],
        ),
        "order_payments": (
            "order_id,payment_sequential,payment_type,payment_installments,payment_value",
            payments,
        ),
        "order_reviews": (
            "review_id,order_id,review_score,review_comment_title,review_comment_message,"
            "review_creation_date,review_answer_timestamp",
            reviews,
        ),
    }
    for name, (head, rows) in tables.items():
        (folder / f"olist_{name}_dataset.csv").write_text("\n".join([head, *rows, ""]))
    return folder


def on_one_machine(
    spark: SparkSession, settings: Settings, published: Path, root: Path, job: str
) -> Path:
    here = replace(settings, lake_root=str(root))
    lake = open_lake(spark, here, zone=olist.TIME_ZONE, create=True)
    run_job("ingest.olist", lake, here, None, "ingest", {"input": str(published), "reviews": None})
    options = {"landing": None, "only": "refine"} if job == "run.day" else {}
    run_job(job, lake, here, WINDOW, "refine", options)
    return root


@pytest.mark.parametrize(
    "job",
    [
        ("refine.orders",),
        pytest.param(("run.day", "--only", "refine"), marks=pytest.mark.soak, id="all"),
    ],
)
def test_a_cluster_gives_the_same_tables(
    cluster: Cluster, published: Path, spark: SparkSession, settings: Settings, tmp_path: Path,
    job: tuple[str, ...],
) -> None:  # fmt: skip
    lake = tmp_path / "lake"
    days = ("--from", str(WINDOW.first), "--to", str(WINDOW.last))
    taken = cluster.submit(lake, "ingest.olist", "--input", str(published))
    refined = cluster.submit(lake, *job, *days)
    assert (taken["job"], taken["status"]) == ("ingest.olist", "done")
    assert (refined["job"], refined["status"]) == (job[0], "done")
    found = tables(lake)
    expected = tables(on_one_machine(spark, settings, published, tmp_path / "local", job[0]))
    assert len(found["silver/orders"]) == 10
    assert found.keys() == expected.keys()
    assert [path for path in found if found[path] != expected[path]] == []
    for worker in ("one", "two"):  # both took part, each with the project's zip
        assert list((cluster.work / worker).glob("app-*/*/marketplace_lakehouse-*.zip"))


@pytest.mark.soak
def test_two_executors_train_a_model_that_passes_the_same_gates(
    cluster: Cluster, spark: SparkSession, settings: Settings, tmp_path: Path
) -> None:
    ends = month_ends(7)
    _, here = of_a_file(
        spark, settings, tmp_path, seller_months(6_000, len(ends)), "featurize.seller_snapshots",
        "featurize.seller_labels",
    )  # fmt: skip
    trained_on = ends[-1] + timedelta(days=60)
    trained = cluster.submit(tmp_path / "lake", "learn.seller_risk", "--ds", str(trained_on))
    assert trained["status"] == "done"
    with models.registry(here) as registry:
        assert registry.version(models.SELLER_RISK, "1").tags["gates"] == "passed"
        assert registry.champion(models.SELLER_RISK) is None  # a person promotes


def tables(lake: Path) -> dict[str, list[str]]:
    """Every table but the lake's own records, as sorted rows."""
    logs = [log for log in lake.glob("*/*/_delta_log") if log.parts[-3] != "meta"]
    return {f"{log.parts[-3]}/{log.parts[-2]}": _rows(log.parent) for log in logs}


def _rows(table: Path) -> list[str]:
    return sorted(map(repr, DeltaTable(table).to_pyarrow_table().to_pylist()))


def test_a_machine_sets_spark_over_the_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARKETPLACE_SPARK_CONF", "spark.driver.memory=1g;spark.a.b=c=d")
    spark = load_settings("local").spark
    assert (spark["spark.driver.memory"], spark["spark.a.b"]) == ("1g", "c=d")
    monkeypatch.setenv("MARKETPLACE_SPARK_CONF", "driver.memory=1g")
    with pytest.raises(SettingsError, match="MARKETPLACE_SPARK_CONF"):
        load_settings("local")
