"""A picture of one alert, for a paper or a chat: facts, stamps and light curve on one page.

The look is that of the browser. Nothing of the notebook's own matplotlib settings shows, and the
same alert makes the same bytes, unless its days are counted from the present.
"""

from __future__ import annotations

import io
import math
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ztfnb.alert import Alert
from ztfnb.curve_axes import INK, LINE, MUTED, TEXT, draw_curve, say_in
from ztfnb.curveplot import plot_of
from ztfnb.curveview import CurveView
from ztfnb.cutout import KINDS, SIDE, Floats, Kind, cutout, detection_in, is_jpeg
from ztfnb.errors import ConfigError, DecodeError, SelectionError, SourceError
from ztfnb.look import Look, shares
from ztfnb.neighbours import neighbours
from ztfnb.photometry import PIXEL_SCALE, photometry
from ztfnb.sky import sexagesimal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Form = Literal["png", "pdf"]
FORMS: tuple[Form, ...] = get_args(Form)

# All lengths in inches: as wide as two columns of a journal.
_WIDTH = 7.1
_LEFT, _RIGHT, _TOP, _BOTTOM = 0.66, 0.12, 0.12, 0.46
_FACTS, _CAPTION, _LEGEND, _CURVE, _GAP = 0.78, 0.2, 0.34, 2.25, 0.1
_STAMP = (_WIDTH - _LEFT - _RIGHT - 2 * _GAP) / 3
_HEIGHT = _TOP + _FACTS + _STAMP + _CAPTION + _LEGEND + _CURVE + _BOTTOM
_NO_PIXELS = "#E4E4E4"
_MARK, _SHADE = "#FFFFFF", "#000000"
_BARS = (30, 20, 10, 5, 2, 1)
"""Lengths of the scale bar [arcsec]."""
_LONGEST_WORDS = 96
_MOST_DPI = 1_200
_NO_NUMBER = -99.0
"""What is not above this is a code for a missing value."""
_LAST_LETTER = 0x24F
"""Of the Latin letters, which the font has."""
_SIGNS = "\N{DOUBLE PRIME}\N{PRIME}\N{MINUS SIGN}"
_turn = threading.Lock()


class Picture(bytes):
    """A file of a picture, which a notebook shows where it is a PNG."""

    __slots__ = ()

    def _repr_png_(self) -> bytes | None:
        return bytes(self) if self.startswith(b"\x89PNG") else None

    def __repr__(self) -> str:
        return f"<Picture: {len(self):,} bytes of {'PDF' if self.startswith(b'%PDF') else 'PNG'}>"


def picture(
    alert: Alert,
    path: str | Path | None = None,
    *,
    alerts: Iterable[Alert] = (),
    look: Look | Mapping[str, Any] | None = None,
    view: CurveView | Mapping[str, Any] | None = None,
    period: float | None = None,
    form: Form | None = None,
    dpi: int = 200,
    overwrite: bool = False,
) -> Picture:
    """Draw an alert: facts, the three stamps with north up, and its light curve.

    Parameters
    ----------
    alert
        The alert.
    path
        A file to write it to, ``.png`` or ``.pdf``; none where None.
    alerts
        More alerts of the same object, whose light curves are joined.
    look
        How the stamps look: `ztfnb.look.Look`, or its settings.
    view
        How the light curve looks: `ztfnb.curveview.CurveView`, or its settings, such as
        ``{"quantity": "forced", "time": "mjd"}`` or those of a browser's ``light_curve``.
    period
        To fold the light curve on [d], whatever the view says.
    form
        ``png`` or ``pdf``; as the name of the file says, else ``png``. A PDF's text is text.
    dpi
        Pixels of a PNG in an inch; it is 7.1 inches wide.
    overwrite
        Whether a file of that name may be replaced.

    Returns
    -------
    Picture
        The file's bytes.

    Raises
    ------
    ConfigError
        If a setting is none.
    SourceError
        If the file exists or cannot be written.
    ImportError
        If matplotlib, of the extra ``lab``, is missing.
    """
    target = None if path is None else Path(path).expanduser()
    chosen = form or ("png" if target is None else target.suffix.lower().removeprefix("."))
    if chosen not in FORMS:
        raise ConfigError(f"form of a picture: expected {' or '.join(FORMS)}, got {chosen!r:.40}")
    if isinstance(dpi, bool) or not isinstance(dpi, int) or not 20 <= dpi <= _MOST_DPI:
        raise ConfigError(f"dpi: expected 20 to {_MOST_DPI:,}, got {dpi!r:.40}")
    if not isinstance(look, Look):
        look = Look().choose(look or {})
    if not isinstance(view, CurveView):
        view = CurveView().changed(view or {})
    if period is not None:
        view = view.changed({"fold": True, "periods": {alert.object_id: period}})
    drawn = _figure(alert, list(alerts), look, view)
    content = Picture(_pdf(drawn) if chosen == "pdf" else _png(drawn, dpi))
    if target is not None:
        try:
            with target.open("wb" if overwrite else "xb") as file:
                file.write(content)
        except FileExistsError:
            raise SourceError(
                f"{target} exists; choose another name, or allow it: overwrite=True"
            ) from None
        except OSError as error:
            raise SourceError(f"cannot write {target}: {error.strerror}") from None
    return content


