"""Processing: scores a folder of Parquet files, as a batch job of its own.

    python -m sagemaker.process [--root /opt/ml] --ds 2026-06-30

Reads <root>/model and <root>/processing/input/*.parquet (rows with `ds`), writes
<root>/processing/output/scores.parquet and summary.json. Exit codes: 0 done, 3 the input broke its
contract (nothing is written), 1 anything else.
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

from ml.artefact import OtherContract, Tampered
from ml.seller_risk.model import read
from sagemaker.rows import BadRows, conformed, whole


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m sagemaker.process", description=__doc__, allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--root", type=Path, default=Path("/opt/ml"), help="default: /opt/ml")
    parser.add_argument("--ds", type=date.fromisoformat, required=True, help="the only date asked")
    options = parser.parse_args(argv)
    try:
        summary = processed(options.root, options.ds)
    except (BadRows, Tampered, OtherContract) as error:
        print(error, file=sys.stderr)
        return 3
    print(json.dumps(summary))
    return 0


def processed(root: Path, ds: date) -> dict[str, object]:
    """Scores every row of the input; BadRows unless it is whole, of that date, without repeats."""
    model = read(root / "model")
    rows = _fresh(root / "processing" / "input", ds)
    scores = model.scores(rows)
    output = root / "processing" / "output"
    output.mkdir(parents=True, exist_ok=True)
    summary = {
        "ds": str(ds), "rows": scores.num_rows, "known_on": model.trained["known_on"],
        "additivity": pc.max(scores["additivity"]).as_py(),
    }  # fmt: skip
    with whole(output / "scores.parquet") as part:
        pyarrow.parquet.write_table(scores, part)
    with whole(output / "summary.json") as part:  # last: where it is, the scores are
        part.write_text(json.dumps(summary) + "\n")
    return summary


def _fresh(folder: Path, ds: date) -> pa.Table:
    files = sorted(folder.glob("*.parquet"))
    if not files:
        raise BadRows(f"{folder} holds no Parquet file")
    tables = []
    for file in files:
        table = pyarrow.parquet.read_table(file)
        found = set(table["ds"].cast(pa.date32()).to_pylist()) if "ds" in table.column_names else {}
        if table.num_rows and found != {ds}:
            days = ", ".join(map(str, sorted(found))) or "no ds"
            raise BadRows(f"{file.name} is about {days}, not about {ds}: old scores would be new")
        tables.append(conformed(table))
    rows = pa.concat_tables(tables)
    if rows.num_rows == 0:
        raise BadRows(f"{folder} holds no rows of {ds}")
    if pc.count_distinct(rows["seller_id"]).as_py() != rows.num_rows:
        raise BadRows(f"{folder} has a seller twice")
    return rows


if __name__ == "__main__":
    sys.exit(main())
