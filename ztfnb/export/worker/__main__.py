"""``python -m ztfnb.export.worker BUNDLE...``: a worker in a container, told by its environment."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

from ztfnb.errors import ConfigError
from ztfnb.export.worker.privacy import close_process
from ztfnb.export.worker.service import refuse, serve
from ztfnb.export.worker.settings import settings_from


def main(bundles: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run the worker; return the exit code of `ztfnb.export.worker.service.serve`."""
    try:
        settings = settings_from(environ, {"bundles": bundles})
    except ConfigError as error:
        return refuse(error)
    return serve(settings, environ=environ)


if __name__ == "__main__":
    close_process()  # here alone: a program beside which a worker runs has the same environment
    sys.exit(main(sys.argv[1:], os.environ))
