"""Stamps in the page: what people do with them, and that they are drawn by the kernel's rules."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser.desk import Desk, once
from packets import ALERTS, needs_real_packets
from playwright.sync_api import expect

from ztfnb.cutout import KINDS, Floats, Kind
from ztfnb.look import Look, limits_of, shares
from ztfnb.widgets._stamp import palettes

MINUS, TIMES = "\N{MINUS SIGN}", "\N{MULTIPLICATION SIGN}"
SECONDS = "\N{DOUBLE PRIME}"

MADE = """
import ztfnb
from ztfnb.simulate import Survey
alert = ztfnb.decode(next(Survey(seed=3).night("2026-01-15", limit=1)).packet)
stamps = ztfnb.widgets.Stamps(alert)
asked = []
stamps.on_epoch = asked.append
stamps
"""
# The colour of the middle of each pixel of a stamp.
COLOURS = """(canvas, side) => {
  const { data, width } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const step = canvas.width / side;
  const found = [];
  for (let row = 0; row < side; row += 1)
    for (let column = 0; column < side; column += 1) {
      const at = 4 * (Math.floor((row + 0.5) * step) * width + Math.floor((column + 0.5) * step));
      found.push(data[at], data[at + 1], data[at + 2], data[at + 3]);
    }
  return found;
}"""


def painted(desk: Desk, place: int, side: int = 63) -> np.ndarray[Any, Any]:
    found = desk.page.locator(".ztfnb-stamp canvas").nth(place).evaluate(COLOURS, side)
    return np.reshape(np.array(found, np.uint8), (side, side, 4))


def expected(stamps: dict[Kind, Floats], look: Look, kind: Kind) -> np.ndarray[Any, Any]:
    palette = np.frombuffer(palettes()[look.colours], np.uint8).reshape(256, 3)
    level = np.floor(255 * shares(dict(stamps), look)[kind] + 0.5)
    places = level.astype(int)
    return np.take(palette, 255 - places if look.invert else places, axis=0)


def is_drawn(desk: Desk, stamps: dict[Kind, Floats], look: Look, kind: Kind) -> bool:
    """Whether every pixel of a stamp has the colour that the kernel's rules give it."""
    found = painted(desk, KINDS.index(kind))
    off = abs(found[:, :, :3] - expected(stamps, look, kind).astype(int)).max(axis=2)
    # Where a share falls on the edge of two levels, either is right.
    return bool((found[:, :, 3] == 255).all() and (off > 0).mean() < 0.001 and off.max() <= 12)


def show(desk: Desk, source: str = MADE) -> None:
    desk.open([source])
    desk.run(0)
    first = desk.page.locator(".ztfnb-stamps").first
    expect(first).to_have_attribute("data-candid", re.compile(r"\d"))
    desk.idle()


FIXED = """
import gzip
import numpy as np, ztfnb
from ztfnb.simulate import Survey
def fits(pixels):
    cards = ["SIMPLE  =                    T", "BITPIX  =                  -32",
             "NAXIS   =                    2", f"NAXIS1  = {pixels.shape[1]:>20}",
             f"NAXIS2  = {pixels.shape[0]:>20}", "END"]
    header = "".join(card.ljust(80) for card in cards).ljust(2880).encode()
    data = pixels.astype(">f4").tobytes()
    return gzip.compress(header + data.ljust(-(-len(data) // 2880) * 2880, b"\\0"))
made = ztfnb.decode(next(Survey(seed=3).night("2026-01-15", limit=1)).packet).as_dict()
for place, kind in enumerate(("Science", "Template", "Difference")):
    pixels = np.random.default_rng(place).gamma(2, 50, (63, 63)) - 60
    made[f"cutout{kind}"] = {"fileName": "x", "stampData": fits(pixels)}
stamps = ztfnb.widgets.Stamps(ztfnb.decode(ztfnb.encode(made)))
stamps
"""


