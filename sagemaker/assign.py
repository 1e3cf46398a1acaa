"""Processing: the segments of a folder of Parquet files, as a batch job of its own.

    python -m sagemaker.assign [--root /opt/ml] --ds 2026-06-30

Reads <root>/model and <root>/processing/input/*.parquet: snapshots (with `ds` and, where the
version was fitted on them, published counts) of the date and of the month-ends that a segment looks
back on. Writes <root>/processing/output/segments.parquet and summary.json. Exit codes: 0 done, 3
the input broke its contract (nothing is written), 1 anything else.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from conf.seller_features import COUNTS
from ml.artefact import OtherContract, Tampered
from ml.seller_segments.behaviour import columns
from ml.seller_segments.model import Model, read
from ml.seller_segments.transforms import NoCounts
from sagemaker.rows import BadRows, whole


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m sagemaker.assign", description=__doc__, allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--root", type=Path, default=Path("/opt/ml"), help="default: /opt/ml")
    parser.add_argument("--ds", type=date.fromisoformat, required=True, help="the date asked")
    options = parser.parse_args(argv)
    try:
        summary = assigned(options.root, options.ds)
    except (BadRows, Tampered, OtherContract, NoCounts) as error:
        print(error, file=sys.stderr)
        return 3
    print(json.dumps(summary))
    return 0


def assigned(root: Path, ds: date) -> dict[str, object]:
    """Assigns every seller with a row of the date; BadRows where the input breaks its contract. The
    summary names the month-ends that it looked back on in vain."""
    model = read(root / "model")
    rows = _rows(root / "processing" / "input", model, ds)
    found = model.assigned(rows, ds)
    output = root / "processing" / "output"
    output.mkdir(parents=True, exist_ok=True)
    here = set(rows["ds"].to_pylist())
    missing = [str(end) for end in model.ends(ds) if end not in here]
    summary = {"ds": str(ds), "rows": found.num_rows, "missing_month_ends": missing,
               "known_on": model.trained["known_on"]}  # fmt: skip
    with whole(output / "segments.parquet") as part:
        pyarrow.parquet.write_table(found, part)
    with whole(output / "summary.json") as part:  # last: where it is, the segments are
        part.write_text(json.dumps(summary) + "\n")
    return summary


def _rows(folder: Path, model: Model, ds: date) -> pa.Table:
    files = sorted(folder.glob("*.parquet"))
    if not files:
        raise BadRows(f"{folder} holds no Parquet file")
    tables = []
    for file in files:
        found = pyarrow.parquet.read_table(file)
        try:
            tables.append(_conformed(found, model))
        except BadRows as error:
            raise BadRows(f"{file.name}: {error}") from None
    rows = pa.concat_tables(tables, promote_options="default")
    keys = rows.select(["ds", "seller_id"]).group_by(["ds", "seller_id"]).aggregate([])
    if keys.num_rows != rows.num_rows:
        raise BadRows(f"{folder} has a seller twice on a date")
    if not pc.any(pc.equal(rows["ds"], pa.scalar(ds, pa.date32()))).as_py():
        raise BadRows(f"{folder} holds no rows of {ds}")
    return rows


def _conformed(found: pa.Table, model: Model) -> pa.Table:
    """The columns that are looked at, each of the type that it is read as; counts may lack."""
    types = {"ds": pa.date32(), "seller_id": pa.string(), "marketplace": pa.string()}
    conformed = {}
    for name in ("ds", "seller_id", *columns(model.features)):
        if name not in found.column_names:
            if name in COUNTS:
                continue
            raise BadRows(f"the column {name} is missing")
        type_ = types.get(name, pa.float64())
        try:
            conformed[name] = found.column(name).cast(type_)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise BadRows(f"the column {name} is no {type_}: {error}") from None
    if conformed["seller_id"].null_count or conformed["ds"].null_count:
        raise BadRows("the column seller_id or ds has no value in some row")
    return pa.table(conformed)


if __name__ == "__main__":
    sys.exit(main())