def _png(figure: Figure, dpi: int) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - of `lab`

    figure.set_dpi(dpi)
    file = io.BytesIO()
    canvas: Any = FigureCanvasAgg(figure)
    canvas.print_png(file, metadata={"Software": None})
    return file.getvalue()


def _pdf(figure: Figure) -> bytes:
    from matplotlib.backends.backend_pdf import FigureCanvasPdf  # noqa: PLC0415 - of `lab`

    file = io.BytesIO()
    canvas: Any = FigureCanvasPdf(figure)
    with _true_type():
        canvas.print_pdf(
            file, metadata={"CreationDate": None, "Creator": "ztfnb", "Producer": None}
        )
    return file.getvalue()


@contextmanager
def _true_type() -> Iterator[None]:
    """Let fonts be embedded as TrueType, which journals ask for: only a global setting does."""
    import matplotlib as mpl  # noqa: PLC0415 - of `lab`

    settings: Any = mpl.rcParams
    wanted = {"pdf.fonttype": 42, "pdf.compression": 6, "pdf.use14corefonts": False}
    with _turn:
        before = {name: settings[name] for name in wanted}
        settings.update(wanted)
        try:
            yield
        finally:
            settings.update(before)


def _figure(alert: Alert, alerts: list[Alert], look: Look, view: CurveView) -> Figure:
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415 - of `lab`
    except ImportError:
        raise ImportError("pictures need matplotlib: pip install 'ztfnb[lab]'") from None
    figure = Figure(figsize=(_WIDTH, _HEIGHT), dpi=100, facecolor="white", linewidth=0)
    figure.set_layout_engine("none")

    def axes_at(left: float, top: float, width: float, height: float) -> Axes:
        axes = figure.add_axes(
            (left / _WIDTH, 1 - (top + height) / _HEIGHT, width / _WIDTH, height / _HEIGHT),
            facecolor="white",
        )
        for spine in axes.spines.values():
            spine.set(color=LINE, linewidth=0.8, visible=True)
        return axes

    _write_facts(figure, alert)
    top = _TOP + _FACTS
    frames = {
        kind: axes_at(_LEFT + place * (_STAMP + _GAP), top, _STAMP, _STAMP)
        for place, kind in enumerate(KINDS)
    }
    _draw_stamps(frames, alert, look)
    top += _STAMP + _CAPTION + _LEGEND
    below = axes_at(_LEFT, top, _WIDTH - _LEFT - _RIGHT, _CURVE)
    below.spines[["top", "right"]].set_visible(False)
    if "candidate" not in alert:
        say_in(below, "light curves are drawn of ZTF's alerts only")
        return figure
    try:
        curve = photometry([*alerts, alert])
    except (DecodeError, SelectionError) as error:
        say_in(below, f"no light curve: {_plain(str(error))}")
    else:
        draw_curve(below, plot_of(curve, view), candid=alert.candid)
    return figure


