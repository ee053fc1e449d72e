"""What the layers of a bundle's image hold beside packages."""

from __future__ import annotations

from pathlib import PurePosixPath

from ztfnb.export import image
from ztfnb.export.oci.ground import Ground
from ztfnb.export.oci.tar import Entry
from ztfnb.export.worker.bundle import Bundle


def venv(ground: Ground, version: str) -> list[Entry]:
    """Return a virtual environment without its packages, as ``python -m venv`` makes one."""
    home = ground.python.parent
    config = f"home = {home}\ninclude-system-site-packages = false\nversion = {version}\n"
    venv = image.VENV.lstrip("/")
    return [
        *(Entry(f"{venv}{part}") for part in ("", "/bin", "/lib", f"/lib/python{version}")),
        Entry(f"{venv}/pyvenv.cfg", config.encode()),
        Entry(f"{venv}/bin/python", link=str(ground.python)),
        Entry(f"{venv}/bin/python3", link="python"),
        Entry(f"{venv}/bin/python{version}", link="python"),
    ]


def bundle_entries(made: Bundle) -> list[Entry]:
    """Return what the bundle brings: what decides, and the alerts to try it on."""
    root = image.FOLDER.lstrip("/")
    files = image.content(made)
    folders = {
        PurePosixPath(root, parent) for name in files for parent in PurePosixPath(name).parents
    }
    return [
        *(Entry(str(folder)) for folder in folders),
        *(Entry(f"{root}/{name}", made.folder / name) for name in files),
    ]
