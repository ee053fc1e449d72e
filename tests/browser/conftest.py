"""A JupyterLab and a Chromium for the tests of this folder."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser.desk import CHROMIUM, FLAGS, PATIENCE, Desk, Lab, running_lab
from playwright.sync_api import Browser, expect, sync_playwright

expect.set_options(timeout=1000 * PATIENCE)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test here, give it time, and skip it where there is no Chromium."""
    missing = None if Path(CHROMIUM).exists() else "no Chromium here: apt-get install chromium"
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.timeout(10 * PATIENCE))
            if missing:
                item.add_marker(pytest.mark.skip(reason=missing))


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A JupyterLab on a free port, with settings and notebooks of its own."""
    with running_lab(tmp_path_factory.mktemp("jupyter")) as lab:
        yield lab


# No longer than it is needed: while it is there, an event loop runs in the main thread.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A Chromium without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=list(FLAGS), timeout=1000 * PATIENCE
        )
        yield browser
        browser.close()


@pytest.fixture
def desk(lab: Lab, chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Desk]:
    """A fresh page; what goes wrong on it fails the test."""
    options = getattr(request, "param", {})
    context = chromium.new_context(viewport={"width": 1600, "height": 1000}, **options)
    context.set_default_timeout(1000 * PATIENCE)
    page = context.new_page()
    name = re.sub(r"\W+", "-", request.node.name).strip("-")
    made = Desk(lab, page, name)
    made.watch()
    yield made
    try:
        made.picture(f"{name}-end")
        # Before the end of the kernel: widgets that ask for news then are told that they cannot.
        made.check()
    finally:
        made.close()
        context.close()