def fixed() -> dict[Kind, Floats]:
    """Return the pixels of `FIXED`."""
    return {
        kind: (np.random.default_rng(place).gamma(2, 50, (63, 63)) - 60).astype(np.float32)
        for place, kind in enumerate(KINDS)
    }


LOOKS = (
    Look(),
    Look(stretch="asinh", limits=95.0, colours="viridis"),
    Look(stretch="sqrt", limits=100.0, invert=True),
    Look(stretch="log", limits=90.0, same=True, colours="magma"),
    Look(stretch="linear", limits="zscale", colours="inferno"),
    Look(typed={"science": (-10.0, 80.0), "difference": (-30.0, 90.0)}),
)


def test_the_page_draws_by_the_rules_of_the_kernel(desk: Desk) -> None:
    """Every pixel of every look has the colour that the kernel's rules give it."""
    cells = [
        f"stamps.settings = {look.settings() | {'marks': False, 'neighbours': False}!r}"
        for look in LOOKS
    ]
    desk.open([FIXED, *cells])
    desk.run(0)
    canvas = desk.page.locator(".ztfnb-stamp canvas").first
    expect(canvas).to_be_visible()
    stamps = fixed()
    for place, look in enumerate(LOOKS, start=1):
        desk.run(place)
        for kind in KINDS:
            desk.until(partial(is_drawn, desk, stamps, look, kind))
        low, high = limits_of(dict(stamps), look)["science"]
        shown = [
            float(
                desk.page.locator(".ztfnb-stamp input").nth(end).input_value().replace(MINUS, "-")
            )
            for end in (0, 1)
        ]
        assert shown == pytest.approx([low, high], rel=1e-3, abs=1e-3)


def test_choices(desk: Desk) -> None:
    """Stretch, limits and colours are chosen in the page, and the kernel holds them."""
    desk.open([FIXED, "stamps", once("'template' in stamps.settings['typed']", "stamps.settings")])
    desk.run(0)
    page = desk.page
    first = page.locator(".ztfnb-stamps").first
    expect(first).to_have_attribute("data-candid", re.compile(r"\d"))
    desk.run(1)
    second = page.locator(".ztfnb-stamps").nth(1)
    expect(second).to_have_attribute("data-candid", re.compile(r"\d"))
    before = painted(desk, 0)
    first.get_by_label("Stretch of the stamps").select_option("log")
    first.get_by_label("Limits of the stamps").select_option("98")
    first.get_by_label("Colour map of the stamps").select_option("viridis")
    first.get_by_role("button", name="invert").click()
    assert (painted(desk, 0) != before).any()
    # A second view of the same stamps follows.
    expect(second.get_by_label("Stretch of the stamps")).to_have_value("log")
    expect(second.get_by_role("button", name="invert")).to_have_attribute("aria-pressed", "true")
    low = first.get_by_label("Dark end of the template stamp")
    low.fill("-5")
    low.press("Enter")
    expect(first.get_by_label("Limits of the stamps")).to_have_value("typed")
    expect(second.get_by_label("Dark end of the template stamp")).to_have_value(f"{MINUS}5")
    desk.run(2)
    for text in ("'stretch': 'log'", "'limits': 98", "'template': [-5.0, ", "'invert': True"):
        expect(desk.output(2)).to_contain_text(text)
    # What is no pair of limits is refused, and the choice stays; an empty end is automatic again.
    low.fill("many")
    low.press("Enter")
    expect(low).to_have_attribute("aria-invalid", "true")
    expect(first.locator(".ztfnb-stamp-value")).to_contain_text("two numbers in order")
    expect(second.get_by_label("Dark end of the template stamp")).to_have_value(f"{MINUS}5")
    low.fill("")
    low.press("Enter")
    expect(first.get_by_label("Limits of the stamps")).to_have_value("98")
    expect(second.get_by_label("Limits of the stamps")).to_have_value("98")