# -- Facts -------------------------------------------------------------------------------------


def _write_facts(figure: Figure, alert: Alert) -> None:
    name, number, second, third = facts_of(alert)
    left, right = _LEFT / _WIDTH, 1 - _RIGHT / _WIDTH
    for x, down, words, size, colour in (
        (left, 0.2, name, 14, INK),
        (right, 0.2, number, 9, MUTED),
        (left, 0.44, second, 9, INK),
        (left, 0.63, third, 9, MUTED),
    ):
        figure.text(
            x, 1 - (_TOP + down) / _HEIGHT, words, fontsize=size, color=colour,
            fontweight="bold" if size > 9 else "normal", va="baseline",
            ha="left" if x == left else "right", **TEXT,
        )  # fmt: skip


def facts_of(alert: Alert) -> tuple[str, str, str, str]:
    """Return the object, the candid, the detection, and where it is and what is near."""
    try:
        name = alert.object_id
    except DecodeError:
        name = "object unknown"
    second = []
    if math.isfinite(alert.jd):
        try:
            second.append(f"{alert.time:%Y-%m-%d %H:%M:%S} UTC")
        except (OverflowError, ValueError):
            second.append(f"JD {alert.jd:.5f}")
    if math.isfinite(alert.mag):
        error = _number(alert, "sigmapsf")
        spread = "" if error is None else f" ± {error:.2f}"
        fainter = alert.core.get("isdiffpos") in ("f", "0", False)
        second.append(
            f"{alert.band} = {alert.mag:.2f}{spread}{' fainter than reference' if fainter else ''}"
        )
    second += [
        f"{score} = {value:.2f}"
        for score in ("rb", "drb")
        if (value := _number(alert, score)) is not None
    ]
    third = []
    if math.isfinite(alert.ra) and math.isfinite(alert.dec):
        sign = "\N{MINUS SIGN}" if alert.dec < 0 else "+"
        third.append(f"{sexagesimal(alert.ra / 15, 2, ':')} {sign}{sexagesimal(alert.dec, 1, ':')}")
    third += [near.words for near in neighbours(alert)[:1]]
    return (
        _plain(name, 40),
        f"candid {alert.candid}",
        _plain("    ".join(second)),
        _plain("    ".join(third)),
    )


def _number(alert: Alert, name: str) -> float | None:
    value = alert.core.get(name)
    if isinstance(value, int | float) and math.isfinite(value) and value > _NO_NUMBER:
        return float(value)
    return None


def _plain(words: str, longest: int = _LONGEST_WORDS) -> str:
    """Return words as they can be drawn: one line, with letters that the font has."""
    shown = "".join(letter if _is_drawable(letter) else "?" for letter in words)
    return shown if len(shown) <= longest else f"{shown[: longest - 1]}…"


def _is_drawable(letter: str) -> bool:
    return letter.isprintable() and (ord(letter) <= _LAST_LETTER or letter in _SIGNS)


# -- Stamps ------------------------------------------------------------------------------------


def _draw_stamps(frames: Mapping[Kind, Axes], alert: Alert, look: Look) -> None:
    read: dict[Kind, tuple[Floats | None, str]] = {kind: _stamp(alert, kind) for kind in KINDS}
    levels = shares({kind: pixels for kind, (pixels, _) in read.items()}, look)
    half = max((_reach(alert, kind, pixels) for kind, pixels in levels.items()), default=SIDE / 2)
    for place, kind in enumerate(KINDS):
        axes = frames[kind]
        axes.set_facecolor(_NO_PIXELS)
        if kind in levels:
            _draw_stamp(axes, alert, kind, levels[kind], look)
            axes.set_xlim(-half, half)
            axes.set_ylim(-half, half)
            if look.marks:
                _draw_marks(axes, alert, kind, half, words=place == 0)
        else:
            say_in(axes, _plain(read[kind][1]))
        axes.set_xticks([])
        axes.set_yticks([])
        axes.text(
            0.5, -0.035, kind, transform=axes.transAxes, ha="center", va="top", fontsize=9,
            color=MUTED, **TEXT,
        )  # fmt: skip


