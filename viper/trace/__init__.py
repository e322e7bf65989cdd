"""Traces: a whole run as a value."""

from viper.trace.record import TRACE_VERSION, Attempt, CallRecord, ImageInfo, Trace, Votes

__all__ = ["TRACE_VERSION", "Attempt", "CallRecord", "ImageInfo", "Trace", "Votes"]
