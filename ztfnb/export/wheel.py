"""The package as a wheel, made from where it is installed: a bundle brings its own worker."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import ztfnb
from ztfnb.errors import ExportError
from ztfnb.export.lock import shipped_lock
from ztfnb.schema import schema_files

_WHEEL = b"Wheel-Version: 1.0\nGenerator: ztfnb\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
_KEPT = ("METADATA", "entry_points.txt", "licenses/LICENSE")
"""What a wheel says of itself, where the installed one says so."""
_OLDEST = (1980, 1, 1, 0, 0, 0)


def write_wheel(folder: Path) -> Path:
    """Write the wheel of this package, as it is installed here, and return its path.

    It holds what the installation has, also an editable one with what was changed in it since; the
    same files give the same bytes. ``pip install --no-index`` takes it.

    Raises
    ------
    ExportError
        If ztfnb is not installed, but only lies on the path.
    """
    try:
        distribution = metadata.distribution("ztfnb")
    except metadata.PackageNotFoundError:
        raise ExportError(
            "ztfnb is imported from a folder and not installed, so that no wheel can be made of "
            "it; run there: pip install --no-deps --editable ."
        ) from None
    version = distribution.version
    info = f"ztfnb-{version}.dist-info"
    files = dict(_package())
    for name in _KEPT:
        text = distribution.read_text(name)
        if text is not None:
            files[f"{info}/{name}"] = text.encode()
    files[f"{info}/WHEEL"] = _WHEEL
    files[f"{info}/RECORD"] = _record(files, f"{info}/RECORD")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"ztfnb-{version}-py3-none-any.whl"
    path.write_bytes(_zipped(files))
    return path


def _package() -> Iterator[tuple[str, bytes]]:
    """Yield the files of the package, by their names in a wheel."""
    package = Path(ztfnb.__file__).parent
    # In a checkout these two lie elsewhere.
    yield "ztfnb/export/lock.txt", shipped_lock().read_bytes()
    for root, inside in ((schema_files(), "ztfnb/schemas"), (package, "ztfnb")):
        for path in sorted(root.rglob("*")):
            name = path.relative_to(root).as_posix()
            if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc":
                yield f"{inside}/{name}", path.read_bytes()


def _record(files: dict[str, bytes], own: str) -> bytes:
    lines = []
    for name, data in sorted(files.items()):
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        lines.append(f"{name},sha256={digest},{len(data)}\n")
    return "".join([*lines, f"{own},,\n"]).encode()


def _zipped(files: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as wheel:
        # What a wheel says of itself comes last.
        for name in sorted(files, key=lambda name: (".dist-info/" in name, name)):
            member = zipfile.ZipInfo(name, _OLDEST)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = 0o644 << 16
            wheel.writestr(member, files[name])
    return made.getvalue()
