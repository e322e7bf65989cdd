"""Recorded runs, run again: `replay` without any model, `run_changed` with models for what is new.

trace file ─ trace/read.py ─→ Trace ─→ again.py     the same programs; each call from the record, in order
                                └────→ changed.py   another program; recorded calls in any order, models
                                                    for the rest
recorded.py holds the calls by what was asked; values.py makes patches of JSON again.
"""

from viper.replay.again import Replayed, replay
from viper.trace.differences import Difference, differences

__all__ = ["Difference", "Replayed", "differences", "replay"]
