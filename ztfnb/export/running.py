"""From the notebook: exported filters, or one that is not yet, at work on topics."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ztfnb.export.addresses import address_of, creator_of, target_of
from ztfnb.export.background import BackgroundWorker

if TYPE_CHECKING:
    from ztfnb.filters.filter import Filter
    from ztfnb.kafka_config import Settings
    from ztfnb.stream import Stream


def run_worker(
    bundles: str | Path | Sequence[str | Path],
    *,
    source: str | Stream,
    to: str,
    name: str | None = None,
    settings: Settings | None = None,
    insecure: bool = False,
    **options: Any,
) -> BackgroundWorker:
    """Run exported filters from topic to topic, in the background, and return at once.

    The same worker as in a container. It ends with this program, by `BackgroundWorker.stop`, or
    when the cell is run again.

    Parameters
    ----------
    bundles
        The folder that ``f.export(folder)`` wrote; several run in one process.
    source
        ``"kafka://HOST:PORT/TOPIC"``, or a stream that reads Kafka: its topics are read, by the
        worker's own group.
    to
        ``"kafka://HOST:PORT/TOPIC"``, or the name of a topic beside the source. ``{filter}`` in
        it stands for the name of each filter.
    name
        What to call it; by default its filters and output. Another of this name is stopped.
    settings, insecure
        As `ztfnb.connect` takes them; those of the stream where ``source`` is one.
    options
        As `ztfnb.export.worker.settings.WorkerSettings` names them: ``start`` (``"latest"`` or
        ``"beginning"``, where the group is new), ``group``, ``dead_letters``,
        ``until_caught_up``, ``transactional``, ``batch``, ``seconds``, ``memory``, ``strict``,
        ``port``, ``params`` (thresholds by name), ...

    Raises
    ------
    ConfigError
        If an option is wrong, or the stream reads no Kafka.
    ExportError
        If a bundle is none.

    Examples
    --------
    >>> worker = run_worker("young/", source="kafka://127.0.0.1:9092/night", to="young")
    >>> worker.wait("caught up").numbers.received
    1200
    >>> worker.connect().latest(3)
    """
    folders = [bundles] if isinstance(bundles, str | Path) else list(bundles)
    given = _given(folders, source, to, settings, insecure=insecure) | options
    return BackgroundWorker(given, name=name, create=creator_of(source))


def run_filter(
    made: Filter,
    source: str | Stream,
    to: str,
    *,
    verify: Any = None,
    name: str | None = None,
    settings: Settings | None = None,
    insecure: bool = False,
    **options: Any,
) -> BackgroundWorker:
    """Run a filter from topic to topic, in the background: `Filter.run`.

    It is exported to a folder of its own first, and proven; that goes when the worker has ended.

    Parameters
    ----------
    made
        The filter.
    verify
        What it is proven on: see `ztfnb.export.bundling.export`.
    source, to, name, settings, insecure, options
        As `run_worker` takes them.

    Raises
    ------
    ExportError
        If it cannot be exported.
    ConfigError
        As `run_worker`.
    """
    from ztfnb.export.bundling import export  # noqa: PLC0415 - run_worker needs none of it

    outside = Path(tempfile.mkdtemp(prefix="ztfnb-"))
    remove = partial(shutil.rmtree, outside, ignore_errors=True)
    folder = outside / made.name
    try:
        given = _given([folder], source, to, settings, insecure=insecure) | options
        export(made, folder, verify=verify)
        return BackgroundWorker(given, name=name, create=creator_of(source), on_close=remove)
    except BaseException:
        remove()
        raise


def _given(
    folders: Sequence[str | Path],
    source: str | Stream,
    to: str,
    settings: Settings | None,
    *,
    insecure: bool,
) -> dict[str, Any]:
    """Return options as a worker's process takes them."""
    address, known, careless = address_of(source)
    return {
        "bundles": [str(Path(folder).expanduser().absolute()) for folder in folders],
        "source": address,
        "output": target_of(to, address),
        "kafka": {**known, **(settings or {})},
        "insecure": insecure or careless,
    }