def test_zoom_pan_and_pixels(desk: Desk) -> None:
    """All stamps zoom about the pointer and move together; unless clicked they let wheels pass."""
    show(desk, FIXED + "stamps.settings = {'neighbours': False}\nstamps")
    page = desk.page
    stamps = fixed()
    zoom = page.locator(".ztfnb-stamp-zoom")
    canvas = page.locator(".ztfnb-stamp canvas")
    box = desk.place(canvas.nth(1))
    step = box["width"] / 63

    def at(column: float, row: float) -> tuple[float, float]:
        return box["x"] + (column + 0.5) * step, box["y"] + (row + 0.5) * step

    # The pixel under the pointer, in all three stamps.
    page.mouse.move(*at(40, 10))
    value = page.locator(".ztfnb-stamp-value")
    expect(value).to_contain_text("x 41, y 53 · 9.1″ W 21.3″ N · ")
    numbers = page.locator(".ztfnb-stamp-number")
    for place, kind in enumerate(KINDS):
        text = numbers.nth(place).inner_text().replace(MINUS, "-")
        assert float(text) == pytest.approx(float(stamps[kind][10, 40]), rel=1e-3)
    desk.picture("stamps-hover")

    # Not focused: the wheel scrolls the notebook, and nothing zooms. Then it does, once.
    page.mouse.wheel(0, -240)
    page.mouse.click(*at(40, 10))
    page.mouse.wheel(0, -240)
    expect(zoom).to_have_text(f"2.1{TIMES}")
    # The pixel under the pointer stays there.
    page.mouse.move(*at(40.1, 10))
    expect(value).to_contain_text("x 41, y 53")
    desk.picture("stamps-zoomed")
    before = painted(desk, 2)
    page.mouse.down()
    page.mouse.move(*at(30, 14), steps=5)
    page.mouse.up()
    desk.until(lambda: np.any(painted(desk, 2) != before))
    page.mouse.move(*at(30.1, 14))
    expect(value).to_contain_text("x 41, y 53")
    page.mouse.dblclick(*at(30, 14))
    expect(zoom).to_have_text(f"1.0{TIMES}")


def test_zoom_by_keys(desk: Desk) -> None:
    """Plus, minus, arrows and 0 zoom and move stamps that are focused; at no zoom they pass."""
    show(desk, FIXED)
    page = desk.page
    zoom = page.locator(".ztfnb-stamp-zoom")
    page.locator(".ztfnb-stamp canvas").first.click()
    page.keyboard.press("+")
    page.keyboard.press("+")
    expect(zoom).to_have_text(f"2.0{TIMES}")
    before = painted(desk, 0)
    page.keyboard.press("ArrowLeft")
    desk.until(lambda: np.any(painted(desk, 0) != before))
    page.keyboard.press("-")
    expect(zoom).to_have_text(f"1.4{TIMES}")
    page.keyboard.press("0")
    expect(zoom).to_have_text(f"1.0{TIMES}")
    # All of it is seen: the wheel out of it, and the arrows, are the page's again.
    assert page.evaluate(
        """() => {
          const event = new WheelEvent('wheel', { deltaY: 100, bubbles: true, cancelable: true });
          document.querySelector('.ztfnb-stamp canvas').dispatchEvent(event);
          return !event.defaultPrevented;
        }"""
    )
    page.keyboard.press("+")
    expect(zoom).to_be_visible()
    page.get_by_role("button", name="more").click()
    page.get_by_role("button", name="reset zoom").click()
    expect(zoom).to_have_text(f"1.0{TIMES}")
    expect(zoom).to_be_hidden()


