"""Reads pickles of plain containers only, and rejects all others.

The module `pickle` is not used: it would execute the instructions of the file. The few instructions that make
dicts, lists, tuples, texts, numbers, booleans and None are carried out here; any other is an error that names
it. Keys are texts and numbers, because the hash of nested tuples takes exponential time, and what is built is
measured as if every part were written out, because parts may be shared.
"""

from __future__ import annotations

import math
import pickletools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from viper.errors import InputError
from viper.storage.files import read_regular_file

__all__ = ["read_plain_pickle"]

# The largest of the RefCOCO family has about 40 MB, 6 million instructions and half a million containers:
# three for each of 50,000 references, and two for each of 140,000 sentences.
_MAX_BYTES = 1 << 28
_MAX_INSTRUCTIONS = 10_000_000
# Counted while they are made: an empty dict has one byte in the file, and 64 in memory.
_MAX_CONTAINERS = 1_000_000
# Values that wait to be put into a container; writers do that for a thousand at a time.
_MAX_WAITING = 200_000
# Of the value, with shared parts counted wherever they occur.
_MAX_VALUES = 16_000_000
_MAX_DEPTH = 32
# Ids have fewer than 20 digits.
_MAX_BITS = 64

_MARK = object()
_CONSTANTS: Mapping[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_NUMBERS = frozenset("INT BININT BININT1 BININT2 LONG LONG1 LONG4 FLOAT BINFLOAT".split())
_UNICODE = frozenset("UNICODE BINUNICODE SHORT_BINUNICODE BINUNICODE8".split())
# Texts of Python 2: bytes, which `pickletools` returns as one character each.
_OLD_TEXTS = frozenset("STRING BINSTRING SHORT_BINSTRING".split())
_BYTES = frozenset("BINBYTES SHORT_BINBYTES BINBYTES8".split())
_EMPTY: Mapping[str, Callable[[], Any]] = {
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
    "EMPTY_TUPLE": tuple,
}
_SMALL_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_CONTAINERS = frozenset({*_EMPTY, *_SMALL_TUPLES, "LIST", "TUPLE", "DICT"})
_GET = frozenset("GET BINGET LONG_BINGET".split())
_PUT = frozenset("PUT BINPUT LONG_BINPUT".split())


def read_plain_pickle(path: Path) -> Any:
    """Return the content of a pickle of plain containers; texts of Python 2 are read as UTF-8.

    Raises:
        InputError: The file is missing, damaged, too large, or contains other instructions.
    """
    content = read_regular_file(str(path), max_bytes=_MAX_BYTES, what="pickle")
    machine = _Machine(path.name, len(content))
    try:
        for number, (instruction, argument, _) in enumerate(pickletools.genops(content)):
            if number >= _MAX_INSTRUCTIONS:
                raise _refusal(path.name, f"holds more than {_MAX_INSTRUCTIONS:,} instructions")
            machine.carry_out(instruction.name, argument)
        value = machine.pop()
    except InputError:
        raise
    except Exception as error:  # of a damaged file: instructions that do not fit together
        raise InputError(
            f"{path.name} is not a pickle, or a damaged one ({type(error).__name__}: "
            f"{str(error)[:120]}). Download it again."
        ) from error
    _check_extent(value, path.name)
    return value


class _Machine:
    """The stack and the memo of a pickle.

    Args:
        name: Name of the file, for errors.
        size_bytes: Size of the file, which no number in its memo exceeds.
    """

    def __init__(self, name: str, size_bytes: int) -> None:
        self._name = name
        self._size_bytes = size_bytes
        self._stack: list[Any] = []
        self._containers = 0
        self._numbered: dict[int, Any] = {}
        self._texts: list[Any] = []

    def carry_out(self, code: str, argument: Any) -> None:
        """Carry out one instruction.

        Raises:
            InputError: It is not plain, or makes a key or a number that no such file has.
            Exception: It does not fit the stack or the memo.
        """
        stack, numbered = self._stack, self._numbered
        if len(stack) > _MAX_WAITING:
            raise _refusal(self._name, f"leaves more than {_MAX_WAITING:,} values to be used later")
        if code in _CONTAINERS:
            self._containers += 1
            if self._containers > _MAX_CONTAINERS:
                raise _refusal(self._name, f"makes more than {_MAX_CONTAINERS:,} containers")
        if code in _GET:
            stack.append(numbered[int(argument)])
        elif code in _PUT:
            if int(argument) > self._size_bytes:  # other readers make a table of this length
                raise _refusal(
                    self._name, f"numbers an object {argument} and would fill the memory"
                )
            numbered[int(argument)] = self._top()
        elif code == "MEMOIZE":
            numbered[len(numbered)] = self._top()
        elif code in _UNICODE or code in _OLD_TEXTS:
            text = str(argument)
            if code in _OLD_TEXTS:
                text = text.encode("latin-1").decode("utf-8", "replace")
            self._texts = [*self._texts[-1:], text]
            stack.append(text)
        elif code in _NUMBERS:
            stack.append(self._number(argument))
        elif code in _CONSTANTS:
            stack.append(_CONSTANTS[code])
        elif code in _BYTES:
            stack.append(argument)
        elif code == "MARK":
            stack.append(_MARK)
        elif code in _EMPTY:
            stack.append(_EMPTY[code]())
        elif code in _SMALL_TUPLES:
            parts = [self.pop() for _ in range(_SMALL_TUPLES[code])]
            stack.append(tuple(reversed(parts)))
        elif code in ("LIST", "TUPLE"):
            parts = self._pop_to_mark()
            stack.append(tuple(parts) if code == "TUPLE" else parts)
        elif code == "DICT":
            parts = self._pop_to_mark()
            stack.append({})
            self._set(parts)
        elif code in ("APPEND", "APPENDS"):
            parts = [self.pop()] if code == "APPEND" else self._pop_to_mark()
            self._container(list).extend(parts)
        elif code == "SETITEM":
            value, key = self.pop(), self.pop()
            self._set([key, value])
        elif code == "SETITEMS":
            self._set(self._pop_to_mark())
        elif code not in ("PROTO", "FRAME", "STOP"):
            raise _refusal(self._name, self._requested(code, argument))

    def pop(self) -> Any:
        """Take a value from the stack."""
        value = self._top()
        self._stack.pop()
        return value

    def _top(self) -> Any:
        value = self._stack[-1]
        if value is _MARK:
            raise ValueError("a mark in place of a value")
        return value

    def _pop_to_mark(self) -> list[Any]:
        parts: list[Any] = []
        while (value := self._stack.pop()) is not _MARK:
            parts.append(value)
        parts.reverse()
        return parts

    def _container(self, kind: type[Any]) -> Any:
        found = self._top()
        if type(found) is not kind:
            raise TypeError(f"a {type(found).__name__} in place of a {kind.__name__}")
        return found

    def _set(self, parts: list[Any]) -> None:
        table = self._container(dict)
        for key, value in zip(parts[::2], parts[1::2], strict=True):
            if type(key) not in (str, int, float):
                raise _refusal(self._name, f"has a key that is a {type(key).__name__}")
            table[key] = value

    def _number(self, argument: Any) -> int | float:
        if isinstance(argument, int) and argument.bit_length() > _MAX_BITS:
            raise _refusal(self._name, f"holds a number of {argument.bit_length():,} bits")
        if isinstance(argument, float) and not math.isfinite(argument):
            raise _refusal(self._name, f"holds the number {argument}")
        number: int | float = argument
        return number

    def _requested(self, code: str, argument: Any) -> str:
        if code in ("GLOBAL", "INST"):
            return f"imports {str(argument)[:120].replace(' ', '.')}"
        if code == "STACK_GLOBAL" and len(self._texts) == 2:
            return f"imports {'.'.join(self._texts)[:120]}"
        return f"holds the instruction {code}"


def _check_extent(value: Any, name: str) -> None:
    """Refuse cycles, deep nesting, and values that are too large when shared parts are written out."""
    extents: dict[int, tuple[int, int] | None] = {}  # id of a container → values and levels in it
    # Containers, and whether their parts have been measured. The parts of each are looked at twice, however
    # often it occurs.
    waiting = [(value, False)]
    while waiting:
        whole, is_measured = waiting.pop()
        if not is_measured:
            if id(whole) in extents:
                if extents[id(whole)] is None:
                    raise _refusal(name, "holds a container that contains itself")
                continue
            extents[id(whole)] = None  # it is being measured
            waiting.append((whole, True))
            parts = {id(part): part for part in _containers_in(whole)}
            waiting += [(part, False) for part in parts.values()]
            continue
        inner = [extents[id(part)] or (0, 0) for part in _containers_in(whole)]
        length = len(whole) if isinstance(whole, (dict, list, tuple)) else 0
        values = length + sum(count for count, _ in inner)
        levels = 1 + max((depth for _, depth in inner), default=0)
        if values > _MAX_VALUES or levels > _MAX_DEPTH:
            raise _refusal(name, f"holds more than {_MAX_VALUES:,} values or {_MAX_DEPTH} levels")
        extents[id(whole)] = values, levels


def _containers_in(whole: Any) -> list[Any]:
    if isinstance(whole, dict):
        return [part for part in whole.values() if isinstance(part, (dict, list, tuple))]
    if isinstance(whole, (list, tuple)):
        return [part for part in whole if isinstance(part, (dict, list, tuple))]
    return []


def _refusal(name: str, what: str) -> InputError:
    return InputError(
        f"{name} {what}, which no file of references needs: it is rejected, and none of it was executed. "
        "Use the official file."
    )
