"""The Spark session of a command."""

from __future__ import annotations

import logging
import os
import sys
import time
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from conf.settings import Settings
from jobs.errors import JobError

PROJECT = Path(__file__).parents[2]


def open_session(settings: Settings, name: str) -> SparkSession:
    """A session for the settings; under spark-submit the one that it started.

    Outside spark-submit the jars are those of the project's locked folder. Executors use the
    interpreter that runs the driver.
    """
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    # Collected timestamps are naive datetimes in the process's zone: let that be UTC.
    os.environ["TZ"] = "UTC"
    time.tzset()
    builder = SparkSession.builder.appName(name)
    submitted = "PYSPARK_GATEWAY_PORT" in os.environ
    if not submitted:
        jars = _locked_jars()
        builder = builder.config("spark.jars", ",".join(jars))
        # Spark opens files before it has loaded spark.jars.
        builder = builder.config("spark.driver.extraClassPath", os.pathsep.join(jars))
        for key, value in settings.spark.items():
            builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("FATAL")
    logging.getLogger("py4j").setLevel(logging.WARNING)
    return session


def let_jvm_end() -> None:
    """To be called last: no thread keeps the JVM alive after this process.

    Two that are no daemons outlive a training, and spark-submit would wait for them for ever: the
    timer of Spark's barrier stages, of which none can follow, and a pool of SynapseML's, which
    nothing refers to and which ends when it is finalized.
    """
    session = SparkSession.getActiveSession()
    if session is None:
        return
    jvm: Any = session._jvm
    holder = jvm.java.lang.Class.forName("org.apache.spark.BarrierTaskContext$")
    its = holder.getField("MODULE$").get(None)
    for field in holder.getDeclaredFields():
        if field.getType().getName() == "java.util.Timer":
            field.setAccessible(True)
            field.get(its).cancel()
    jvm.java.lang.System.gc()
    jvm.java.lang.System.runFinalization()


def _locked_jars() -> list[str]:
    jars = sorted((PROJECT / "jars").glob("*.jar"))
    if not jars:
        raise JobError(f"no jars in {PROJECT / 'jars'}: run `make jars`")
    return [str(jar) for jar in jars]
