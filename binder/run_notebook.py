"""Run a notebook beside a Jupyter server, as a Binder pod does, within a memory limit.

The resident memory of the server, the kernel and everything that they start is added up ten
times a second. Shared pages count once for each process, so the true need is a little lower.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

import nbformat
import psutil
from jupyter_server.serverapp import list_running_servers
from nbclient import NotebookClient

SAMPLE_S = 0.1
SERVER_START_S = 60


def tree_rss(root: psutil.Process) -> int:
    """Return the resident memory [bytes] of a process and everything below it."""
    total = 0
    for process in [root, *root.children(recursive=True)]:
        with suppress(psutil.Error):
            total += process.memory_info().rss
    return total


class PeakMemory:
    """The highest memory of this process's tree while the context lasts: ``peak`` [bytes]."""

    def __init__(self) -> None:
        self.peak = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        root = psutil.Process()
        while not self._done.wait(SAMPLE_S):
            self.peak = max(self.peak, tree_rss(root))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._done.set()
        self._thread.join()


@contextmanager
def jupyter_server(token: str) -> Iterator[str]:
    """Run JupyterLab on a free port of this machine; yield its address."""
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ip", "127.0.0.1"]
    command += ["--port", "0", "--IdentityProvider.token", token]
    if os.geteuid() == 0:
        command += ["--allow-root"]  # only this machine can reach it, and only with the token
    with tempfile.TemporaryFile() as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            yield _address(server)
        finally:
            server.terminate()
            server.wait()


def _address(server: subprocess.Popen[bytes]) -> str:
    for _ in range(int(SERVER_START_S / SAMPLE_S)):
        for running in list_running_servers():
            if running["pid"] == server.pid:
                return str(running["url"])
        if server.poll() is not None:
            break
        time.sleep(SAMPLE_S)
    raise SystemExit(f"JupyterLab did not start within {SERVER_START_S} s")


def opened_at_start(address: str, token: str) -> str:
    """Return the document that ``/lab`` opens on; empty if there is none."""
    request = urllib.request.Request(
        f"{address}lab/api/workspaces/default", headers={"Authorization": f"token {token}"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        workspace = json.load(answer)
    main = workspace["data"].get("layout-restorer:data", {}).get("main", {})
    return str(main.get("current", "")).removeprefix("notebook:")


def main() -> int:
    """Run the notebook; 1 if a cell fails, JupyterLab opens elsewhere or memory is short."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebook", type=Path)
    parser.add_argument("--limit-mb", type=int, required=True)
    options = parser.parse_args()

    notebook = nbformat.read(options.notebook, as_version=4)  # type: ignore[no-untyped-call]
    token = secrets.token_hex()
    with PeakMemory() as memory, jupyter_server(token) as address:
        opened = opened_at_start(address, token)
        began = time.monotonic()
        resources = {"metadata": {"path": str(options.notebook.parent)}}
        NotebookClient(notebook, timeout=300, resources=resources).execute()
        took = time.monotonic() - began
    peak_mb = memory.peak / 1e6
    print(f"{options.notebook}: every cell ran, in {took:.0f} s")
    print(f"/lab opens on: {opened or 'no document'}")
    print(f"peak memory: {peak_mb:,.0f} MB of {options.limit_mb:,} MB")
    return int(peak_mb > options.limit_mb or Path(opened) != options.notebook)


if __name__ == "__main__":
    sys.exit(main())
