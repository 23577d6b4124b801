"""Tables of other projects, downloaded when they are wanted and kept under .local, which git ignores.

They are other people's work under their own licences: nothing of them is stored with Taskbell.
"""

import hashlib
import io
import subprocess
import sys
import tarfile
import urllib.error
import urllib.request
from pathlib import Path

CACHE = Path(__file__).parents[2] / ".local" / "recurrence"

LIBICAL_TABLE = (
    "https://raw.githubusercontent.com/libical/libical/d31d57c49aa84480c59b01f32951dbdfbe7924c2/src/test/icalrecur_test.txt",
    "a13d174e84547f2651313a7d9a01140dd7b624732c9651dd1c81c9914f28277d",
)
LIBICAL_SOURCE = (
    "http://deb.debian.org/debian/pool/main/libi/libical3/libical3_3.0.20.orig.tar.gz",
    "e73de92f5a6ce84c1b00306446b290a2b08cdf0a80988eca0a2c9d5c3510b4c2",
)
LIBICAL_TABLES = ["icalrecur_test.txt", "icalrecur_test_rscale.txt"]
DATEUTIL = "python-dateutil==2.9.0.post0"
DATEUTIL_HASH = "37dd54208da7e1cd875388217d5e00ebd4179249f90fb72437e91a35459a0ad3"
SECONDS = 20


class Unreachable(Exception):
    """What is wanted is not in the cache and cannot be downloaded."""


def _kept(name: str, digest: str) -> bytes | None:
    path = CACHE / name
    content = path.read_bytes() if path.exists() else b""
    return content if hashlib.sha256(content).hexdigest() == digest else None


def download(url: str, digest: str) -> bytes:
    """A file by its address and SHA-256, out of the cache where it is there."""
    name = url.rpartition("/")[2]
    content = _kept(name, digest)
    if content is None:
        try:
            with urllib.request.urlopen(url, timeout=SECONDS) as answer:
                content = answer.read()
        except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
            raise Unreachable(f"{url}: {getattr(error, 'reason', error)}") from error
        if hashlib.sha256(content).hexdigest() != digest:
            raise Unreachable(f"{url} is not the file that was expected: its SHA-256 is another")
        CACHE.mkdir(parents=True, exist_ok=True)
        (CACHE / name).write_bytes(content)
    return content


def member(archive: bytes, ending: str) -> str:
    """The text of one file of a .tar.gz."""
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as files:
        path = next(path for path in files.getnames() if path.endswith(ending))
        return files.extractfile(path).read().decode()


def libical() -> tuple[str, list[str]]:
    """Which release, and its tables: the newest that can be had.

    libical 4 has twice as many rules as libical 3, but only its repository has it; Debian has libical 3.
    """
    archive = download(*LIBICAL_SOURCE)
    tables = [member(archive, f"src/test/{name}") for name in LIBICAL_TABLES]
    try:
        newest = download(*LIBICAL_TABLE).decode()
    except Unreachable:
        return "3.0.20", tables
    return "4", [newest, *tables[1:]]


def dateutil_tests() -> str:
    """dateutil's own tests of rules, which only its source package has."""
    name = f"{DATEUTIL.replace('==', '-')}.tar.gz"
    if _kept(name, DATEUTIL_HASH) is None:
        CACHE.mkdir(parents=True, exist_ok=True)
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        answer = subprocess.run(
            [*pip, "--no-binary", ":all:", "--dest", str(CACHE), DATEUTIL], capture_output=True, text=True, check=False
        )
        if answer.returncode or _kept(name, DATEUTIL_HASH) is None:
            last = (answer.stderr.strip().splitlines() or ["its SHA-256 is another"])[-1]
            raise Unreachable(f"{DATEUTIL} by pip download: {last}")
    return member(_kept(name, DATEUTIL_HASH), "tests/test_rrule.py")