def _stamp(alert: Alert, kind: Kind) -> tuple[Floats | None, str]:
    """Return the pixels of a stamp, or why there are none."""
    try:
        pixels = cutout(alert, kind)
    except DecodeError as error:
        return None, f"damaged: {error.reason}"
    except ImportError as error:
        return None, str(error)
    if pixels is None:
        return None, "not in the packet"
    return (pixels, "") if np.isfinite(pixels).any() else (None, "no pixel has a value")


def _middle(alert: Alert, kind: Kind, pixels: NDArray[Any]) -> tuple[float, float]:
    """Return the point of a stamp that stands in the middle, counted from its corner."""
    at = detection_in(alert, kind, pixels)
    rows, columns = pixels.shape
    return (columns / 2, rows / 2) if at is None else (at[0] + 0.5, at[1] + 0.5)


def _reach(alert: Alert, kind: Kind, pixels: NDArray[Any]) -> float:
    rows, columns = pixels.shape
    x, y = _middle(alert, kind, pixels)
    return float(max(x, columns - x, y, rows - y))


def _draw_stamp(axes: Axes, alert: Alert, kind: Kind, levels: NDArray[Any], look: Look) -> None:
    from matplotlib import colormaps  # noqa: PLC0415 - of `lab`

    rows, columns = levels.shape
    x, y = _middle(alert, kind, levels)
    # As colours, and enlarged here: so viewers of PDF have nothing to smooth.
    inks = colormaps[look.cmap](np.nan_to_num(levels), bytes=True)
    inks[np.isnan(levels)] = [int(_NO_PIXELS[at : at + 2], 16) for at in (1, 3, 5)] + [255]
    axes.imshow(
        np.kron(inks, np.ones((8, 8, 1), np.uint8)), origin="upper", aspect="equal",
        interpolation="none", extent=(-x, columns - x, y - rows, y), resample=False,
    )  # fmt: skip


def _draw_marks(axes: Axes, alert: Alert, kind: Kind, half: float, *, words: bool) -> None:
    """Draw the crosshair, and on one of the stamps compass and scale."""
    near, far = 0.09 * half, 0.25 * half
    _stroke(axes, [near, far], [0, 0])
    _stroke(axes, [0, 0], [near, far])
    if not words or "candidate" not in alert:
        return
    edge = 0.88 * half
    if not is_jpeg(alert, kind):
        long = 0.26 * half
        corner_x, corner_y = -edge + long + 0.08 * half, edge - long - 0.12 * half
        for x, y, letter in ((0, long, "N"), (-long, 0, "E")):
            _stroke(axes, [corner_x, corner_x + x], [corner_y, corner_y + y])
            _label(axes, corner_x + 1.32 * x, corner_y + 1.32 * y, letter)
    length = next(bar for bar in _BARS if bar / PIXEL_SCALE <= 0.55 * half)
    _stroke(axes, [edge - length / PIXEL_SCALE, edge], [-edge, -edge])
    _label(axes, edge - length / PIXEL_SCALE / 2, -edge + 0.1 * half, f"{length}″")


def _stroke(axes: Axes, x: list[float], y: list[float]) -> None:
    """Draw a line that shows on light and dark."""
    for colour, width in ((_SHADE, 3.0), (_MARK, 1.2)):
        axes.plot(
            x, y, color=colour, linewidth=width, linestyle="-", marker="none",
            solid_capstyle="round", alpha=0.7 if colour == _SHADE else 1.0, zorder=4,
        )  # fmt: skip


def _label(axes: Axes, x: float, y: float, words: str) -> None:
    from matplotlib.patheffects import withStroke  # noqa: PLC0415 - of `lab`

    axes.text(
        x, y, words, color=_MARK, fontsize=8, ha="center", va="center", zorder=5,
        path_effects=[withStroke(linewidth=2.2, foreground=(0, 0, 0, 0.7))], **TEXT,
    )  # fmt: skip
