"""The topics that a worker writes to: made where they are missing, before anything is read."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping

from ztfnb.errors import ConfigError, SourceError, WorkerError
from ztfnb.export.worker.reader import GroupReader
from ztfnb.export.worker.route import Route
from ztfnb.export.worker.settings import WorkerSettings
from ztfnb.export.worker.writer import Writer
from ztfnb.kafka_sink import create_topics
from ztfnb.nightly import PARTITIONS

_GIVE_UP = 30.0
"""How long a broker that answers may refuse to have a topic [s]."""


class Output:
    """What a worker writes to.

    Parameters
    ----------
    route, settings, environ
        As the worker has them.
    writer
        Opened here.

    Attributes
    ----------
    trouble
        Why the output is not ready yet, in plain words.
    """

    def __init__(
        self,
        route: Route,
        writer: Writer,
        settings: WorkerSettings,
        environ: Mapping[str, str] | None,
    ) -> None:
        self.trouble = ""
        self._route = route
        self._writer = writer
        self._settings = settings
        self._environ = environ
        self._refused_since = math.nan

    def prepare(self, reader: GroupReader) -> bool:
        """Return whether everything is there to be written to; False where it cannot be reached.

        Topics that are missing get as many partitions as what is read has.

        Raises
        ------
        WorkerError
            If the broker refuses, also after a while.
        ConfigError
            If source and output turn out to be one topic of one cluster.
        """
        try:
            return self._prepare(reader)
        except ConfigError:
            raise
        except SourceError as error:
            self.trouble = str(error)
        now = time.monotonic()
        if math.isnan(self._refused_since):
            self._refused_since = now
        if now - self._refused_since > _GIVE_UP:
            raise WorkerError(self.trouble)
        return False

    def _prepare(self, reader: GroupReader) -> bool:
        if not self._writer.opened:
            self._writer.open()
        cluster = self._writer.cluster()
        if not cluster:
            self._writer.serve()
            trouble = self._writer.health.newest()
            self.trouble = trouble.text
            if trouble.final:
                raise WorkerError(trouble.text)
            return False
        self._route.refuse_loops(same_cluster=cluster == reader.cluster())
        create_topics(
            self._route.target,
            self._route.written,
            partitions=reader.watch.partition_count or PARTITIONS,
            settings=self._settings.kafka,
            insecure=self._settings.insecure,
            environ=self._environ,
        )
        self.trouble = ""
        return True