def test_the_layout_holds(desk: Desk) -> None:
    """Stamps fill the width, controls have one row, and nothing that appears moves the rest."""
    desk.open(
        [
            FIXED,
            "stamps.epochs = [(1, 2461055.75, 'g'), (2, 2461056.75, 'r')]",
            "stamps.alert = None",
        ]
    )
    page = desk.page
    desk.run(0)
    part = page.locator(".ztfnb-stamps")
    expect(part).to_have_attribute("data-candid", re.compile(r"\d"))
    count = page.locator(".ztfnb-stamp-epoch")
    for width in (700, 536, 440):
        part.evaluate("(e, w) => { e.style.width = `${w}px`; }", width)
        side = (width - 20) // 3
        for place in range(3):
            expect(page.locator(".ztfnb-stamp canvas").nth(place)).to_have_css("width", f"{side}px")
        rows = part.evaluate(
            """e => new Set([...e.querySelectorAll('.ztfnb-stamp-controls > *')].map(one => {
              const { top, bottom } = one.getBoundingClientRect();
              return Math.round((top + bottom) / 2);
            })).size"""
        )
        assert rows == 1
        assert part.evaluate("e => e.scrollWidth <= e.clientWidth")
    expect(count).to_be_hidden()
    desk.idle()
    before = desk.place(part)
    desk.run(1)
    expect(count).to_be_visible()
    desk.idle()
    assert desk.place(part) == before
    more = page.get_by_role("button", name="more")
    files = page.get_by_role("button", name="FITS")
    first = page.locator(".ztfnb-stamp canvas").first
    closing: tuple[Callable[[], None], ...] = (
        lambda: page.keyboard.press("Escape"),
        more.click,
        first.click,
    )
    for close in closing:
        expect(files).to_be_hidden()
        more.click()
        expect(files).to_be_visible()
        expect(more).to_have_attribute("aria-expanded", "true")
        assert desk.place(part) == before
        close()
        expect(more).to_have_attribute("aria-expanded", "false")
    desk.run(2)
    expect(page.locator(".ztfnb-stamp-note")).to_be_visible()
    desk.idle()
    assert desk.place(part) == before


def test_controls_by_keyboard(desk: Desk) -> None:
    """Arrow keys reach lists and inputs, and are not the notebook's."""
    desk.open([FIXED, once("stamps.settings['same']", "stamps.settings")])
    desk.run(0)
    page = desk.page
    stretch = page.get_by_label("Stretch of the stamps")
    expect(stretch).to_be_visible()
    active = "() => window.jupyterapp.shell.currentWidget.content.activeCellIndex"
    cell = page.evaluate(active)
    stretch.focus()
    page.keyboard.press("ArrowDown")
    expect(stretch).to_have_value("asinh")
    page.keyboard.press("ArrowDown")
    expect(stretch).to_have_value("linear")
    page.keyboard.press("ArrowUp")
    expect(stretch).to_have_value("asinh")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Limits of the stamps")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(page.get_by_label("Limits of the stamps")).to_have_value("98")
    low = page.get_by_label("Dark end of the science stamp")
    low.fill("-12")
    for key in ("ArrowLeft", "3", "Home", "ArrowRight", "Delete", "Enter"):
        page.keyboard.press(key)
    expect(low).to_have_value(f"{MINUS}32")
    page.get_by_role("button", name="invert").focus()
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="invert")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="more").focus()
    for key in ("Enter", "Tab", "Space"):
        page.keyboard.press(key)
    same = page.get_by_role("button", name="same limits")
    expect(same).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Escape")
    expect(same).to_be_hidden()
    expect(page.get_by_role("button", name="more")).to_be_focused()
    assert page.evaluate(active) == cell
    assert stretch.is_visible()
    desk.run(1)
    for text in ("'stretch': 'asinh'", "'limits': 98", "'science': [-32.0, ", "'same': True"):
        expect(desk.output(1)).to_contain_text(text)


LATE = """
import pathlib, time
doors, plain = iter([pathlib.Path('NAME.first'), pathlib.Path('NAME.second')]), stamps.receive
def late(message):
    if message["kind"] == "setting":
        door = next(doors)
        while not door.exists(): time.sleep(0.01)
    plain(message)
stamps.receive = late
stamps
"""


