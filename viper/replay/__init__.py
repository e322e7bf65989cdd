"""Replays of recorded runs: `replay` without any model, `run_changed` with models for new calls.

trace file ─ trace/read.py ─→ Trace ─→ again.py     the same programs; each call from the record, in order
                                └────→ changed.py   another program; recorded calls in any order, models
                                                    for the rest
recorded.py answers calls from the record; values.py reads its JSON values.
"""

from viper.replay.again import Replayed, replay
from viper.trace.differences import Difference, differences

__all__ = ["Difference", "Replayed", "differences", "replay"]
