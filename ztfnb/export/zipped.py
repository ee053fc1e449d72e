"""A bundle as one file, to download from the file browser."""

from __future__ import annotations

import secrets
import zipfile
from pathlib import Path

from ztfnb.errors import ExportError
from ztfnb.export.placing import files_in

_TIME = (1980, 1, 1, 0, 0, 0)
"""The earliest that a zip file can tell: so that equal bundles are equal bytes."""
_MODE = 0o100644 << 16


def write_zip(folder: Path, path: Path, *, name: str) -> None:
    """Write the files of a folder to a zip file.

    The same files give the same bytes, whenever and wherever they are written. The file appears
    when it is whole; one that is there is replaced.

    Parameters
    ----------
    folder
        The bundle.
    path
        The zip file.
    name
        Of the folder that the files lie in there.

    Raises
    ------
    ExportError
        If it cannot be written.
    """
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    try:
        with zipfile.ZipFile(partial, "x") as packed:
            for file in files_in(folder):
                entry = zipfile.ZipInfo(f"{name}/{file}", _TIME)
                entry.external_attr = _MODE
                entry.create_system = 3  # else it tells the system that wrote it
                entry.compress_type = zipfile.ZIP_DEFLATED
                packed.writestr(entry, (folder / file).read_bytes())
        partial.replace(path)
    except OSError as error:
        raise ExportError(f"{path} cannot be written: {error.strerror or error}") from None
    finally:
        partial.unlink(missing_ok=True)
