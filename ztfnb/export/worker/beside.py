"""``python -m ztfnb.export.worker.beside``: a worker beside the program that started it.

The first line on its standard input is a JSON object of options, as
`ztfnb.export.worker.settings.settings_from` takes them; secrets come by the environment. Each line
on its standard output is a JSON object: ``port`` once, then ``numbers`` twice a second and at the
end. Standard error is its log. When its standard input closes, or whoever started it is gone, it
ends in good order: so it never outlives a notebook's kernel.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from contextlib import suppress
from typing import Any

from ztfnb.errors import ConfigError
from ztfnb.export.worker.numbers import WorkerNumbers
from ztfnb.export.worker.service import refuse, serve
from ztfnb.export.worker.settings import KAFKA, settings_from
from ztfnb.export.worker.told import as_json


def main() -> int:
    """Run the worker; return the exit code of `ztfnb.export.worker.service.serve`."""
    stop = threading.Event()
    parent = os.getppid()
    line = sys.stdin.readline()
    # Only what belongs to Kafka: the rest of the environment is another worker's business.
    environ = {name: text for name, text in os.environ.items() if name.startswith(KAFKA)}
    try:
        settings = settings_from(environ, json.loads(line))
    except (ConfigError, ValueError) as error:
        return refuse(error if isinstance(error, ConfigError) else ConfigError(f"options: {error}"))
    threading.Thread(target=_await_end, args=(stop,), name="ztfnb parent", daemon=True).start()

    def look(numbers: WorkerNumbers) -> None:
        if os.getppid() != parent:
            stop.set()  # where a copy of the parent still holds the other end
        _say(numbers=as_json(numbers))

    return serve(settings, stop=stop, began=lambda port: _say(port=port), look=look)


def _await_end(stop: threading.Event) -> None:
    # Not by way of sys.stdin: whoever waits in that holds a lock that the end of Python needs.
    while os.read(sys.stdin.fileno(), 1024):
        pass
    stop.set()


def _say(**told: Any) -> None:
    with suppress(OSError):  # nobody reads it any more
        print(json.dumps(told), flush=True)  # noqa: T201 - this is what it is for


if __name__ == "__main__":
    sys.exit(main())
