"""What a bundle's Dockerfile says: a builder reads it in tests/images, here it is read as text."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ztfnb.errors import ExportError
from ztfnb.export import image
from ztfnb.export.dockerfile import image_files
from ztfnb.export.facts import Facts

FACTS = Facts(
    name="young_and_real",
    title='Young "and" real',
    hash="0123456789abcdef" * 4,
    thresholds=(),
    params={},
    distributions=("numpy",),
    python="3.11",
    ztfnb="0.1.0",
    created=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
)
FILES = ("bundle.json", "filter.py", "helpers.py", "data/model.onnx", "fixtures/expected.json")


def dockerfile(facts: Facts = FACTS, files: tuple[str, ...] = FILES) -> str:
    return image_files(facts, files)["Dockerfile"]


def instructions(text: str) -> list[str]:
    """The instructions of a Dockerfile, each on one line, without comments."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [line for line in joined.splitlines() if line]


def test_s31_the_dockerfile_asks_for_no_root() -> None:
    """A number as user, programs without a shell, a health check, and locked wheels alone."""
    lines = instructions(dockerfile())
    last = lines[max(i for i, line in enumerate(lines) if line.startswith("FROM")) :]
    assert "USER 65532:65532" in last
    assert f"ENTRYPOINT {json.dumps(image.ENTRYPOINT)}" in last
    assert f"CMD {json.dumps(image.COMMAND)}" in last
    assert any(
        line.startswith("HEALTHCHECK") and line.endswith(f"CMD {json.dumps(image.PROBE)}")
        for line in last
    )
    assert not [line for line in last if line.startswith("RUN")]
    (pip,) = [line for line in lines if " install " in line]
    assert "--require-hashes --only-binary :all:" in pip


def test_base_is_an_argument_whose_pinning_is_told() -> None:
    """Both stages start from BASE; how it is pinned stands in the file."""
    text = dockerfile()
    assert [line for line in instructions(text) if line.startswith("FROM")] == [
        "FROM ${BASE} AS build",
        "FROM ${BASE}",
    ]
    assert "python:3.11-slim@sha256:<digest>" in text
    other = dockerfile(replace(FACTS, python="3.13"))
    assert "ARG BASE=python:3.13-slim\n" in other
    assert "(3, 13)" in other


def test_only_files_of_the_bundle_go_into_the_image() -> None:
    """Each is copied by name, and nothing else even reaches the builder."""
    written = image_files(FACTS, FILES)
    copied = [line for line in instructions(written["Dockerfile"]) if line.startswith("COPY")]
    assert copied == [
        "COPY requirements.txt ./",
        "COPY wheels ./wheels",
        "COPY bundle.json filter.py helpers.py /filter/",
        "COPY data /filter/data",
        "COPY fixtures /filter/fixtures",
        "COPY --from=build /venv /venv",
        "COPY --from=build /filter /filter",
    ]
    kept = [line for line in written[".dockerignore"].splitlines() if not line.startswith("#")]
    assert kept[0] == "*"
    assert set(kept[1:-1]) == {
        "!bundle.json", "!data", "!filter.py", "!fixtures", "!helpers.py", "!requirements.txt",
        "!wheels",
    }  # fmt: skip


def test_a_title_is_only_a_title() -> None:
    """Quotes, variables and line ends in a docstring become no instruction."""
    text = dockerfile(replace(FACTS, title='a "b" $HOME \\\nUSER 0 «user»'))
    assert 'description="a \\"b\\" \\$HOME \\\\ USER 0 «user»"' in text
    assert [line for line in instructions(text) if line.startswith("USER")] == ["USER 65532:65532"]


def test_a_library_that_a_wheel_lacks_is_installed() -> None:
    """LightGBM's wheel expects OpenMP of the system; nothing is installed for the others."""
    assert "apt-get" not in dockerfile()
    text = dockerfile(replace(FACTS, distributions=("numpy", "LightGBM")))
    assert "apt-get install --yes --no-install-recommends libgomp1" in text


def test_a_name_that_a_dockerfile_reads_otherwise_is_refused() -> None:
    """A file whose name has a space or a pattern is named."""
    for name in ("a b.py", "*.py", "$HOME/x"):
        with pytest.raises(ExportError, match="cannot be copied into an image"):
            image_files(FACTS, (*FILES, name))
