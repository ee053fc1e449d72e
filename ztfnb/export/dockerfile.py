"""``Dockerfile`` and ``.dockerignore`` of a bundle."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping

from ztfnb.errors import ExportError
from ztfnb.export import image
from ztfnb.export.facts import Facts
from ztfnb.export.templating import filled

BUILT_FROM = ("requirements.txt", "wheels")
"""What the builder needs, and the image does not hold."""
_NAME = re.compile(r"[\w.-]+")


def image_files(facts: Facts, files: Collection[str]) -> dict[str, str]:
    """Return the text of the two files by name.

    Parameters
    ----------
    facts
        Of the filter.
    files
        What the image holds, as paths in the bundle; nothing else of the folder goes in.

    Raises
    ------
    ExportError
        If a file has a name that a Dockerfile reads otherwise.
    """
    parts = sorted({path.partition("/")[0] for path in files})
    for part in parts:
        if not _NAME.fullmatch(part):
            raise ExportError(
                f"{part!r} cannot be copied into an image: name it with letters, digits, '_', '-' "
                "and '.' alone"
            )
    return {"Dockerfile": _dockerfile(facts, files), ".dockerignore": _dockerignore(parts)}


def _dockerfile(facts: Facts, files: Collection[str]) -> str:
    labels = image.labels_of(facts.name, facts.title, facts.hash, facts.created)
    values = {
        "name": facts.name,
        "slug": facts.slug,
        "version": facts.version,
        "python": facts.python,
        "python_tuple": ", ".join(facts.python.split(".")),
        "epoch": str(int(facts.created.timestamp())),
        "copies": "\n".join(_copies(files)),
        "libraries": _libraries(facts.distributions),
        "environment": _pairs(image.ENVIRONMENT, "    "),
        "labels": _pairs(labels, "      "),
        "user": image.USER,
        "port": str(image.PORT),
        "probe": json.dumps(image.PROBE),
        "entrypoint": json.dumps(image.ENTRYPOINT),
        "command": json.dumps(image.COMMAND),
    }
    return filled("Dockerfile", values)


def _copies(files: Collection[str]) -> list[str]:
    """Return the lines that copy files and whole folders."""
    single = sorted(path for path in files if "/" not in path)
    folders = sorted({path.partition("/")[0] for path in files if "/" in path})
    return [
        f"COPY {' '.join(single)} {image.FOLDER}/",
        *(f"COPY {folder} {image.FOLDER}/{folder}" for folder in folders),
    ]


def _libraries(distributions: Iterable[str]) -> str:
    """Return the lines that install libraries which wheels expect of the system."""
    named = map(image.distribution, distributions)
    packages = sorted({image.LIBRARIES[one][0] for one in named if one in image.LIBRARIES})
    if not packages:
        return ""
    return (
        f"RUN apt-get update \\\n && apt-get install --yes --no-install-recommends "
        f"{' '.join(packages)} \\\n && rm -rf /var/lib/apt/lists/*\n"
    )


def _pairs(values: Mapping[str, str], indent: str) -> str:
    return f" \\\n{indent}".join(f"{name}={_quoted(text)}" for name, text in values.items())


def _quoted(text: str) -> str:
    """Return a value as Dockerfiles have it, with nothing in it replaced."""
    return '"' + re.sub(r'(["$\\])', r"\\\1", text) + '"'


def _dockerignore(parts: Iterable[str]) -> str:
    kept = "".join(f"!{part}\n" for part in sorted({*parts, *BUILT_FROM}))
    return (
        "# Only what the image is made of goes to the builder: what else is put into this folder\n"
        f"# stays out of it.\n*\n{kept}**/__pycache__\n"
    )
