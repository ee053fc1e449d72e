"""Filters applied to a stream: every alert that it holds and every one that arrives is judged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from time import monotonic
from typing import TYPE_CHECKING, Any

from ztfnb.errors import ConfigError, FilterError
from ztfnb.filters.calls import Call
from ztfnb.filters.decision import Verdict
from ztfnb.filters.failure import Failure
from ztfnb.filters.filter import Filter
from ztfnb.filters.following import LIMIT, Following
from ztfnb.filters.newest import Newest
from ztfnb.filters.tally import Counts
from ztfnb.filters.threshold import Value

if TYPE_CHECKING:
    from ztfnb.stream import Stream


class Applied(Mapping[str, Following]):
    """Filters that judge the alerts of a stream in the background, by name. Made by `Stream.apply`.

    In a notebook it shows itself: counts, galleries and notifications, filter beside filter. It
    ends with the stream, by `stop`, or when nobody knows it any more.

    Parameters
    ----------
    stream
        The stream.
    *filters
        The filters, of different names.
    limit
        How long one may take for an alert [s]; the alert has failed if it takes longer.

    Raises
    ------
    FilterError
        If one is no filter, two have one name, or what one needs cannot be had.
    """

    def __init__(self, stream: Stream, *filters: Filter, limit: float = LIMIT) -> None:
        self._followings: dict[str, Following] = {}
        self.stream = stream
        self.limit = _limit(limit)
        self.view: Any = None
        """The widget that shows it, if it has been shown."""
        # Not one of them starts where another cannot.
        for made in _checked(filters):
            made.resources  # noqa: B018
        for made in filters:
            self._followings[made.name] = Following(made, stream, limit=self.limit)

    def __del__(self) -> None:
        for one in self._followings.values():
            one.stop(wait=False)

    def __getitem__(self, name: str) -> Following:
        try:
            return self._followings[name]
        except KeyError:
            known = ", ".join(self._followings) or "none"
            raise KeyError(
                f"no filter {str(name)[:60]!r} is applied here; there is {known}"
            ) from None

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._followings))

    def __len__(self) -> int:
        return len(self._followings)

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = object.__hash__

    # -- Of a single filter ----------------------------------------------------------------

    @property
    def counts(self) -> Counts:
        """How many alerts passed, were rejected, failed, wait, and were missed."""
        return self._only.counts

    @property
    def passed(self) -> Newest[Mapping[str, Value]]:
        """What passed, with its annotations, by candid."""
        return self._only.passed

    @property
    def failed(self) -> Newest[Failure]:
        """What failed, with the reason, by candid."""
        return self._only.failed

    def latest(self, verdict: Verdict = Verdict.PASSED, count: int = 20) -> list[int]:
        """Return the candids of the alerts of a verdict that arrived last: see `Following`."""
        return self._only.latest(verdict, count)

    def reason(self, candid: int) -> str:
        """Return in one line why an alert was rejected, or failed."""
        return self._only.reason(candid)

    def with_params(self, **params: Value) -> Applied:
        """Set thresholds otherwise: all is judged anew. Returns the same object.

        Raises
        ------
        FilterError
            If the filter has no such threshold, or a value is none that it takes.
        """
        self.replace(self._only.filter.with_params(**params))
        return self

    @property
    def _only(self) -> Following:
        if len(self) != 1:
            raise FilterError(
                f"expected one filter here, there are {len(self)}; name one of them: "
                f"applied[{next(iter(self), 'name')!r}]"
            )
        return next(iter(self._followings.values()))

    # -- Of all ----------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """Whether alerts are still judged."""
        return any(one.running for one in self.values())

    def replace(self, made: Filter) -> None:
        """Put a filter in the place of the one of its name, or beside the others.

        All is judged anew; functions that were given to `on_pass` are to be given again.
        """
        _checked([made])
        new = Following(made, self.stream, limit=self.limit)
        old = self._followings.get(made.name)
        self._followings[made.name] = new
        if old is not None:
            old.stop(wait=False)

    def drop(self, name: str) -> None:
        """Stop one filter and forget what it found."""
        old = self._followings.pop(name, None)
        if old is not None:
            old.stop(wait=False)

    def on_pass(self, function: Call, *, held: bool = False) -> None:
        """Have a function called with a list of candids that pass: see `Following.on_pass`."""
        for one in self.values():
            one.on_pass(function, held=held)

    def wait(self, timeout: float | None = 60.0) -> Applied:
        """Block the caller until every alert that has arrived is judged; return the object.

        Raises
        ------
        TimeoutError
            If that takes longer [s]; None for ever.
        """
        end = None if timeout is None else monotonic() + timeout
        for one in self.values():
            one.wait(None if end is None else max(0.0, end - monotonic()))
        return self

    def stop(self) -> None:
        """Judge no more. What is known stays; a second call does nothing."""
        for one in self.values():
            one.stop(wait=False)
        for one in self.values():
            one.stop()
        _forget(self.stream, self)

    def __repr__(self) -> str:
        told = "; ".join(f"{name}: {one.counts}" for name, one in self.items())
        return f"<Applied to {self.stream.name}: {told or 'nothing any more'}>"

    def _repr_mimebundle_(self, **options: Any) -> Any:
        try:
            from ztfnb.widgets import AppliedView  # noqa: PLC0415 - the core needs no notebook
        except ImportError:
            return {"text/plain": repr(self)}
        if self.view is None or self.view.comm is None:
            self.view = AppliedView(self)
        return self.view._repr_mimebundle_(**options)


def apply(stream: Stream, *filters: Filter, limit: float = LIMIT) -> Applied:
    """Apply filters to a stream; those of the same names that were applied before end.

    See `Applied`.
    """
    made = Applied(stream, *filters, limit=limit)
    for old in stream._applied:  # noqa: SLF001 - kept there for us
        for name in made:
            old.drop(name)
        if not old:
            _forget(stream, old)
            if old.view is not None:
                old.view.close()
    stream._applied += (made,)  # noqa: SLF001
    return made


def _forget(stream: Stream, one: Applied) -> None:
    kept = tuple(other for other in stream._applied if other is not one)  # noqa: SLF001
    stream._applied = kept  # noqa: SLF001


def _checked(filters: Any) -> Any:
    for made in filters:
        if not isinstance(made, Filter):
            what = getattr(made, "__name__", type(made).__name__)
            raise FilterError(
                f"apply: expected filters, got {what}; write @ztfnb.filter above a function"
            )
    names = [made.name for made in filters]
    twice = next((name for name in names if names.count(name) > 1), None)
    if not names or twice is not None:
        got = f"two called {twice}" if names else "none"
        raise FilterError(f"apply: expected filters of different names, got {got}")
    return filters


def _limit(limit: Any) -> float:
    if isinstance(limit, bool) or not isinstance(limit, int | float) or not limit > 0:
        raise ConfigError(f"limit: expected seconds for one alert, above 0, got {limit!r}")
    return float(limit)
