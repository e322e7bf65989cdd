"""Reads pickles of plain containers only, and rejects all others.

Unpickling executes the instructions of the file. They are therefore checked first, without executing them: an
instruction that would import, call or build something is an error that names it. The remaining ones can only
make dicts, lists, tuples, texts, numbers, booleans and None.
"""

from __future__ import annotations

import io
import pickle
import pickletools
from pathlib import Path
from typing import Any

from viper.errors import InputError
from viper.storage.files import read_regular_file

__all__ = ["read_plain_pickle"]

# The largest of the RefCOCO family has about 40 MB.
_MAX_BYTES = 1 << 29

_PLAIN = frozenset(
    "PROTO FRAME STOP MARK "
    "NONE NEWTRUE NEWFALSE INT BININT BININT1 BININT2 LONG LONG1 LONG4 FLOAT BINFLOAT "
    "STRING BINSTRING SHORT_BINSTRING UNICODE BINUNICODE SHORT_BINUNICODE BINUNICODE8 "
    "BINBYTES SHORT_BINBYTES BINBYTES8 "
    "EMPTY_LIST LIST APPEND APPENDS EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 "
    "EMPTY_DICT DICT SETITEM SETITEMS "
    "GET BINGET LONG_BINGET PUT BINPUT LONG_BINPUT MEMOIZE".split()
)
_NUMBERED = frozenset("PUT BINPUT LONG_BINPUT".split())
_TEXTS = frozenset("UNICODE BINUNICODE SHORT_BINUNICODE BINUNICODE8 STRING SHORT_BINSTRING".split())


def read_plain_pickle(path: Path) -> Any:
    """Return the content of a pickle of plain containers; texts of Python 2 are read as UTF-8.

    Raises:
        InputError: The file is missing, damaged, or contains other instructions.
    """
    content = read_regular_file(str(path), max_bytes=_MAX_BYTES, what="pickle")
    _check(content, path.name)
    unpickler = _Plain(io.BytesIO(content), encoding="utf-8", errors="replace")
    try:
        return unpickler.load()
    except InputError:
        raise
    except Exception as error:  # instructions that do not fit together raise anything
        raise InputError(
            f"{path.name} is a damaged pickle ({type(error).__name__}: {str(error)[:120]}). "
            "Download it again."
        ) from error


class _Plain(pickle.Unpickler):
    """Second line of defense: even an overlooked instruction can import nothing."""

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        raise _refusal("The pickle", f"imports {module_name}.{global_name}")

    def persistent_load(self, pid: Any, /) -> Any:
        raise _refusal("The pickle", f"refers to an object {pid!r} outside of it")


def _check(content: bytes, name: str) -> None:
    """Reject instructions that are not plain, and memo numbers that would exhaust the memory."""
    texts: list[str] = []
    try:
        for instruction, argument, _ in pickletools.genops(content):
            code = instruction.name
            if code in _TEXTS:
                texts = [*texts[-1:], str(argument)]
            if code not in _PLAIN:
                raise _refusal(name, _requested(code, argument, texts))
            # The unpickler would make a table as long as the largest number.
            if code in _NUMBERED and int(argument or 0) > len(content):
                raise _refusal(name, f"numbers an object {argument} and would fill the memory")
    except InputError:
        raise
    except Exception as error:  # genops raises several kinds for damaged files
        raise InputError(
            f"{name} is not a pickle, or a damaged one ({str(error)[:120]}). Download it again."
        ) from error


def _requested(code: str, argument: Any, texts: list[str]) -> str:
    if code in ("GLOBAL", "INST"):
        return f"imports {str(argument).replace(' ', '.')}"
    if code == "STACK_GLOBAL" and len(texts) == 2:
        return f"imports {'.'.join(texts)}"
    return f"holds the instruction {code}"


def _refusal(name: str, what: str) -> InputError:
    return InputError(
        f"{name} {what}, which no file of references needs: it is rejected, and none of it was executed. "
        "Use the official file."
    )
