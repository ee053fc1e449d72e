"""A real JupyterLab and a page in a real Chromium in front of it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import (
    ConsoleMessage,
    FloatRect,
    Locator,
    Page,
    Request,
    WebSocket,
    expect,
)
from ports import free_ports

PATIENCE = 120.0
"""How long anything in a page may take [s]: many tests share a machine that may be slow."""
ARTEFACTS = Path(__file__).parents[2] / "artefacts"
TOKEN = "tests-only"  # noqa: S105 - of a server on the loopback interface that ends with the test
CHROMIUM = os.environ.get("ZTFNB_CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip

ALLOWED_ERRORS: tuple[tuple[str, str], ...] = (
    (r"reading 'schema'", "Notebook 7 looks for a plugin of JupyterLab's that it does not have"),
    (r"'filebrowser:open-path' not registered", "Notebook 7 has no file browser beside a notebook"),
)
"""Patterns of console errors that are not ours, each with its reason."""

_SETTINGS: dict[str, dict[str, Any]] = {
    "apputils-extension/notification": {
        "fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True
    },
    "docmanager-extension/plugin": {"autosave": False},
    # What a kernel completes later than after a second, people have typed themselves.
    "completer-extension/manager": {"providerTimeout": int(1000 * PATIENCE)},
}  # fmt: skip


# A kernel is idle before it has heard of a cell, too: so what was started here is counted.
START = """name => {
  window.atWork = (window.atWork ?? 0) + 1;
  window.jupyterapp.commands.execute(name).finally(() => { window.atWork -= 1; });
}"""

# Holds the next timer whose function is of this name, or speaks of it, until it is let go.
HOLD_TIMER = """word => {
  const plain = window.setTimeout;
  window.setTimeout = (call, ...rest) => {
    if (call.name !== word && !`${call}`.includes(word)) return plain(call, ...rest);
    window.setTimeout = plain;
    window.held = call;
    return Number.MAX_SAFE_INTEGER;
  };
}"""

# What the page said before a cell was run may come later: kernels hear widgets on other threads.
ONCE = """
import time
end = time.monotonic() + {seconds}
while not ({condition}) and time.monotonic() < end: time.sleep(0.05)
print({shown})
"""


def once(condition: str, shown: str) -> str:
    """Return a cell that prints something once a condition holds, or else what it is by then."""
    return ONCE.format(condition=condition, shown=shown, seconds=PATIENCE / 2)


# anywidget gives a module two seconds to load; after that it takes no message of the kernel, ever.
PATIENT = f"""(() => {{
  const plain = AbortSignal.timeout.bind(AbortSignal);
  AbortSignal.timeout = () => plain({1000 * PATIENCE:.0f});
}})()"""

# Selects the alert of a row as a pointer does, and waits until all of it is painted. It listens
# for that: asking at every frame would make the page draw frames that nobody needs.
CLICK_TO_PAINT = """async ([place, patience]) => {
  const page = document.querySelector('.ztfnb-browser');
  const rows = [...page.querySelectorAll('.ztfnb-row')].filter(row => row.dataset.candid);
  const row = rows[place % rows.length];
  const { candid } = row.dataset;
  const parts = ['.ztfnb-stamps', '.ztfnb-curve', '.ztfnb-facts'].map(
    name => page.querySelector(name));
  const frame = () => new Promise(resolve => requestAnimationFrame(resolve));
  const began = performance.now();
  row.dispatchEvent(new PointerEvent('pointerdown', { bubbles: true, button: 0 }));
  let observer;
  await new Promise((resolve, reject) => {
    const look = () => {
      if (parts.every(part => part.dataset.candid === candid)) resolve();
    };
    setTimeout(() => reject(new Error(`alert ${candid} is not painted`)), patience);
    observer = new MutationObserver(look);
    for (const part of parts) observer.observe(part, { attributeFilter: ['data-candid'] });
    look();
  });
  observer.disconnect();
  // The first of these begins the frame that it is painted in, the second comes after it.
  await frame();
  await frame();
  return { candid, milliseconds: performance.now() - began };
}"""


@dataclass
class Lab:
    """A running JupyterLab."""

    url: str
    folder: Path
    """Where its notebooks lie."""
    settings: Path

    def configure(self, plugin: str, values: dict[str, Any]) -> None:
        """Set what a user would in the settings editor."""
        file = self.settings / "@jupyterlab" / f"{plugin}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values), encoding="utf-8")

    def write(self, name: str, cells: list[str]) -> None:
        """Make a notebook."""
        book = {
            "cells": [
                {"cell_type": "code", "id": f"cell-{place}", "source": source,
                 "metadata": {}, "outputs": [], "execution_count": None}
                for place, source in enumerate(cells)
            ],
            # Without a kernel named, JupyterLab asks for one.
            "metadata": {
                "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}
            },
            "nbformat": 4,
            "nbformat_minor": 5,
        }  # fmt: skip
        (self.folder / name).write_text(json.dumps(book), encoding="utf-8")


@contextmanager
def running_lab(home: Path) -> Iterator[Lab]:
    """Run JupyterLab on a free port, with settings and notebooks of its own below ``home``."""
    folder = home / "notebooks"
    folder.mkdir()
    (port,) = free_ports(1)
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "IPYTHONDIR": str(home / "ipython"),
        "XDG_CONFIG_HOME": str(home / "xdg"),
    }
    with (home / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [
                sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root",
                f"--port={port}", "--ServerApp.port_retries=0", "--ip=127.0.0.1",
                f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={folder}",
                "--LabApp.expose_app_in_browser=True",
                "--JupyterNotebookApp.expose_app_in_browser=True", "--LabApp.news_url=None",
            ],
            env=environment, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        running = Lab(f"http://127.0.0.1:{port}", folder, home / "settings")
        for plugin, values in _SETTINGS.items():
            running.configure(plugin, values)
        try:
            _wait_for(lambda: _answers(f"{running.url}/api/status?token={TOKEN}"), server, home)
            yield running
        finally:
            # It ends its kernels, too.
            server.send_signal(signal.SIGTERM)
            try:
                server.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _wait_for(condition: Callable[[], bool], server: subprocess.Popen[bytes], home: Path) -> None:
    end = time.monotonic() + 3 * PATIENCE
    while not condition():
        if server.poll() is not None or time.monotonic() > end:
            raise RuntimeError((home / "server.log").read_text(errors="replace")[-4000:])
        time.sleep(0.1)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:  # noqa: S310 - http on loopback
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@dataclass
class Desk:
    """A page with a notebook in JupyterLab, and what went wrong on it."""

    lab: Lab
    page: Page
    name: str
    errors: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Note every console error and every request that leaves this machine, with patience."""

        def heard(message: ConsoleMessage) -> None:
            if message.type == "error":
                self.errors.append(f"{message.text} ({message.location.get('url', '')})")

        def asked(request: Request) -> None:
            parts = urlsplit(request.url)
            if parts.scheme not in ("data", "blob") and parts.hostname != "127.0.0.1":
                self.foreign.append(request.url)

        def opened(line: WebSocket) -> None:
            if urlsplit(line.url).hostname != "127.0.0.1":
                self.foreign.append(line.url)

        self.page.add_init_script(PATIENT)
        self.page.on("console", heard)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", asked)
        self.page.on("websocket", opened)

    def open(self, cells: list[str], *, place: str = "lab/tree") -> None:
        """Write a notebook, open it and wait for its kernel.

        Parameters
        ----------
        cells
            Its code.
        place
            Of JupyterLab, or ``"notebooks"`` of Notebook 7.
        """
        self.lab.write(f"{self.name}.ipynb", cells)
        self.page.goto(f"{self.lab.url}/{place}/{self.name}.ipynb?token={TOKEN}&reset")
        self.settle()

    def settle(self) -> None:
        """Wait for the notebook and its kernel."""
        self.page.wait_for_selector(".jp-Notebook .jp-Cell")
        self.page.wait_for_function("window.jupyterapp?.shell.currentWidget")
        self.idle()

    def theme(self, name: str) -> None:
        """Change JupyterLab's theme, ``"Light"`` or ``"Dark"``, and wait for the page."""
        self.page.evaluate(
            "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})",
            f"JupyterLab {name}",
        )
        self.page.wait_for_selector(
            f"body[data-jp-theme-name='JupyterLab {name}']", state="attached"
        )
        expect(self.page.locator("#jupyterlab-splash")).to_have_count(0)

    def idle(self) -> None:
        """Wait until every cell and command has ended, and the kernel has nothing to do."""
        self.page.wait_for_function(
            "!window.atWork && window.jupyterapp.shell.currentWidget?.sessionContext?.session"
            "?.kernel?.status === 'idle'"
        )

    def command(self, name: str) -> None:
        """Start a command of JupyterLab without waiting for its end."""
        self.page.evaluate(START, name)

    def run_all(self) -> None:
        """Run all cells."""
        self.command("notebook:run-all-cells")

    def run(self, place: int) -> None:
        """Run one cell, counted from 0."""
        self.page.evaluate(
            """place => {
              const book = window.jupyterapp.shell.currentWidget.content;
              book.activeCellIndex = place;
              book.deselectAll();
            }""",
            place,
        )
        self.command("notebook:run-cell")

    def output(self, place: int) -> Locator:
        """Return what a cell printed."""
        return self.page.locator(".jp-CodeCell").nth(place).locator(".jp-OutputArea")

    def says(self, place: int, text: str | re.Pattern[str]) -> None:
        """Run a cell, and wait for what it prints."""
        self.run(place)
        expect(self.output(place)).to_contain_text(text)

    def reload(self) -> None:
        """Save the notebook, and load its page again."""
        self.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
        self.page.reload()
        self.settle()

    def hold_timer(self, word: str) -> None:
        """Hold the page's next timer whose function is of this name, or speaks of it."""
        self.page.evaluate(HOLD_TIMER, word)

    def let_go(self) -> None:
        """Do what the timer does that was held."""
        self.page.evaluate("held()")

    def until(self, condition: Callable[[], object]) -> None:
        """Wait for what no single part of the page tells, and fail if it does not come about."""
        end = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < end, f"not so after {PATIENCE:.0f} s"
            self.page.wait_for_timeout(50)

    def place(self, part: Locator) -> FloatRect:
        """Return where a part is on the screen, once it is in view and stands still."""
        part.scroll_into_view_if_needed()
        box = part.bounding_box()
        assert box is not None
        return box

    def click_to_paint(self, place: int) -> dict[str, Any]:
        """Select a row of the browser's table, and wait until all of that alert is painted.

        Returns
        -------
        dict
            ``candid``, and ``milliseconds`` from the click to the frame after the last part.
        """
        found: dict[str, Any] = self.page.evaluate(CLICK_TO_PAINT, [place, 1000 * PATIENCE])
        return found

    def picture(self, name: str, part: Locator | None = None) -> Path:
        """Save what is on the screen, or all of a part, where people can look at it."""
        ARTEFACTS.mkdir(exist_ok=True)
        file = ARTEFACTS / f"{name}.png"
        (part or self.page).screenshot(path=file, animations="disabled")
        return file

    def close(self) -> None:
        """End the notebook's kernel."""
        self.page.evaluate(
            "() => window.jupyterapp?.shell.currentWidget?.sessionContext.shutdown()"
        )

    def check(self) -> None:
        """Fail if anything went wrong that the test did not ask about."""
        ours = [
            error
            for error in self.errors
            if not any(re.search(pattern, error) for pattern, _reason in ALLOWED_ERRORS)
        ]
        assert not self.foreign, f"requests that leave this machine: {self.foreign}"
        assert not ours, f"console errors: {ours}"
