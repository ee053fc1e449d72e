"""Take the README's pictures: JupyterLab with the browser of the demo night, and the filter lab.

Needs Chromium. ``python docs/take_screenshot.py`` writes ``docs/first-night.png`` and
``docs/filter-lab.png``.
"""

from __future__ import annotations

import io
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from playwright.sync_api import Locator, Page, ViewportSize, expect, sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from browser.desk import CHROMIUM, FLAGS, TOKEN, Desk, running_lab  # noqa: E402 - the line above

NOTEBOOKS = ROOT / "notebooks"
PICTURES = ROOT / "docs"
SIZE = ViewportSize(width=1400, height=920)
LARGEST = 400_000
"""Bytes: the picture is fetched by everyone who reads the README."""

# The alert with the most detections among those on the screen makes the best picture.
BEST = """async () => {
  const rows = [...document.querySelectorAll('.ztfnb-row')].filter(row => row.dataset.candid);
  const click = row => {
    row.dispatchEvent(new PointerEvent('pointerdown', { bubbles: true, button: 0 }));
    return new Promise(resolve => setTimeout(resolve, 300));
  };
  let best = null;
  for (const row of rows.slice(0, 20)) {
    await click(row);
    const view = [...Bokeh.index].find(view => view.model.name === 'plot');
    const { marker } = view.model.document.get_model_by_name('points').data;
    const score = [...marker].filter(one => one !== 'inverted_triangle').length;
    if (!best || score > best.score) best = { row, score };
  }
  await click(best.row);
}"""


def first_night(page: Page) -> Locator:
    """Choose the alert that looks best in the browser of the demo night."""
    page.wait_for_function("Number(document.querySelector('.ztfnb-table')?.dataset.total) > 90")
    page.evaluate(BEST)
    return page.locator(".ztfnb-browser")


def filter_lab(page: Page) -> Locator:
    """Look at why an alert was rejected."""
    expect(page.locator(".ztfnb-labhead")).to_have_attribute("aria-busy", "false", timeout=30_000)
    page.get_by_role("tab", name=re.compile("^near misses")).click()
    page.locator(".ztfnb-card:not([hidden])").first.click()
    expect(page.locator(".ztfnb-explained tbody tr").first).to_be_visible()
    page.wait_for_timeout(2_000)
    return page.locator(".ztfnb-lab")


VIEWS: dict[str, tuple[str, str, Callable[[Page], Locator]]] = {
    "first-night.png": ("01-first-night.ipynb", "browse()", first_night),
    "filter-lab.png": ("02-filter-lab.ipynb", "live.lab(", filter_lab),
}
"""For each picture, its notebook, what the last cell that is run has in it, and what is done."""


def main() -> None:
    """Take the pictures."""
    with (
        tempfile.TemporaryDirectory() as home,
        running_lab(Path(home)) as lab,
        sync_playwright() as playwright,
    ):
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        for name, (notebook, shown, prepare) in VIEWS.items():
            first_cells(notebook, shown, lab.folder / notebook)
            page = chromium.new_page(viewport=SIZE)
            desk = Desk(lab, page, Path(notebook).stem)
            page.goto(f"{lab.url}/lab/tree/{notebook}?token={TOKEN}&reset")
            desk.settle()
            desk.command("application:toggle-left-area")
            desk.run_all()
            save(page, prepare(page), PICTURES / name)
            desk.close()
            page.close()
        chromium.close()


def first_cells(notebook: str, shown: str, target: Path) -> None:
    """Copy a notebook up to the cell that shows what is wanted."""
    shutil.copy(NOTEBOOKS / notebook, target)
    book = json.loads(target.read_text(encoding="utf-8"))
    last = next(
        place for place, cell in enumerate(book["cells"]) if shown in "".join(cell["source"])
    )
    book["cells"] = book["cells"][: last + 1]
    target.write_text(json.dumps(book), encoding="utf-8")


def save(page: Page, view: Locator, picture: Path) -> None:
    """Save what is on the screen, as small as PNG gets it."""
    page.mouse.move(5, 5)
    # Of what is taller than the screen, its beginning.
    view.evaluate("e => e.scrollIntoView({block: e.offsetHeight > 800 ? 'start' : 'end'})")
    page.wait_for_timeout(500)
    shown = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    shown.quantize(256, dither=Image.Dither.NONE).save(picture, optimize=True)
    size = picture.stat().st_size
    if size > LARGEST:
        raise SystemExit(f"{picture} is larger than {LARGEST:,} bytes")
    sys.stdout.write(f"{picture.relative_to(ROOT)}: {size:,} bytes\n")


if __name__ == "__main__":
    main()
