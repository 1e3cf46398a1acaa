"""Print the path of the project's wheel as a .zip, building it when the sources have changed.

Executors import from a .zip and refuse a .whl. The build works on a copy, so it leaves nothing in
the tree; setup.py is called directly because the pinned setuptools is there and a build front end
would fetch its own.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("conf", "features", "jobs", "ml")


def sources() -> dict[str, bytes]:
    files = [ROOT / "pyproject.toml", ROOT / "setup.py"]
    for package in PACKAGES:
        files += (ROOT / package).rglob("*")
    kept = (p for p in sorted(files) if p.is_file() and "__pycache__" not in p.parts)
    return {p.relative_to(ROOT).as_posix(): p.read_bytes() for p in kept}


def build(content: dict[str, bytes], target: Path) -> None:
    target.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="wheel-", dir=target.parent) as workspace:
        for name, data in content.items():
            path = Path(workspace, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        done = subprocess.run(
            [sys.executable, "setup.py", "-q", "bdist_wheel"],
            cwd=workspace,
            env=os.environ | {"SOURCE_DATE_EPOCH": "315532800"},  # the same content, the same bytes
            capture_output=True,
            text=True,
        )
        if done.returncode:
            sys.exit(f"The project wheel could not be built:\n{done.stdout}{done.stderr}")
        (wheel,) = Path(workspace, "dist").glob("*.whl")
        wheel.replace(target)


def main() -> None:
    content = sources()
    key = hashlib.sha256()
    for name, data in content.items():
        key.update(f"{name}\0{len(data)}\0".encode() + data)
    target = ROOT / "build" / f"marketplace_lakehouse-{key.hexdigest()[:16]}.zip"
    if not target.exists():
        build(content, target)
    print(target)


if __name__ == "__main__":
    main()
