"""Traces: a whole run as a value, and the steps of a run while it goes on."""

from viper.trace.record import TRACE_FORMAT, TRACE_VERSION, ImageInfo, Trace
from viper.trace.steps import AttemptStep, CallStep, ProgramStep, Step, Watcher, tell
from viper.trace.turns import Attempt, CallError, CallRecord, Votes

__all__ = [
    "TRACE_FORMAT",
    "TRACE_VERSION",
    "Attempt",
    "AttemptStep",
    "CallError",
    "CallRecord",
    "CallStep",
    "ImageInfo",
    "ProgramStep",
    "Step",
    "Trace",
    "Votes",
    "Watcher",
    "tell",
]
