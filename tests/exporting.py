"""A filter as a notebook has it: with a helper, a constant, a data file and a setup."""

from __future__ import annotations

from pathlib import Path

from cells import Notebook
from made import made_packet

import ztfnb
from ztfnb.codec import encode
from ztfnb.filters.filter import Filter

BRIGHT = '''
    import json
    import ztfnb

    BANDS = {1: "g", 2: "r", 3: "i"}

    def load(levels):
        """Read how bright an alert must be, by band."""
        return json.loads(levels.read_text())

    def brighter(candidate, limits):
        return candidate["magpsf"] < limits[BANDS[candidate["fid"]]]

    @ztfnb.filter(files={"levels": "levels.json"}, setup=load)
    def bright(alert, *, limits, rb_min: (0, 1) = 0.5):
        """Bright in its band, and real.

        Each band has a level of its own.
        """
        candidate = alert["candidate"]
        if candidate["rb"] < rb_min:
            return False
        return brighter(candidate, limits) and {"mag": candidate["magpsf"]}
    '''


def bright(folder: Path) -> Filter:
    """The filter, of a notebook in a folder, which is the working directory."""
    (folder / "levels.json").write_text('{"g": 19.0, "r": 18.0, "i": 17.0}')
    made: Filter = Notebook().run(BRIGHT)["bright"]
    return made


def alerts() -> list[ztfnb.Alert]:
    """Some of every kind: passed, rejected by either condition, failed."""
    mags = (13.5, 17.0, 17.9, 18.1, 18.9, 19.1, 20.0, 18.5)
    packets = [made_packet(place, magpsf=mag) for place, mag in enumerate(mags, 1)]
    packets += [made_packet(9, rb=0.4), made_packet(10, rb=0.1), made_packet(11, rb=0.45)]
    packets += [encode(ztfnb.decode(made_packet(12, rb=None)).as_dict())]
    return [ztfnb.decode(packet) for packet in packets]
