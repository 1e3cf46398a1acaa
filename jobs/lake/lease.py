"""One writing run a lake at a time.

On a local path the lease is an OS lock, which the kernel frees however the run ends. On a URI it
is a small file with a heartbeat: a holder that stopped beating for `STALE_AFTER_SECONDS` is gone.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from jobs.errors import OutsideUnavailable

HEARTBEAT_SECONDS = 10.0
STALE_AFTER_SECONDS = 60.0
ASKED_AGAIN_SECONDS = 1.0
LEASE_FILE = "_lease"

log = logging.getLogger(__name__)


def is_local(root: str) -> bool:
    """True for a path of this machine, also when written as file:."""
    return "://" not in root or root.startswith("file:")


def local_path(root: str) -> Path:
    return Path(root.removeprefix("file://").removeprefix("file:"))


@contextmanager
def lease(
    spark: SparkSession, root: str, holder: str, patience_seconds: float = 0.0
) -> Iterator[None]:
    """Holds the lake's lease; OutsideUnavailable (exit 4) when another run still has it after the
    time that one is willing to wait."""
    until, said = time.monotonic() + patience_seconds, False
    with ExitStack() as held:
        while True:
            one = (
                _local_lease(root, holder) if is_local(root) else _remote_lease(spark, root, holder)
            )
            try:
                held.enter_context(one)
                break
            except OutsideUnavailable as taken:
                if time.monotonic() >= until:
                    raise
                if not said:
                    log.info("waiting up to %.0f s: %s", patience_seconds, taken)
                said = True
            time.sleep(min(ASKED_AGAIN_SECONDS, max(until - time.monotonic(), 0)))
        yield


@contextmanager
def _local_lease(root: str, holder: str) -> Iterator[None]:
    folder = local_path(root)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LEASE_FILE).open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise _taken(root, file.read().strip()) from None
        file.truncate(0)
        file.write(_signature(holder))
        file.flush()
        yield


@contextmanager
def _remote_lease(spark: SparkSession, root: str, holder: str) -> Iterator[None]:
    files = _RemoteFile(spark, f"{root.rstrip('/')}/{LEASE_FILE}")
    token = uuid.uuid4().hex
    _claim(files, root, holder, token)
    stop = threading.Event()

    def beat() -> None:
        while not stop.wait(HEARTBEAT_SECONDS):
            files.write(_signature(holder, token))

    beating = threading.Thread(target=beat, name="lease", daemon=True)
    beating.start()
    try:
        yield
    finally:
        stop.set()
        beating.join()
        files.delete()


def _claim(files: _RemoteFile, root: str, holder: str, token: str) -> None:
    if not files.create(_signature(holder, token)):
        found = files.read()
        if time.time() - float(found.get("at", 0)) < STALE_AFTER_SECONDS:
            raise _taken(root, json.dumps(found))
        log.warning("the lease of %s is stale and is taken over: %s", root, found)
        files.write(_signature(holder, token))
    # Storage without an atomic create: who wrote last wins, and the other one sees it here.
    time.sleep(0.2)
    if files.read().get("token") != token:
        raise _taken(root, "another run that began at the same moment")


def _signature(holder: str, token: str = "") -> str:
    who = {"holder": holder, "host": socket.gethostname(), "pid": os.getpid()}
    return json.dumps({**who, "token": token, "at": time.time()})


def _taken(root: str, by: str) -> OutsideUnavailable:
    return OutsideUnavailable(
        f"another run is writing to the lake {root} ({by}); run the same command again when it ends"
    )


class _RemoteFile:
    """A small file on any storage that Hadoop reaches."""

    def __init__(self, spark: SparkSession, path: str) -> None:
        jvm: Any = spark._jvm
        self._path = jvm.org.apache.hadoop.fs.Path(path)
        self._fs = self._path.getFileSystem(spark._jsc.hadoopConfiguration())

    def create(self, text: str) -> bool:
        """False when the file exists."""
        if self._fs.exists(self._path):
            return False
        self.write(text, overwrite=False)
        return True

    def write(self, text: str, overwrite: bool = True) -> None:
        stream = self._fs.create(self._path, overwrite)
        stream.write(bytearray(text.encode()))
        stream.close()

    def read(self) -> dict[str, Any]:
        stream = self._fs.open(self._path)
        content = bytes(stream.readAllBytes())
        stream.close()
        return json.loads(content or b"{}")

    def delete(self) -> None:
        self._fs.delete(self._path, False)
