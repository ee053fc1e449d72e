"""Every error that ztfnb raises on purpose.

::

    ZtfnbError
    ├── DecodeError        bytes that are not the alert, stamp or file they claim to be
    ├── EncodeError        a value that the alert schema cannot hold
    ├── SourceError        a place that alerts come from cannot be opened or read
    │   ├── ConfigError    settings that are wrong, incomplete or refused for safety
    │   ├── NotHeldError   a packet or candid that is not, or no longer, there
    │   └── DeliveryError  packets that a sink could not confirm
    ├── BrokerError        a local broker that cannot be started or stopped
    ├── StreamClosedError  a stream used after it was stopped, or in a forked process
    ├── FilterError        a function that cannot be a filter, or what it may not return
    ├── ExportError        a filter that cannot be exported, or a bundle that is not whole
    ├── WorkerError        a worker that cannot go on
    └── SelectionError     an expression over alert fields that cannot be evaluated

A message says what was expected, what came, and what to do about it.
"""

from __future__ import annotations

_SHOWN = 120
"""Characters of an expression in a message."""


class ZtfnbError(Exception):
    """Base of every error that ztfnb raises on purpose."""


class DecodeError(ZtfnbError):
    """Bytes that are not the alert, stamp or file they claim to be.

    Parameters
    ----------
    reason
        What was expected and what came.
    where
        The place inside the data: a field path, a file or archive member.
    offset
        Byte offset at which decoding stopped, where it is known.
    """

    def __init__(self, reason: str, *, where: str = "", offset: int | None = None) -> None:
        self.reason = reason
        self.where = where
        self.offset = offset
        place = where
        if offset is not None:
            place = f"{where}, byte {offset:,}" if where else f"byte {offset:,}"
        super().__init__(f"{place}: {reason}" if place else reason)

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild_decode_error, (self.reason, self.where, self.offset)

    def inside(self, outer: str) -> DecodeError:
        """Return the same error placed inside ``outer`` (a file, a member, a topic)."""
        where = f"{outer}: {self.where}" if self.where else outer
        return DecodeError(self.reason, where=where, offset=self.offset)


def _rebuild_decode_error(reason: str, where: str, offset: int | None) -> DecodeError:
    return DecodeError(reason, where=where, offset=offset)


class DecodeWarning(UserWarning):
    """An alert was read, but its bytes hold something more that was passed over."""


class EncodeError(ZtfnbError):
    """A value that the alert schema cannot hold."""


class SourceError(ZtfnbError):
    """A place that alerts come from, or go to, cannot be opened, read or written."""


class ConfigError(SourceError):
    """Settings that are wrong, incomplete or refused for safety."""


class NotHeldError(SourceError, KeyError):
    """A packet or candid that is not, or no longer, held where it was asked for."""

    def __str__(self) -> str:
        # KeyError would show the message in quotes.
        return str(self.args[0]) if self.args else ""


class DeliveryError(SourceError):
    """Packets that a sink could not confirm; nothing after them may be taken as written."""


class BrokerError(ZtfnbError):
    """A local broker that cannot be started, reached or stopped."""


class StreamClosedError(ZtfnbError):
    """A stream that was stopped, or that belongs to the parent of a forked process."""


class FilterError(ZtfnbError):
    """A function that cannot be a filter, a threshold it has not, a value it may not return."""


class ExportError(ZtfnbError):
    """A filter that cannot be exported as it is, or a bundle that is not what was exported.

    Parameters
    ----------
    reason
        What was expected, what came, and what to do.
    differences
        Alerts on which notebook and bundle decide otherwise: see `ztfnb.export.proof.Difference`.
    """

    def __init__(self, reason: str, *, differences: tuple[object, ...] = ()) -> None:
        self.differences = differences
        super().__init__(reason)


class WorkerError(ZtfnbError):
    """A worker that cannot begin, or cannot go on without losing alerts."""


class FilterWarning(UserWarning):
    """Something in the source of a filter that may be wrong."""


class SelectionError(ZtfnbError):
    """An expression over alert fields that cannot be evaluated.

    Parameters
    ----------
    reason
        What was expected and what came.
    text
        The expression.
    position, length
        The wrong piece of it: its first character, counted from 1, and how many they are; None
        where it is not known.
    close
        What could stand there instead.
    """

    def __init__(
        self,
        reason: str,
        *,
        text: str = "",
        position: int | None = None,
        length: int = 1,
        close: tuple[str, ...] = (),
    ) -> None:
        self.reason = reason
        self.text = text
        self.position = position
        self.length = length
        self.close = close
        place = "" if position is None else f"position {position}: "
        shown = text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
        super().__init__(f"{place}{reason}{f': {shown!r}' if text else ''}")
