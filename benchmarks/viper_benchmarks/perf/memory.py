"""The memory of this process."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["rss_mb"]


def rss_mb() -> float:
    """Return the resident memory of this process in MB; Linux only."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
