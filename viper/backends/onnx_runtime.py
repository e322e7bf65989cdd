"""onnxruntime without its usage events.

It would send them, and keep a device number and a database below the home folder, from its first session on.
Whoever sets the variable keeps the choice.
"""

from __future__ import annotations

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime  # it reads the variable

__all__ = ["onnxruntime"]
