"""Make a virtual environment from hash-pinned requirement files, or regenerate the pins.

An environment carries the sha256 of its requirement files, written when the install is complete:
the same files again cost nothing, anything else is built from scratch.
"""

import argparse
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "requirements"
UV = ROOT / ".venv-uv/bin/uv"
LOCKED = ("bootstrap", "jdk", "spark", "dev", "airflow")  # dev is constrained by spark.txt


@contextmanager
def exclusive(folder: Path) -> Iterator[int]:
    """One builder per folder; children inherit the lock, so an orphaned installer still holds it."""
    with open(f"{folder}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock.fileno()


def ensure(folder: Path, requirements: list[Path], install: Callable[[Path, int], None]) -> None:
    content = b"".join(path.read_bytes() for path in requirements)
    stamp = f"{hashlib.sha256(content).hexdigest()} {folder} {sys.version}\n"
    finished = folder / ".finished"
    with exclusive(folder) as lock:
        if finished.exists() and finished.read_text() == stamp:
            return
        print(f"Installing {', '.join(p.name for p in requirements)} into {folder.name}", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        install(folder, lock)
        finished.write_text(stamp)


def run(*command: str | Path, lock: int | None = None) -> None:
    done = subprocess.run(command, pass_fds=() if lock is None else (lock,), env=uv_environment())
    if done.returncode:
        sys.exit(f"This step failed with exit code {done.returncode}: {' '.join(map(str, command))}")


def uv_environment() -> dict[str, str]:
    """uv does not read pip's configuration: hand over what a mirrored machine has set there."""
    env = {k: v for k, v in os.environ.items() if k not in ("VIRTUAL_ENV", "CONDA_PREFIX")}
    pip = UV.with_name("python")
    listing = [pip, "-m", "pip", "config", "list"]
    lines = subprocess.run(listing, capture_output=True, text=True).stdout if pip.exists() else ""
    for line in lines.splitlines():
        key, _, value = line.partition("=")
        for name, variable in (("index-url", "UV_DEFAULT_INDEX"), ("cert", "SSL_CERT_FILE")):
            if key.endswith(f".{name}"):
                env.setdefault(variable, value.strip("'"))
    return env


def ensure_uv() -> None:
    def install(folder: Path, lock: int) -> None:
        venv.create(folder, with_pip=True)
        pip = (folder / "bin/python", "-m", "pip", "install", "-q", "--disable-pip-version-check")
        run(*pip, "--require-hashes", "-r", pins, lock=lock)

    pins = REQUIREMENTS / "bootstrap.txt"
    ensure(UV.parent.parent, [pins], install)


def ensure_environment(folder: Path, requirements: list[Path]) -> None:
    def install(folder: Path, lock: int) -> None:
        run(UV, "venv", "-q", "--python", sys.executable, folder, lock=lock)
        pip = [UV, "pip", "install", "-q", "--python", folder / "bin/python", "--require-hashes"]
        # pyspark comes as source only: what builds it is pinned too.
        pip += ["--compile-bytecode", "--build-constraints", REQUIREMENTS / "spark.txt"]
        run(*pip, *(part for path in requirements for part in ("-r", path)), lock=lock)

    ensure_uv()
    ensure(folder, requirements, install)


def lock_requirements(options: list[str]) -> None:
    ensure_uv()
    os.chdir(REQUIREMENTS)
    quiet = ("-q", "--no-header", "--no-annotate", "--no-emit-index-url")
    for name in LOCKED:
        target = ("--generate-hashes", "--python-version", "3.11", f"{name}.in", "-o", f"{name}.txt")
        run(UV, "pip", "compile", *quiet, *target, *options)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, prog="env.py")
    parser.add_argument("folder", nargs="?", type=Path, help="the environment to make")
    parser.add_argument("requirements", nargs="*", type=Path, help="hash-pinned .txt files")
    parser.add_argument("--lock", action="store_true", help="write requirements/*.txt from the .in files")
    parser.add_argument("--upgrade", action="store_true", help="with --lock: move every pin forward")
    args = parser.parse_args()
    if args.lock:
        lock_requirements(["--upgrade"] if args.upgrade else [])
    elif args.folder and args.requirements:
        ensure_environment(args.folder.absolute(), args.requirements)
    else:
        parser.error("give a folder and its requirement files, or --lock")


if __name__ == "__main__":
    main()
