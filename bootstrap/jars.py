"""Fetch the jars of requirements/jars.in with Spark's own resolver and hold them to jars.lock.

Run it with the environment's interpreter. Jars that match the lock are left alone and nothing is
resolved; a jar that differs from the lock, is missing from it or cannot be fetched stops the run.
"""

import argparse
import fcntl
import hashlib
import importlib.util
import os
import shutil
import ssl
import struct
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies

ROOT = Path(__file__).resolve().parent.parent
JARS = ROOT / "jars"
BUILD = ROOT / "build"
COORDINATES = ROOT / "requirements/jars.in"
LOCK = ROOT / "requirements/jars.lock"

# Maven Central alone: Spark's default also asks a second repository that no longer answers.
# Whoever sets DEFAULT_ARTIFACT_REPOSITORY (Spark's variable for a mirror) keeps Spark's default.
IVY_SETTINGS = """<ivysettings>
  <settings defaultResolver="central"/>
  <resolvers><ibiblio name="central" m2compatible="true"/></resolvers>
</ivysettings>
"""


def asked() -> list[str]:
    lines = (line.partition("#")[0].strip() for line in COORDINATES.read_text().splitlines())
    return [line for line in lines if line]


def coordinates() -> list[str]:
    return [line for line in asked() if not line.startswith("!")]


def excluded() -> list[str]:
    """What the jars ask for and is not to be fetched, as group:artifact."""
    return [line.removeprefix("!") for line in asked() if line.startswith("!")]


def locked() -> dict[str, str]:
    """Jar name -> sha256, refused when a coordinate of jars.in is not in the lock."""
    lines = LOCK.read_text().splitlines() if LOCK.exists() else []
    lock = {name: digest for digest, name in (line.split() for line in lines)}
    for coordinate in coordinates():
        group, artifact, version = coordinate.split(":")
        if f"{group}_{artifact}-{version}.jar" not in lock:
            sys.exit(f"{coordinate} is in jars.in but not in {LOCK.name}: run `make lock`.")
    return lock


def digests(folder: Path) -> dict[str, str]:
    jars = sorted(folder.glob("*.jar"))
    return {jar.name: hashlib.sha256(jar.read_bytes()).hexdigest() for jar in jars}


def missing(folder: Path, lock: dict[str, str], remedy: str) -> list[str]:
    """The locked jars that are not there; a wrong or unlocked one there ends the program."""
    found = digests(folder)
    for name, digest in found.items():
        if name not in lock:
            sys.exit(f"{folder.name}/{name} is not in {LOCK.name}: {remedy}")
        if digest != lock[name]:
            sys.exit(f"{folder.name}/{name} does not match its sha256 in {LOCK.name}: {remedy}")
    return [name for name in lock if name not in found]


def java_options(workspace: Path) -> str:
    """What pip and uv take from the environment and Java does not: the proxy and the CA bundle."""
    options = []
    proxy = urlsplit(getproxies().get("https", ""))
    if proxy.hostname:
        options += [f"-Dhttps.proxyHost={proxy.hostname}", f"-Dhttps.proxyPort={proxy.port or 80}"]
    if "SSL_CERT_FILE" in os.environ:
        trusted = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
        store = workspace / "truststore.jks"
        store.write_bytes(keystore(trusted.get_ca_certs(binary_form=True)))
        options += [f'-Djavax.net.ssl.trustStore="{store}"', "-Djavax.net.ssl.trustStoreType=JKS"]
    return " ".join(options)


def keystore(certificates: list[bytes]) -> bytes:
    """A Java keystore (JKS, version 2) of trusted certificates, without a password to check."""
    body = struct.pack(">III", 0xFEEDFEED, 2, len(certificates))
    for number, certificate in enumerate(certificates):
        alias, kind = b"ca%d" % number, b"X.509"
        body += struct.pack(">IH", 2, len(alias)) + alias + struct.pack(">QH", 0, len(kind)) + kind
        body += struct.pack(">I", len(certificate)) + certificate
    return body + hashlib.sha1(b"Mighty Aphrodite" + body).digest()


def resolve(workspace: Path) -> Path:
    """Let spark-submit resolve the coordinates by running an empty program; no session starts."""
    spec = importlib.util.find_spec("pyspark")
    if spec is None or spec.origin is None:
        sys.exit("pyspark is not installed for this interpreter: run `make env`.")
    spark_home = Path(spec.origin).parent
    program, settings = workspace / "empty.py", workspace / "ivysettings.xml"
    program.write_text("")
    settings.write_text(IVY_SETTINGS)
    command = [str(spark_home / "bin/spark-submit"), "--master", "local[1]"]
    command += ["--packages", ",".join(coordinates()), "--conf", f"spark.jars.ivy={workspace}"]
    command += ["--exclude-packages", ",".join(excluded())]
    command += ["--driver-java-options", java_options(workspace)]
    if "DEFAULT_ARTIFACT_REPOSITORY" not in os.environ:
        command += ["--conf", f"spark.jars.ivySettings={settings.as_uri()}"]
    env = os.environ | {"SPARK_HOME": str(spark_home), "PYSPARK_PYTHON": sys.executable}
    log = BUILD / "jars.log"
    with log.open("w") as out:
        done = subprocess.run([*command, str(program)], stdout=out, stderr=out, env=env)
    if done.returncode:
        sys.exit(f"Spark could not resolve the jars of jars.in: see {os.path.relpath(log, ROOT)}.")
    return workspace / "jars"


def install(source: Path, names: list[str]) -> None:
    for name in names:
        partial = JARS / f"{name}.partial"
        shutil.copyfile(source / name, partial)
        partial.replace(JARS / name)


def fetch() -> None:
    lock = locked()
    absent = missing(JARS, lock, "remove it and run `make jars`.")
    if not absent:
        return
    print(f"Resolving {len(absent)} of {len(lock)} jars", flush=True)
    with tempfile.TemporaryDirectory(prefix="ivy-", dir=BUILD) as workspace:
        fetched = resolve(Path(workspace))
        remedy = "nothing was kept; if the lock is outdated, run `make lock`."
        for name in missing(fetched, lock, f"what was fetched is not what was locked, {remedy}"):
            sys.exit(f"{name} is in {LOCK.name} but was not fetched; {remedy}")
        install(fetched, absent)


def check() -> None:
    absent = missing(JARS, locked(), "remove it and run `make jars`.")
    if absent:
        sys.exit(f"jars/{absent[0]} is missing: run `make jars`.")


def relock() -> None:
    with tempfile.TemporaryDirectory(prefix="ivy-", dir=BUILD) as workspace:
        fetched = resolve(Path(workspace))
        found = digests(fetched)
        for old in JARS.glob("*.jar"):
            old.unlink()
        install(fetched, list(found))
    LOCK.write_text("".join(f"{digest}  {name}\n" for name, digest in found.items()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, prog="jars.py")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true", help="only compare jars/ with the lock")
    mode.add_argument("--lock", action="store_true", help="resolve again and rewrite the lock")
    args = parser.parse_args()
    for folder in (JARS, BUILD):
        folder.mkdir(exist_ok=True)
    with (BUILD / "jars.flock").open("w") as guard:  # one at a time
        fcntl.flock(guard, fcntl.LOCK_EX)
        (relock if args.lock else check if args.check else fetch)()


if __name__ == "__main__":
    main()
