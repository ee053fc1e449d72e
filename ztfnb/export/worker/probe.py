"""Ask the worker of this container whether it is well: ``python -m ztfnb.export.worker.probe``.

For a HEALTHCHECK, in an image that has neither a shell nor curl. Exits with 0 if the worker says
so, with 1 otherwise, and says why.
"""

from __future__ import annotations

import http.client
import os
import sys
from collections.abc import Mapping, Sequence
from http import HTTPStatus

_PATIENCE = 4.0
"""How long the worker may take to answer [s]."""
_MOST = 1000
"""Bytes of its answer that are passed on."""
_EVERYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - asked, not opened
"""Where to ask what listens on every address."""


def ask(path: str, environ: Mapping[str, str]) -> tuple[bool, str]:
    """Return whether the worker says that all is well, and its answer or why there is none.

    Parameters
    ----------
    path
        ``/healthz`` or ``/readyz``.
    environ
        ``ZTFNB_HOST`` and ``ZTFNB_PORT`` say where the worker listens, as they told it.
    """
    host = environ.get("ZTFNB_HOST", "127.0.0.1")
    host = _EVERYWHERE.get(host, host)
    port = environ.get("ZTFNB_PORT", "")
    if not port.isdecimal():
        return False, f"expected the worker's port in ZTFNB_PORT, got {port!r}"
    connection = http.client.HTTPConnection(host, int(port), timeout=_PATIENCE)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        text = answer.read(_MOST).decode("utf-8", "replace").strip()
    except (OSError, OverflowError, http.client.HTTPException) as error:
        return False, f"no answer from port {port} of {host}: {type(error).__name__}: {error}"
    finally:
        connection.close()
    return answer.status == HTTPStatus.OK, text


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Ask, pass the answer on, and return the exit code.

    Parameters
    ----------
    arguments
        ``--ready`` to ask whether it takes part in the work, not only whether it is alive.
    """
    if set(arguments) - {"--ready"}:
        sys.stderr.write("usage: python -m ztfnb.export.worker.probe [--ready]\n")
        return 1
    well, text = ask("/readyz" if arguments else "/healthz", environ)
    (sys.stdout if well else sys.stderr).write(f"{text}\n")
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