def test_a_late_answer_undoes_no_choice(desk: Desk) -> None:
    """A kernel that has heard of one choice, and not yet of the next, leaves the page with both."""
    desk.open([FIXED, LATE.replace("NAME", desk.name)])
    page, door = desk.page, desk.lab.folder / desk.name
    desk.run(0)
    desk.run(1)
    first, second = (page.locator(".ztfnb-stamps").nth(view) for view in (0, 1))
    expect(second).to_have_attribute("data-candid", re.compile(r"\d"))
    stretch, colours = "Stretch of the stamps", "Colour map of the stamps"
    first.get_by_label(stretch).select_option("log")
    first.get_by_label(colours).select_option("magma")
    door.with_suffix(".first").touch()
    expect(second.get_by_label(stretch)).to_have_value("log")
    assert second.get_by_label(colours).input_value() == "grey"
    assert first.get_by_label(colours).input_value() == "magma"
    door.with_suffix(".second").touch()
    expect(second.get_by_label(colours)).to_have_value("magma")
    assert first.get_by_label(stretch).input_value() == "log"


def test_neighbours_leave_the_detection_clear(desk: Desk) -> None:
    """They are drawn on the science stamp, the reference's on the template; the near in words."""
    near = {
        "distpsnr1": 0.5, "sgscore1": 0.9, "distpsnr2": 10.0, "sgscore2": 0.1, "distpsnr3": None,
        "neargaia": 12.0, "maggaia": 15.0, "neargaiabright": None, "ssdistnr": -999.0,
        "ssnamenr": None, "distnr": 12.0,
    }  # fmt: skip
    source = FIXED.replace(
        "stamps = ",
        f"made['candidate'] |= {near!r}\n"
        "made['candidate'] |= {'ranr': made['candidate']['ra'],\n"
        "                      'decnr': made['candidate']['dec'] - 12.12 / 3600}\nstamps = ",
    )
    source += "stamps.settings = {'marks': False, 'neighbours': False}\nstamps"
    show(desk, source)
    page = desk.page
    box = desk.place(page.locator(".ztfnb-stamp canvas").first)
    plain = [painted(desk, place) for place in range(3)]
    idle = page.locator(".ztfnb-stamp-value")
    expect(idle).not_to_contain_text("PS1")
    page.get_by_role("button", name="neighbours").click()
    drawn = [painted(desk, place) for place in range(3)]
    changed = [(one != other).any(axis=2) for one, other in zip(plain, drawn, strict=True)]
    assert changed[0].sum() > 60
    assert not changed[0][28:35, 28:35].any()
    # The reference's source is twelve pixels to the south.
    assert changed[1][41:46, 29:34].any()
    assert changed[1].sum() == changed[1][41:46, 29:34].sum()
    assert not changed[2].any()
    expect(idle).to_contain_text(f"centre: PS1 star 0.5{SECONDS}")
    step = box["width"] / 63
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(*middle)
    expect(idle).to_contain_text("x 32, y 32 · star 0.5 arcsec")
    page.mouse.move(middle[0] + 10 / 1.01 * step, middle[1])
    expect(idle).to_contain_text("galaxy 10.0 arcsec")
    desk.picture("stamps-neighbours")


def test_epochs(desk: Desk) -> None:
    """Buttons and keys step through the epochs of an object; the kernel says what they bring."""
    desk.open(
        [
            MADE + "stamps.epochs = [(1, 2461055.75, 'g'), (alert.candid, 2461056.75, 'r'),"
            " (3, 2461057.75, 'g')]\nstamps",
            once("len(asked) == 3", "asked"),
            "stamps.say('The alert of that epoch is not held.')",
            "stamps.epochs = ()",
        ]
    )
    page = desk.page
    desk.run(0)
    count = page.locator(".ztfnb-stamp-epoch")
    expect(count).to_have_text("2 of 3")
    expect(page.locator(".ztfnb-stamp-date")).to_have_text("2026-01-16 06:00 r")
    page.get_by_label("Previous epoch").click()
    expect(count).to_have_text("1 of 3")
    expect(page.get_by_label("Previous epoch")).to_be_disabled()
    page.locator(".ztfnb-stamp canvas").first.click()
    page.keyboard.press(".")
    page.keyboard.press(".")
    expect(count).to_have_text("3 of 3")
    desk.says(1, re.compile(r"\[1, \d{10,}, 3\]"))
    # A sentence in the place of the stamps takes their room, and stepping goes on.
    part = page.locator(".ztfnb-stamps")
    desk.idle()
    before = desk.place(part)
    desk.run(2)
    expect(page.locator(".ztfnb-stamp-note")).to_have_text("The alert of that epoch is not held.")
    desk.idle()
    assert desk.place(part) == before
    expect(count).to_have_text("3 of 3")
    page.get_by_label("Previous epoch").click()
    expect(count).to_have_text("2 of 3")
    desk.picture("stamps-say")
    desk.run(3)
    expect(count).to_be_hidden()


