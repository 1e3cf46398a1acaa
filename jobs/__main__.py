"""The command line: `python -m jobs JOB [options]`, or `./spark-submit.sh JOB [options]`.

Standard output ends with one JSON object; progress and messages go to standard error.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import json
import logging
import sys
import time
import uuid
from collections.abc import Sequence
from datetime import date, datetime
from types import ModuleType
from typing import Any

from conf.settings import ENVIRONMENTS, Settings, SettingsError, load_settings
from jobs import registry
from jobs.errors import UsageError
from jobs.window import Window

log = logging.getLogger("jobs")

EXIT_CODES = """exit codes:
  0 done   2 usage   3 data broke its contract, nothing published
  4 an outside service or the lake's lease is not available: safe to run again
  5 a gate was not passed   1 anything else

examples:
  ./spark-submit.sh list
  ./spark-submit.sh ingest.landing --landing landing --ds 2026-06-30
  ./spark-submit.sh run.day --from 2026-06-01 --to 2026-06-30
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S"
    )
    if not arguments or arguments[0] in ("-h", "--help"):
        print(_usage())
        return 0 if arguments else 2
    try:
        if arguments[0] == "list":
            print(_listing())
            return 0
        return _run(arguments[0], arguments[1:])
    except (UsageError, SettingsError, ValueError) as error:
        log.error("%s", error)
        return 2


def _run(name: str, arguments: list[str]) -> int:
    module = registry.module_of(name)
    parsed = _parser(name, module).parse_args(arguments)
    window = _window(parsed, module, name)
    settings = load_settings(parsed.env, parsed.lake_root)
    options = {argument.name: getattr(parsed, argument.name) for argument in _own(module)}
    report, code = _execute(name, module, settings, window, options)
    print(json.dumps(report, default=str), flush=True)
    if code == 0:  # any other code ends the JVM by itself
        _let_jvm_end()
    return code


def _let_jvm_end() -> None:
    """After the record, which a JVM that does not answer any more would take with it."""
    from jobs.lake.session import let_jvm_end

    let_jvm_end()


def _execute(
    name: str, module: ModuleType, settings: Settings, window: Window | None,
    options: dict[str, Any],
) -> tuple[dict[str, Any], int]:  # fmt: skip
    # Spark is imported here so that `list` and `--help` answer at once.
    from jobs.lake.lease import lease
    from jobs.lake.records import open_lake
    from jobs.lake.session import open_session
    from jobs.runner import exit_code_of, run_job

    run_id, began = uuid.uuid4().hex[:12], time.monotonic()
    try:
        spark = open_session(settings, name)
        if getattr(module, "NEEDS_LAKE", True) is False:
            rows = module.run(spark, settings, window, **options)
            return _report(name, run_id, window, began, rows=rows or {}), 0
        leased = getattr(module, "LEASE", True)
        writes = leased(options) if callable(leased) else leased
        if writes and not settings.lake_root:
            raise UsageError("no lake root: give --lake-root or set MARKETPLACE_LAKE_ROOT")
        held = lease(spark, settings.lake_root or "", name) if writes else contextlib.nullcontext()
        with held:
            zone = getattr(module, "TIME_ZONE", None)
            creates = name.startswith("ingest.") or "landing" in options
            lake = open_lake(spark, settings, zone=zone, create=creates)
            patience = getattr(module, "TURN_PATIENCE_SECONDS", 0)
            if patience and not writes:
                lake.turn = functools.partial(lease, spark, lake.root, name, patience)
            return run_job(name, lake, settings, window, run_id, options).report(), 0
    except Exception as error:
        code = exit_code_of(error)
        log.error("%s", error, exc_info=code == 1)
        return _report(name, run_id, window, began, status="failed", error=str(error)), code


def _report(
    name: str, run_id: str, window: Window | None, began: float, status: str = "done", **more: Any
) -> dict[str, Any]:
    days = {"ds": str(window.last), "from": str(window.first)} if window else {"ds": None}
    seconds = round(time.monotonic() - began, 2)
    return {
        "job": name, **days, "run_id": run_id, "status": status, "rows": {}, **more,
        "seconds": seconds,
    }  # fmt: skip


def _parser(name: str, module: ModuleType) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"spark-submit.sh {name}", description=module.__doc__, epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False,
    )  # fmt: skip
    if _wants_window(module) != "none":
        parser.add_argument("--ds", type=_date, metavar="YYYY-MM-DD", help="one business date")
        parser.add_argument("--from", dest="first", type=_date, metavar="D", help="first date")
        parser.add_argument(
            "--to", dest="last", type=_date, metavar="D", help="last date, included"
        )
    parser.add_argument("--lake-root", metavar="PATH_OR_URI", help="the lake; default by --env")
    parser.add_argument("--env", default="local", choices=ENVIRONMENTS, help="default: local")
    for argument in _own(module):
        argument.add_to(parser)
    return parser


def _window(parsed: argparse.Namespace, module: ModuleType, name: str) -> Window | None:
    if _wants_window(module) == "none":
        return None
    ds, first, last = parsed.ds, parsed.first, parsed.last
    if ds and not first and not last:
        return Window.day(ds)
    if first and last and not ds:
        return Window(first, last)
    if not ds and not first and not last and _wants_window(module) == "optional":
        return None
    raise UsageError(f"{name} needs --ds YYYY-MM-DD, or --from and --to (both included)")


def _wants_window(module: ModuleType) -> str:
    return str(getattr(module, "WINDOW", "required"))


def _own(module: ModuleType) -> tuple[Any, ...]:
    return tuple(getattr(module, "ARGUMENTS", ()))


def _date(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date like 2026-06-30") from None


def _usage() -> str:
    return f"usage: spark-submit.sh JOB [options] | list | JOB --help\n\n{EXIT_CODES}"


def _listing() -> str:
    lines = []
    for name in registry.names():
        module = registry.module_of(name)
        reads = ", ".join(table.path for table in registry.reads_of(module)) or "-"
        writes = ", ".join(table.path for table in registry.writes_of(module)) or "-"
        lines += [f"{name:24}{registry.summary_of(module)}", f"{'':24}reads  {reads}",
                  f"{'':24}writes {writes}"]  # fmt: skip
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
