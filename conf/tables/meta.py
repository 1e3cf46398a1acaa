"""Meta: the lake's own records. They alone may hold a clock, a run id or a Delta version."""

from conf import columns as c
from conf.contract import Column, Table, WriteMode

_AT = Column("at", "timestamp", "When the row was written", nullable=False)


def _record(name: str, grain: str, *columns: Column, key: tuple[str, ...]) -> Table:
    return Table(
        layer="meta", name=name, grain=grain, columns=columns, key=key, mode=WriteMode.APPEND,
        writer="lake",
    )  # fmt: skip


LAKE = _record(
    "lake", "One row: what holds for the whole lake",
    Column("time_zone", "string", "Zone in which business days are cut", "IANA", nullable=False),
    Column("contract_version", "int", "Version of the contracts that made it", nullable=False),
    _AT,
    key=("time_zone",),
)  # fmt: skip

DAYS = _record(
    "days", "One row a step in the life of a business day",
    c.DS,
    Column("event", "string", "closed: no more files are taken; refined: silver knows it; "
           "decided: as a whole", nullable=False, codes=("closed", "refined", "decided")),
    Column("job", "string", "Job that took the step", nullable=False),
    c.RUN_ID, _AT,
    key=("ds", "event", "job", "run_id"),
)  # fmt: skip

LANDING_FILES = _record(
    "landing_files", "One row a landing file taken or refused in a run",
    Column("source_sha256", "string", "SHA-256 of the file", nullable=False),
    Column("entity", "string", "Entity", nullable=False),
    Column("path", "string", "File below the landing folder", nullable=False),
    c.DS,
    Column("outcome", "string", "taken or refused", nullable=False, codes=("taken", "refused")),
    Column("why", "string", "Why it was refused"),
    Column("records", "bigint", "Records found", nullable=False),
    Column("good", "bigint", "Of these good", nullable=False),
    Column("rejected", "bigint", "Of these rejected", nullable=False),
    Column("duplicate", "bigint", "Of these duplicates", nullable=False),
    Column("bytes", "bigint", "Size as landed", nullable=False),
    c.RUN_ID, _AT,
    key=("source_sha256", "run_id"),
)  # fmt: skip

JOB_RUNS = _record(
    "job_runs", "One row a job run",
    c.RUN_ID,
    Column("job", "string", "verb.noun", nullable=False),
    Column("first_ds", "date", "First business date of the window"),
    Column("last_ds", "date", "Last business date of the window"),
    Column("status", "string", "done, part (of an open day) or failed", nullable=False),
    Column("exit_code", "int", "Exit code of the command", nullable=False),
    Column("error", "string", "What went wrong"),
    Column("rows", "string", "Rows in, written, rejected, duplicate per table", "JSON"),
    Column("versions_read", "string", "Delta version of each table read", "JSON"),
    Column("versions_written", "string", "Delta version of each table written", "JSON"),
    Column("code_version", "string", "Version and content hash of the code", nullable=False),
    Column("started_at", "timestamp", "Start", nullable=False),
    Column("seconds", "double", "Duration", "seconds", nullable=False),
    key=("run_id", "job"),
)  # fmt: skip

DATA_QUALITY = _record(
    "data_quality", "One row a check with something to say",
    c.RUN_ID,
    Column("table", "string", "Table checked", nullable=False),
    Column("check", "string", "Check", nullable=False),
    c.DS,
    Column("rows", "bigint", "Rows concerned", nullable=False),
    Column("detail", "string", "What was found"),
    _AT,
    key=("run_id", "table", "check", "ds"),
)  # fmt: skip

MODEL_PROMOTIONS = _record(
    "model_promotions", "One row a time that a version became champion",
    Column("model", "string", "Model", nullable=False),
    Column("version", "string", "Version that became champion", nullable=False),
    Column("previous_version", "string", "Version that was champion before"),
    Column("why", "string", "Why, as the reviewer wrote it", nullable=False, untrusted=True),
    Column("changes", "string", "What changes with it on the newest snapshots: swap-ins, swap-outs "
           "and sellers by band before and after", "JSON"),
    c.RUN_ID, _AT,
    key=("model", "version", "run_id"),
)  # fmt: skip

SEGMENT_CROSSWALKS = _record(
    "segment_crosswalks", "One row a pair of segments that share sellers, of two versions",
    Column("from_version", "string", "Version that was champion at the refit", nullable=False),
    Column("to_version", "string", "The refit", nullable=False),
    Column("from_segment_id", "int", "Segment of from_version", nullable=False),
    Column("to_segment_id", "int", "Segment of to_version", nullable=False),
    Column("rows", "bigint", "Seller-months of the fit in both", "count", nullable=False),
    Column("jaccard", "double", "Of a matched pair: rows in both, of those in either",
           "share 0-1"),
    Column("ari", "double", "Adjusted Rand index of the two versions", nullable=False),
    Column("same_identity", "boolean", "Ids and names stayed", nullable=False),
    c.RUN_ID, _AT,
    key=("from_version", "to_version", "from_segment_id", "to_segment_id", "run_id"),
)  # fmt: skip

TABLES = (LAKE, DAYS, LANDING_FILES, JOB_RUNS, DATA_QUALITY, MODEL_PROMOTIONS,
          SEGMENT_CROSSWALKS)  # fmt: skip
