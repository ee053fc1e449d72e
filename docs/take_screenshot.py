"""Take the README's picture: JupyterLab with the browser of the demo night.

Needs Chromium. ``python docs/take_screenshot.py`` writes ``docs/first-night.png``.
"""

from __future__ import annotations

import io
import json
import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, ViewportSize, sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from browser.desk import CHROMIUM, FLAGS, TOKEN, Desk, running_lab  # noqa: E402 - the line above

NOTEBOOK = ROOT / "notebooks" / "01-first-night.ipynb"
PICTURE = ROOT / "docs" / "first-night.png"
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


def main() -> None:
    """Take the picture."""
    with tempfile.TemporaryDirectory() as home, running_lab(Path(home)) as lab:
        first_cells(lab.folder / NOTEBOOK.name)
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
            page = chromium.new_page(viewport=SIZE)
            desk = Desk(lab, page, NOTEBOOK.stem)
            page.goto(f"{lab.url}/lab/tree/{NOTEBOOK.name}?token={TOKEN}&reset")
            desk.settle()
            desk.command("application:toggle-left-area")
            desk.run_all()
            page.wait_for_function(
                "Number(document.querySelector('.ztfnb-table')?.dataset.total) > 90"
            )
            page.evaluate(BEST)
            page.mouse.move(5, 5)
            save(page)
            desk.close()
            chromium.close()
    sys.stdout.write(f"{PICTURE.relative_to(ROOT)}: {PICTURE.stat().st_size:,} bytes\n")


def first_cells(target: Path) -> None:
    """Copy the notebook up to the cell that shows the browser."""
    shutil.copy(NOTEBOOK, target)
    book = json.loads(target.read_text(encoding="utf-8"))
    shown = next(
        place for place, cell in enumerate(book["cells"]) if "browse()" in "".join(cell["source"])
    )
    book["cells"] = book["cells"][: shown + 1]
    target.write_text(json.dumps(book), encoding="utf-8")


def save(page: Page) -> None:
    """Save what is on the screen, as small as PNG gets it."""
    page.locator(".ztfnb-browser").evaluate("e => e.scrollIntoView({block: 'end'})")
    page.wait_for_timeout(500)
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    picture.save(PICTURE, optimize=True)
    if PICTURE.stat().st_size > LARGEST:
        raise SystemExit(f"{PICTURE} is larger than {LARGEST:,} bytes")


if __name__ == "__main__":
    main()
