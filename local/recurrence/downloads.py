"""Downloads the tests of python-dateutil on demand into .local, which git ignores.

They have their own licence and are not stored with Taskbell.
"""

import hashlib
import io
import subprocess
import sys
import tarfile
from pathlib import Path

CACHE = Path(__file__).parents[2] / ".local" / "recurrence"

DATEUTIL = "python-dateutil==2.9.0.post0"
DATEUTIL_HASH = "37dd54208da7e1cd875388217d5e00ebd4179249f90fb72437e91a35459a0ad3"


class Unreachable(Exception):
    """The file is not in the cache and cannot be downloaded."""


def _kept(name: str, digest: str) -> bytes | None:
    path = CACHE / name
    content = path.read_bytes() if path.exists() else b""
    return content if hashlib.sha256(content).hexdigest() == digest else None


def member(archive: bytes, ending: str) -> str:
    """The text of one file of a .tar.gz."""
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as files:
        path = next(path for path in files.getnames() if path.endswith(ending))
        return files.extractfile(path).read().decode()


def dateutil_tests() -> str:
    """dateutil's tests of rules, which only its source package contains."""
    name = f"{DATEUTIL.replace('==', '-')}.tar.gz"
    if _kept(name, DATEUTIL_HASH) is None:
        CACHE.mkdir(parents=True, exist_ok=True)
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        answer = subprocess.run(
            [*pip, "--no-binary", ":all:", "--dest", str(CACHE), DATEUTIL], capture_output=True, text=True, check=False
        )
        if answer.returncode or _kept(name, DATEUTIL_HASH) is None:
            last = (answer.stderr.strip().splitlines() or ["its SHA-256 does not match"])[-1]
            raise Unreachable(f"pip download {DATEUTIL}: {last}")
    return member(_kept(name, DATEUTIL_HASH), "tests/test_rrule.py")
