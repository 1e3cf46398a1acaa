"""Who may import whom. The table below is the house's plan; the code is read, not run."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
OURS = {"conf", "features", "ml", "jobs", "dags", "sandbox", "sagemaker", "tests", "benchmarks"}
VERBS = {"ingest", "refine", "featurize", "learn", "decide", "act", "report"}

MAY_IMPORT_OF_OURS = {
    "conf": {"conf"},
    "features": {"conf", "features"},
    "ml": {"conf", "features", "ml"},
    "jobs": {"conf", "features", "ml", "jobs"},
    "dags": {"conf", "dags"},
    "sandbox": {"sandbox"},
    "sagemaker": {"conf", "ml", "sagemaker"},
}
NEVER_IMPORTS = {
    "conf": {"pyspark", "delta", "airflow", "stripe"},
    "features": {"delta", "mlflow", "stripe"},
    "ml": {"delta", "stripe"},
    "jobs": {"airflow"},
    "dags": {"pyspark", "delta", "stripe"},
    "sandbox": {"pyspark", "stripe"},
    "sagemaker": {"pyspark", "delta"},
}


def files() -> list[Path]:
    folders = [PROJECT / name for name in MAY_IMPORT_OF_OURS]
    return sorted(file for folder in folders for file in folder.rglob("*.py"))


def imports(file: Path) -> set[str]:
    """Every module that a file imports, also inside functions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: imports are absolute"
            found |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def name_of(file: Path) -> str:
    return str(file.relative_to(PROJECT))


@pytest.mark.parametrize("file", files(), ids=name_of)
def test_a_package_imports_only_what_lies_below_it(file: Path) -> None:
    package = file.relative_to(PROJECT).parts[0]
    roots = {name.split(".")[0] for name in imports(file)}
    assert roots & OURS <= MAY_IMPORT_OF_OURS[package]
    assert not roots & NEVER_IMPORTS[package]


@pytest.mark.parametrize("file", files(), ids=name_of)
def test_only_the_lake_touches_delta_and_only_the_gateway_stripe(file: Path) -> None:
    place = file.relative_to(PROJECT).parts
    roots = {name.split(".")[0] for name in imports(file)}
    if place[:2] != ("jobs", "lake"):
        assert "delta" not in roots
        text = file.read_text()
        assert 'format("delta")' not in text
    if place[:2] != ("jobs", "gateway"):
        assert "stripe" not in roots


SENDERS = ("jobs.gateway", "jobs.mailer")


@pytest.mark.parametrize("file", files(), ids=name_of)
def test_what_reaches_the_outside_is_out_of_reach_of_executors(file: Path) -> None:
    """Functions of frames run on executors; the gateway and the mailer are for the driver alone.

    Only act and the ingest of what the provider says import them, and neither hands a function to
    executors.
    """
    place = file.relative_to(PROJECT).parts
    uses = {name for name in imports(file) if name.startswith(SENDERS)}
    if not uses or place[:2] in (("jobs", "gateway"), ("jobs", "mailer")):
        return
    assert place[:2] == ("jobs", "act") or name_of(file) == "jobs/ingest/stripe_events.py"
    handed_over = {"foreach", "foreachPartition", "mapInArrow", "mapInPandas", "udf", "pandas_udf",
                   "mapPartitions", "rdd", "applyInPandas", "broadcast_variable"}  # fmt: skip
    called = {node.attr for node in ast.walk(ast.parse(file.read_text()))
              if isinstance(node, ast.Attribute)}  # fmt: skip
    assert not called & handed_over


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_no_verb_imports_another(verb: str) -> None:
    for file in (PROJECT / "jobs" / verb).rglob("*.py"):
        others = {name.split(".")[1] for name in imports(file) if name.startswith("jobs.")}
        assert not others & (VERBS - {verb}), name_of(file)


@pytest.mark.parametrize("file", files(), ids=name_of)
def test_nothing_reads_the_clock_to_decide(file: Path) -> None:
    """Only what records, leases and measures may know what time it is, and who sends: whose clock
    may delay or withhold, never choose."""
    may = {
        "jobs/lake/io.py", "jobs/lake/lease.py", "jobs/runner.py", "jobs/clock.py",
        "sandbox/clock.py",
    }  # fmt: skip
    text = file.read_text()
    clocks = ("datetime.now(", "date.today(", "time.time(", "current_timestamp(", "current_date(")
    if name_of(file) not in may:
        assert not [clock for clock in clocks if clock in text]


def test_files_have_names_that_say_what_is_in_them() -> None:
    vague = {"utils", "helpers", "common", "manager", "misc"}
    assert not [name_of(file) for file in files() if file.stem in vague]


LEAVES_THE_TRUTH_ALONE = {
    "jobs/demo.py": "looks whether a world is there",
    "jobs/ingest/files.py": "skips the folder",
}


@pytest.mark.parametrize("file", files(), ids=name_of)
def test_no_job_knows_of_the_truth_of_a_simulated_world(file: Path) -> None:
    """`truth/` is written by simulate alone, for tests and benchmarks: a job that could read it
    could leak it."""
    if name_of(file).startswith("jobs/simulate/") or name_of(file) in LEAVES_THE_TRUTH_ALONE:
        return
    texts = [
        node.value
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    assert not [text for text in texts if "truth/" in text or text == "truth"]
    assert not {name for name in imports(file) if name.startswith("jobs.simulate.")}
