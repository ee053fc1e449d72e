"""What `ztfnb lab` opens, as `make lab` does."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser.desk import PATIENCE, Desk
from playwright.sync_api import expect

ROOT = Path(__file__).parents[2]


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Where a server started by `ztfnb lab` listens, with its token; for somebody new to it."""
    environment = os.environ | {
        "JUPYTER_CONFIG_DIR": str(tmp_path / "config"),
        "JUPYTERLAB_SETTINGS_DIR": str(tmp_path / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(tmp_path / "workspaces"),
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime"),
    }
    with subprocess.Popen(
        [sys.executable, "-m", "ztfnb", "lab", "--no-browser", "--port", "0"],
        cwd=ROOT,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stderr is not None
        try:
            said = (re.search(r"http://127\.0\.0\.1\S+token=\w+", line) for line in server.stderr)
            yield next(found[0] for found in said if found)
        finally:
            server.terminate()
            server.wait(PATIENCE)


def test_lab_opens_on_the_first_notebook_and_asks_nothing(address: str, desk: Desk) -> None:
    """The first notebook is in view, with its kernel, and no question about news lies over it."""
    assert "/lab/tree/notebooks/01-first-night.ipynb" in address
    page = desk.page
    page.goto(address)
    expect(page.locator(".jp-MarkdownCell h1")).to_have_text(re.compile("A first night"))
    expect(page.locator(".jp-CodeCell").nth(1)).to_contain_text("live.browse()")
    expect(page.get_by_role("button", name=re.compile(r"\| Idle$"))).to_be_visible()
    # JupyterLab asks five seconds after all its plugins have started.
    page.wait_for_timeout(6_000)
    expect(page.locator(".jp-Notification-List, .Toastify__toast")).to_have_count(0)
    desk.picture("lab-opened")
