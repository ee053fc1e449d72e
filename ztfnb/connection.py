"""One call from a name to a running stream: `ztfnb.connect`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from ztfnb.archive import ArchiveSource
from ztfnb.completing import offer_fields
from ztfnb.demo import Demo
from ztfnb.errors import ConfigError
from ztfnb.kafka import KafkaSource
from ztfnb.kafka_config import Settings
from ztfnb.nightly import NightlyTopics
from ztfnb.profiles import Profile, profile, profile_names
from ztfnb.source import BEGINNING, END, Source, Start, parse_start
from ztfnb.store import DEFAULT_BUDGET, Store
from ztfnb.stream import Stream, stop_stream

_MEGABYTE = 1024 * 1024
_DEMO_MEMORY = 200 * _MEGABYTE
"""A laptop's or a Binder pod's share; it holds some 200,000 alerts."""


def connect(
    target: str | Path | Source = "demo",
    *,
    start: str | float | datetime | Mapping[int, int] | Start | None = None,
    name: str | None = None,
    memory: int | None = None,
    settings: Settings | None = None,
    insecure: bool = False,
) -> Stream:
    """Open a stream of alerts and return it running.

    Reading happens in a background thread from now on. Opening a stream of the same name again,
    as a cell that is run anew does, stops the one before.

    Parameters
    ----------
    target
        - ``"demo"``: a simulated night from an embedded broker, without network or password;
        - a Kafka address, ``"kafka://host:9092/topic"``: several topics with commas between
          them, or nightly ones as ``"kafka://host:9092/ztf_{date}_programid1?nights=2"``;
        - the name of a profile (see `ztfnb.profiles`);
        - the path of an ``.avro`` file, a folder of them, or a nightly ``.tar.gz``;
        - any `ztfnb.source.Source`.
    start
        Where to begin: ``"beginning"``, ``"latest"``, an ISO time, ``{partition: offset}``. By
        default the latest of Kafka, and the beginning of everything else.
    name
        What to call the stream; its target by default.
    memory
        How much memory the alerts held may take [MB]; 200 for the demo, else enough for a night.
    settings
        More settings for the Kafka client, as librdkafka names them. Only Kafka has any.
    insecure
        Allow a connection without encryption to another machine.

    Raises
    ------
    ConfigError
        If the target is none of these, or its settings are wrong or unsafe.

    Examples
    --------
    >>> live = connect("demo").wait(alerts=1)
    >>> live.latest(1)
    [<Alert ZTF...>]
    >>> live.stop()
    """
    title = name or (target.name if isinstance(target, Source) else str(target))
    begin = None if start is None else parse_start(start)
    offer_fields()
    budget = _DEMO_MEMORY if target == "demo" else DEFAULT_BUDGET
    store = Store(budget if memory is None else memory * _MEGABYTE)
    if target == "demo":
        _refuse_kafka_options("demo", settings, insecure=insecure)
        # Before its successor starts: two would share the machine for a while.
        stop_stream(title)
        return _demo(store, title, begin or BEGINNING)
    opened = _open(target, begin, settings, insecure=insecure)
    return Stream(opened, store=store, name=title)


def _demo(store: Store, title: str, start: Start) -> Stream:
    demo = Demo()
    demo.start()
    try:
        source = KafkaSource(
            demo.bootstrap, demo.topic, start=start, memory="small", scan_times=True
        )
        return Stream(source, store=store, name=title, pace=demo, on_close=demo.close)
    except BaseException:
        demo.close()
        raise


def _refuse_kafka_options(target: str, settings: Settings | None, *, insecure: bool) -> None:
    """Refuse what would have no effect, rather than let somebody believe that it has one."""
    given = ["settings"] * bool(settings) + ["insecure"] * insecure
    if given:
        raise ConfigError(
            f"{' and '.join(given)}: only a Kafka address or profile takes this, got "
            f"{target!r}; leave it out"
        )


def _open(
    target: str | Path | Source, start: Start | None, settings: Settings | None, *, insecure: bool
) -> Source:
    if isinstance(target, str) and target.startswith("kafka://"):
        servers, topics = _parse_address(target)
        return KafkaSource(
            servers, topics, start=start or END, settings=settings, insecure=insecure
        )
    if isinstance(target, str) and target in profile_names():
        return _from_profile(profile(target), start, settings, insecure=insecure)
    source = target if isinstance(target, Source) else _archive(target)
    _refuse_kafka_options(source.name, settings, insecure=insecure)
    if start is not None:
        source.seek(start)
    return source


def _archive(target: str | Path) -> Source:
    path = Path(target).expanduser()
    if not path.exists():
        known = ", ".join(profile_names()) or "none yet"
        raise ConfigError(
            f"cannot connect to {str(target)!r}: expected 'demo', 'kafka://host:9092/topic', the "
            f"name of a profile (there: {known}) or the path of an archive file or folder"
        )
    return ArchiveSource(path)


def _parse_address(address: str) -> tuple[str, str | list[str] | NightlyTopics]:
    parts = urlsplit(address)
    topics = [topic for topic in unquote(parts.path).strip("/").split(",") if topic]
    if not parts.netloc or not topics or parts.username is not None:
        raise ConfigError(
            f"expected kafka://host:9092/topic, got {parts.scheme}://{parts.hostname or ''}"
            f"{parts.path}; a user name and password belong in a profile or the environment"
        )
    if len(topics) == 1 and "{date}" in topics[0]:
        nights = parse_qs(parts.query).get("nights", ["2"])[0]
        if not nights.isdecimal() or int(nights) < 1:
            raise ConfigError(f"nights: expected a number from 1, got {nights!r}")
        return parts.netloc, NightlyTopics(nights=int(nights), template=topics[0])
    return parts.netloc, topics


def _from_profile(
    chosen: Profile, start: Start | None, settings: Settings | None, *, insecure: bool
) -> Source:
    topics: str | list[str] | NightlyTopics
    if isinstance(chosen.topics, str) and "{date}" in chosen.topics:
        topics = NightlyTopics(chosen.programids, chosen.nights, chosen.topics)
    else:
        topics = [chosen.topics] if isinstance(chosen.topics, str) else list(chosen.topics)
    return KafkaSource(
        chosen.bootstrap,
        topics,
        start=start or parse_start(chosen.start),
        settings={**chosen.settings, **(settings or {})},
        insecure=insecure or chosen.insecure,
    )
