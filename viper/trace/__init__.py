"""Traces: a whole run as a value, and the steps of a run while it goes on."""

from viper.trace.record import (
    TRACE_FORMAT,
    TRACE_VERSION,
    Attempt,
    CallError,
    CallRecord,
    ImageInfo,
    Trace,
    Votes,
)
from viper.trace.steps import AttemptStep, CallStep, ProgramStep, Step, Watcher, tell

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
