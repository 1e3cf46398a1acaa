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
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "requirements"
UV = ROOT / ".venv-uv/bin/uv"
LOCKED = ("bootstrap", "jdk", "spark", "sagemaker", "dev", "airflow")
"""In this order: sagemaker.in and dev.in are constrained by spark.txt."""


def run(*command: str | Path) -> None:
    # Children inherit the folder's lock: an installer that outlives us still holds it.
    done = subprocess.run(command, close_fds=False, env=uv_environment())
    if done.returncode:
        text = " ".join(map(str, command))
        sys.exit(f"This step failed with exit code {done.returncode}: {text}")


def uv_environment() -> dict[str, str]:
    """uv does not read pip's configuration: hand over what a mirrored machine has set there."""
    env = dict(os.environ)
    pip = UV.with_name("pip")
    listing = subprocess.run([pip, "config", "list"], capture_output=True, text=True)
    for line in listing.stdout.splitlines():
        key, _, value = line.partition("=")
        for name, variable in (("index-url", "UV_DEFAULT_INDEX"), ("cert", "SSL_CERT_FILE")):
            if key.endswith(f".{name}"):
                env.setdefault(variable, value.strip("'"))
    return env


def ensure(folder: Path, requirements: list[Path], install: Callable[[], None]) -> None:
    content = b"".join(path.read_bytes() for path in requirements)
    stamp = f"{hashlib.sha256(content).hexdigest()}  {folder}\n"
    finished = folder / ".finished"
    with Path(f"{folder}.lock").open("w") as lock:
        os.set_inheritable(lock.fileno(), True)
        fcntl.flock(lock, fcntl.LOCK_EX)
        works = (folder / "bin/python").exists()  # a link, and Pythons get uninstalled
        if works and finished.exists() and finished.read_text() == stamp:
            return
        names = ", ".join(path.name for path in requirements)
        print(f"Installing {names} into {folder.name}", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        install()
        finished.write_text(stamp)


def ensure_uv() -> None:
    folder, pins = UV.parent.parent, REQUIREMENTS / "bootstrap.txt"

    def install() -> None:
        venv.create(folder, with_pip=True, symlinks=True)
        pip = (UV.with_name("pip"), "install", "-q", "--disable-pip-version-check")
        run(*pip, "--require-hashes", "-r", pins)

    ensure(folder, [pins], install)


def ensure_environment(folder: Path, requirements: list[Path]) -> None:
    def install() -> None:
        run(UV, "venv", "-q", "--python", sys.executable, folder)
        # pyspark comes as source only: what builds it is pinned too.
        options: list[str | Path] = [
            "--compile-bytecode",
            "--build-constraints",
            REQUIREMENTS / "spark.txt",
        ]
        for path in requirements:
            options += ["-r", path]
        target = ("--python", folder / "bin/python")
        run(UV, "pip", "install", "-q", *target, "--require-hashes", *options)

    ensure_uv()
    ensure(folder, requirements, install)


def lock_requirements(*options: str) -> None:
    ensure_uv()
    os.chdir(REQUIREMENTS)
    plain = ("--no-header", "--no-annotate", "--no-emit-index-url")
    for name in LOCKED:
        files = (f"{name}.in", "-o", f"{name}.txt")
        pins = ("--generate-hashes", "--python-version", "3.11", *options)
        run(UV, "pip", "compile", "-q", *plain, *pins, *files)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, prog="env.py")
    parser.add_argument("folder", nargs="?", type=Path, help="the environment to make")
    parser.add_argument("requirements", nargs="*", type=Path, help="hash-pinned .txt files")
    parser.add_argument("--lock", action="store_true", help="rewrite the .txt from the .in files")
    parser.add_argument("--upgrade", action="store_true", help="rewrite, moving every pin forward")
    args = parser.parse_args()
    if args.lock or args.upgrade:
        lock_requirements(*["--upgrade"] * args.upgrade)
    elif args.folder and args.requirements:
        ensure_environment(args.folder.absolute(), args.requirements)
    else:
        parser.error("give a folder and its requirement files, or --lock")


if __name__ == "__main__":
    main()
