"""What an export has written, and what to do with it next."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from ztfnb.export.proof import Proof
from ztfnb.export.worker.bundle import VERSION_DIGITS


@dataclass(frozen=True, slots=True, repr=False)
class Exported:
    """A bundle that was written, since it was proven to decide as the notebook does."""

    folder: Path
    name: str
    """Of the filter."""
    hash: str
    proof: Proof
    """On how many alerts, and what became of them."""
    sample: str
    """What these were."""
    fixtures: int
    """Alerts that travel with it."""
    files: Mapping[str, str]
    """What each file is for, by its path in the folder."""
    remarks: tuple[str, ...] = ()
    """What has to be known of it."""
    archive: Path | None = None
    """The same folder as one file."""
    image: Path | None = None
    """The image that was made of it."""
    before: Path | None = None
    """Where the earlier bundle is kept, of which files had been changed by hand."""
    commands: tuple[tuple[str, str], ...] = field(default=())
    """What to do next, with the command."""

    @property
    def version(self) -> str:
        """The first digits of `hash`."""
        return self.hash[:VERSION_DIGITS]

    def __repr__(self) -> str:
        lines = [f"<Exported {self._title}>", *(f"  {one}" for one in self._told())]
        width = max(map(len, self.files), default=0)
        lines += [f"  {name:{width}}  {what}" for name, what in self.files.items()]
        if self.commands:
            lines.append("  next:")
            lines += [f"    {command}  # {what}" for what, command in self.commands]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        told = "".join(f"<div>{escape(one)}</div>" for one in self._told())
        rows = "".join(
            f'<tr><td style="text-align:left"><code>{escape(name)}</code></td>'
            f'<td style="text-align:left">{escape(what)}</td></tr>'
            for name, what in self.files.items()
        )
        commands = "".join(
            f"<div>{escape(what)}: <code>{escape(command)}</code></div>"
            for what, command in self.commands
        )
        return f"<div><b>{escape(self._title)}</b>{told}<table>{rows}</table>{commands}</div>"

    @property
    def _title(self) -> str:
        return f"{self.name} {self.version} in {shown(self.folder)}"

    def _told(self) -> Iterator[str]:
        yield f"proven on {self.sample}: {self.proof}"
        yield f"{self.fixtures:,} alerts travel with it"
        yield from self.remarks
        if self.archive is not None:
            yield f"as one file: {shown(self.archive)}"
        if self.image is not None:
            yield f"as an image: {shown(self.image)}"
        if self.before is not None:
            yield (
                f"the earlier bundle had been changed by hand; it is kept in {shown(self.before)}"
            )


def shown(path: Path) -> str:
    """Return a path as people write it: from the working directory, where that is shorter."""
    try:
        near = os.path.relpath(path)
    except ValueError:  # on another drive
        return str(path)
    return near if len(near) < len(str(path)) else str(path)
