"""The packets that a report was made of, each with what the notebook decided on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ztfnb.alert import Alert
from ztfnb.codec import decode
from ztfnb.errors import ExportError, ZtfnbError
from ztfnb.export.decisions import Decision
from ztfnb.filters.arrivals import Arrivals
from ztfnb.filters.decision import Verdict
from ztfnb.filters.evaluate import is_stateful
from ztfnb.filters.past import HISTORIES, PastAlert
from ztfnb.filters.pinned_packet import packet_of
from ztfnb.filters.report import Report

Lost = Callable[[int, ZtfnbError], object]


def packets_of(
    report: Report, *, places: Sequence[int] | None = None, lost: Lost | None = None
) -> Iterator[tuple[bytes, Decision]]:
    """Yield the packet of each alert of a report, with the notebook's decision on it.

    Packets come byte for byte as they were received; from memory, or again from the stream's
    source or the files. Those of a filter that keeps state come in the order in which it judged
    them, all others as they are found quickest. The packet of a dictionary is written by its
    schema.

    Of a report ``as_of`` a moment come the alerts as they were then, since on those it decided: the
    packet itself where its history ends there anyway, as it does when it is first sent; else one
    that is written anew with the shorter history, and the same schema.

    Parameters
    ----------
    report
        An evaluation. What could not be read as an alert (`Report.not_read`) had no verdict, and
        is not here.
    places
        Which alerts, by their places in the sample; all where None.
    lost
        Called with the candid of each alert whose packet cannot be had any more, and the reason.

    Raises
    ------
    ExportError
        If a packet cannot be had and ``lost`` is None, or none can be written of an alert.
    """
    verdicts = report.judgement.verdict
    candids = report.candid.tolist()
    # What becomes of an alert may depend on those before.
    in_order = is_stateful(report.filter)
    asked = range(len(report)) if places is None else places
    for place, alert in report.sample.whole(asked, in_order=in_order):
        candid = candids[place]
        if isinstance(alert, ZtfnbError):
            if lost is None:
                raise ExportError(
                    f"the packet of {candid} cannot be read again, to prove the decision on it: "
                    f"{alert}; evaluate on what is still held, or on files"
                )
            lost(candid, alert)
            continue
        failure = report.judgement.failures.get(place)
        decision = Decision(
            candid,
            Verdict(verdicts[place]),
            report.judgement.notes.get(place, {}),
            "" if failure is None else str(failure),
        )
        yield _packet(candid, alert, cut=isinstance(report.sample, Arrivals)), decision


def _packet(candid: int, alert: Mapping[str, Any], *, cut: bool) -> bytes:
    try:
        if cut and isinstance(alert, PastAlert):
            return _past_packet(alert)
        return packet_of(alert)
    except ZtfnbError as error:
        raise ExportError(
            f"no packet can be made of {candid}, to prove the decision on it: {error}; evaluate "
            f"on packets{' without as_of' if cut else ''}: a stream, files, or what ztfnb.decode "
            "gives"
        ) from None


def _past_packet(alert: PastAlert) -> bytes:
    """Return the packet of an alert whose history may have been cut."""
    whole = decode(alert.raw)
    if all(_length(alert, name) == _length(whole, name) for name in HISTORIES):
        return alert.raw
    return packet_of(alert.as_dict())


def _length(alert: Alert, name: str) -> int:
    return len(alert.get(name) or ())
