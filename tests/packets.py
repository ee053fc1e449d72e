"""Where the real alert packets lie, for the tests that read them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ALERTS = Path(
    os.environ.get("ZTFNB_ALERTS") or Path(__file__).parents[2] / "shared" / "alerts"
).resolve()

needs_real_packets = pytest.mark.skipif(
    not ALERTS.is_dir(),
    reason="no real ZTF packets here: set ZTFNB_ALERTS to a folder that holds some",
)


def real_files(pattern: str) -> list[Path]:
    """Real packet files whose path below the alerts folder matches a glob; [] where absent."""
    return sorted(ALERTS.glob(pattern)) if ALERTS.is_dir() else []
