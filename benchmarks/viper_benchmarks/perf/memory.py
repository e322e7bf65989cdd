"""The memory of a process."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["rss_mb"]


def rss_mb(pid: int | None = None) -> float:
    """Return the resident memory of a process, by default this one, in MB; Linux only."""
    pages = int(Path(f"/proc/{pid or 'self'}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