def test_files(desk: Desk, tmp_path: Path) -> None:
    """A FITS file of the pixels and a PNG of what is seen are downloaded."""
    image = pytest.importorskip("PIL.Image")
    astropy_fits = pytest.importorskip("astropy.io.fits")
    show(desk, FIXED)
    page = desk.page
    page.get_by_role("button", name="more").click()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="FITS").click()
    download = waiting.value
    assert re.fullmatch(r"ZTF\w+_\d+_stamps\.fits", download.suggested_filename)
    download.save_as(tmp_path / "stamps.fits")
    with astropy_fits.open(tmp_path / "stamps.fits") as file:
        for kind, pixels in fixed().items():
            np.testing.assert_array_equal(file[kind.upper()].data, pixels[::-1])
    with page.expect_download() as waiting:
        page.get_by_role("button", name="PNG").click()
    download = waiting.value
    assert re.fullmatch(r"ZTF\w+_\d+_stamps\.png", download.suggested_filename)
    artefacts = desk.picture("stamps-files").parent
    download.save_as(artefacts / "stamps-download.png")
    picture = image.open(io.BytesIO((artefacts / "stamps-download.png").read_bytes()))
    assert picture.width > 900
    assert len(set(picture.convert("L").tobytes())) > 100


@needs_real_packets
def test_real_stamps(desk: Desk) -> None:
    """Real stamps: whole, clipped, with NaN, missing, JPEG, and of Rubin, in light and dark."""
    show(
        desk,
        f"""
import pathlib, numpy as np, ztfnb
from ztfnb.cutout import cutout
folder = pathlib.Path({str(ALERTS)!r})
night = [ztfnb.decode(p.read_bytes()) for p in sorted(folder.glob('night-20181128/*.avro'))]
def shape(a): return cutout(a, 'science').shape
def first(test): return next(a for a in night if test(a))
def one(name): return next(iter(ztfnb.read(folder / name)))
shown = [
    first(lambda a: a.candidate['distpsnr2'] > 0 and shape(a) == (63, 63) and a.mag < 18),
    first(lambda a: shape(a) != (63, 63)),
    first(lambda a: np.isnan(cutout(a, 'difference')).sum() > 100),
    one('legacy/121540793515135001.avro'),
    one('legacy/ZTF20abyfpze.avro'),
    next(iter(ztfnb.read(next(folder.glob('lsst/fink-ocf/*.avro'))))),
]
from IPython.display import display
for a in shown:
    display(ztfnb.widgets.Stamps(a))
""",
    )
    page = desk.page
    expect(page.locator(".ztfnb-stamps")).to_have_count(6)
    parts = page.locator(".ztfnb-stamps")
    for width in (440, 536, 700):
        for theme in ("Light", "Dark"):
            desk.theme(theme)
            parts.evaluate_all("(all, w) => all.forEach(e => { e.style.width = `${w}px`; })", width)
            for place, name in enumerate(("whole", "clipped", "holes", "jpeg", "missing", "rubin")):
                part = parts.nth(place)
                part.scroll_into_view_if_needed()
                desk.picture(f"stamps-{name}-{width}-{theme}", part)
                desk.until(partial(part.evaluate, "e => e.scrollWidth <= e.clientWidth"))
    expect(parts.nth(4).locator(".ztfnb-stamp-reason:visible")).to_have_text(
        ["not in the packet"] * 3
    )
