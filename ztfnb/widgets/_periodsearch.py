"""Looking for periods beside the page's messages: in a thread, the latest search wins."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from ztfnb.errors import ZtfnbError
from ztfnb.lightcurve import LightCurve
from ztfnb.periodogram import Peak, periodogram

_PAUSE = 0.2
"""Time between words on how far a search is [s]."""


@dataclass(frozen=True, slots=True)
class Search:
    """How far the search for an object's periods is, and what it found."""

    object_id: str = ""
    text: str = ""
    busy: bool = False
    peaks: tuple[Peak, ...] = ()


class _SupersededError(Exception):
    """Nobody waits for this search any more."""


class PeriodSearch:
    """Searches light curves for periods, one at a time.

    Parameters
    ----------
    publish
        Called with news from the search's thread, only as long as it is the latest one.
    """

    def __init__(self, publish: Callable[[Search], None]) -> None:
        self._publish = publish
        self._latest = 0

    def start(self, curve: LightCurve) -> None:
        """Search a light curve, in place of any other."""
        self.cancel()
        threading.Thread(
            target=self._run, args=(curve, self._latest), name="ztfnb periods", daemon=True
        ).start()

    def cancel(self) -> None:
        """Let go of a search that is under way."""
        self._latest += 1

    def _run(self, curve: LightCurve, number: int) -> None:
        told = 0.0
        name = curve.object_id

        def progress(done: float) -> None:
            nonlocal told
            if number != self._latest:
                raise _SupersededError
            if time.monotonic() - told > _PAUSE:
                told = time.monotonic()
                self._publish(Search(name, f"Searching, {100 * done:.0f} %", busy=True))

        try:
            found = periodogram(curve, progress=progress)
            news = Search(name, f"Of {found.points} fluxes:", peaks=found.peaks)
        except _SupersededError:
            return
        except (ZtfnbError, ImportError) as error:
            news = Search(name, f"No period: {error}")
        except Exception as error:  # noqa: BLE001 - shown, since a thread's are seen by no one
            news = Search(name, f"The search failed: {error}")
        if number == self._latest:
            self._publish(news)
