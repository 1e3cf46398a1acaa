"""Writing a world: landing files, and beside them the truth that no job may read.

OUT/<entity>/ds=YYYY-MM-DD/part-00000.jsonl.gz, or .parquet
OUT/truth/command.json, planted.json, planted/ds=YYYY-MM-DD/part-00000.jsonl.gz
"""

from __future__ import annotations

import gzip
import json
import logging
import shutil
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as F

from jobs.errors import UsageError
from jobs.simulate.noise import PLANTED

log = logging.getLogger(__name__)

PART, PARQUET_PART = "part-00000.jsonl.gz", "part-00000.parquet"
WRITING = "_writing"
WITHOUT_CHECKSUMS = {
    "fs.file.impl": "com.globalmentor.apache.hadoop.fs.NakedLocalFileSystem",
    "fs.file.impl.disable.cache": "true",
    "mapreduce.fileoutputcommitter.marksuccessfuljobs": "false",
}
"""Hadoop's own checksum files, which cost as much as the thousands of small files themselves."""


def claim(out: Path, command: Mapping[str, Any]) -> None:
    """Makes `out` ready: new or empty, or made by this very command, whose files are removed."""
    said, truth = json.dumps(command, indent=2, sort_keys=True) + "\n", out / "truth"
    note = truth / "command.json"
    if out.exists() and any(out.iterdir()):
        if not note.is_file() or note.read_text() != said:
            raise UsageError(
                f"{out} holds something else; give an empty folder, or the command it came from"
                f"{': ' + note.read_text() if note.is_file() else ''}"
            )
        _remove_made(out, command["entities"])
    truth.mkdir(parents=True, exist_ok=True)
    note.write_text(said)


def _remove_made(out: Path, entities: list[str]) -> None:
    shutil.rmtree(out / WRITING, ignore_errors=True)
    for made in [*(out / entity for entity in entities), out / "truth" / PLANTED]:
        for part in (*made.glob(f"ds=*/{PART}"), *made.glob(f"ds=*/{PARQUET_PART}")):
            part.unlink()
        for folder in [*made.glob("ds=*"), made]:
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()


def write_text(rows: DataFrame, names: list[str], out: Path) -> dict[str, int]:
    """Writes `noise.worded` rows of all entities in one go; returns the rows of each.

    Repartitioning by (entity, ds) brings what belongs to a file into one task, and sorting by
    event_id gives it its order, so the bytes are the same on any number of partitions.
    """
    counted = Observation("rows")
    counts = [F.count_if(F.col("entity") == name).alias(name) for name in names]
    by_file = (
        rows.observe(counted, *counts)
        .repartition("entity", "ds")
        .sortWithinPartitions("entity", "ds", "event_id", "value")
    )
    writer = by_file.select("entity", "ds", "value").write.partitionBy("entity", "ds")
    writer.options(compression="gzip", **WITHOUT_CHECKSUMS).text(str(out / WRITING))
    for folder in (out / WRITING).glob("entity=*"):
        entity = folder.name.removeprefix("entity=")
        _move(folder, (out / "truth" if entity == PLANTED else out) / entity, PART)
    shutil.rmtree(out / WRITING)
    return {name: count for name, count in counted.get.items() if count}


def write_parquet(name: str, rows: DataFrame, out: Path) -> int:
    """Writes `noise.typed` rows of one entity, one file a day; returns how many."""
    counted = Observation("rows")
    by_day = (
        rows.observe(counted, F.count(F.lit(1)).alias("rows"))
        .repartition("ds")
        .sortWithinPartitions("ds", "event_id")
    )
    writer = by_day.write.partitionBy("ds").options(**WITHOUT_CHECKSUMS)
    writer.parquet(str(out / WRITING))
    _move(out / WRITING, out / name, PARQUET_PART)
    shutil.rmtree(out / WRITING)
    # An entity without rows is optimised away, and with it what was to be counted.
    return int(counted.get.get("rows", 0))


def read_parquet(spark: SparkSession, name: str, out: Path) -> DataFrame:
    """What was written of an entity, `event_id` and `ds`; no rows where there is nothing."""
    schema = "event_id string, ds date"
    if not (out / name).exists():
        return spark.createDataFrame([], schema)
    return spark.read.schema(schema).parquet(str(out / name))


def _move(made: Path, target: Path, part_name: str) -> None:
    """From Spark's part names, which hold a random id, to those of the landing."""
    for part in made.glob("ds=*/part-*"):
        folder = target / part.parent.name
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / part_name).exists():
            raise RuntimeError(f"two files for {folder / part_name}")
        part.rename(folder / part_name)


def tell(out: Path, rows: Mapping[str, int]) -> dict[str, int]:
    """Writes planted.json: rows landed an entity, and fates (broken ones by way); rows a fate."""
    fates, ways = Counter[str](), Counter[str]()
    by_entity: dict[str, Counter[str]] = defaultdict(Counter)
    for part in (out / "truth" / PLANTED).glob(f"ds=*/{PART}"):
        with gzip.open(part, "rt") as lines:
            for planted in map(json.loads, lines):
                fates[planted["fate"]] += 1
                by_entity[planted["entity"]][planted["fate"]] += 1
                ways.update([planted["way"]] if "way" in planted else [])
    truth = {"rows": rows, "planted": fates, "planted_by_entity": by_entity, "broken_ways": ways}
    (out / "truth" / "planted.json").write_text(json.dumps(truth, indent=2, sort_keys=True) + "\n")
    return dict(fates)
