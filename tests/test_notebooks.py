"""The notebooks that are handed out work, and are stored clean."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from traitlets.config import Config

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
BY_NAME = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: str(path.name))


@BY_NAME
def test_stored_clean(path: Path) -> None:
    """No outputs or counts are stored, and the kernel is named, so that no dialog asks for it."""
    notebook: dict[str, Any] = json.loads(path.read_text())
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    for cell in notebook["cells"]:
        assert cell.get("outputs", []) == []
        assert cell.get("execution_count") is None
    nbformat.validate(notebook)


@BY_NAME
def test_runs_top_to_bottom(path: Path, tmp_path: Path, without_ports: dict[str, str]) -> None:
    """Every cell of a notebook works on a fresh kernel, and none writes to its stderr."""
    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    resources = {"metadata": {"path": str(tmp_path)}}
    config = Config({"KernelManager": without_ports})
    NotebookClient(
        notebook, timeout=290, startup_timeout=290, resources=resources, config=config
    ).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert [output["text"] for output in outputs if output.get("name") == "stderr"] == []


def test_first_cells_of_the_first_night() -> None:
    """The first two code cells start the demo and show alerts arriving."""
    notebook = json.loads(NOTEBOOKS[0].read_text())
    code = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert code[0].startswith('import ztfnb\n\nlive = ztfnb.connect("demo")')
    assert code[1] == "browser = live.browse()\nbrowser"
