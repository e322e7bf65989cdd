"""Checks what torch's reader makes of a file of weights: keys that take for ever, and tensors from nothing.

    check_pickle(stream)      # before it is read: the instructions, without carrying them out
    value = torch.load(…)
    check_tensors(value)      # after it

Keys are hashed. The hash of a tuple is that of its parts, each time anew, so tuples of shared tuples take
exponential time; and large numbers can be chosen so that all have one hash. A tensor is a view of a storage,
and strides of 0 make one number any shape: what copies it needs the whole memory. What the pickle may call is
in `torch_calls`.
"""

from __future__ import annotations

import _compat_pickle
import pickletools
from dataclasses import dataclass
from typing import IO, Any

import torch

from viper.backends.torch_calls import Calls, Content, Name

__all__ = ["check_pickle", "check_tensors"]

# The checkpoints of YOLO have 100,000; a state dict has a hundred for each tensor.
_MOST_INSTRUCTIONS = 5_000_000
# Parts of a tuple, with shared ones counted wherever they occur: the arguments of a tensor have 20.
_MOST_PARTS = 100_000
_MOST_BITS = 64
# Of the first number in files of before 2020, with which they begin, or behind the protocol.
_MAGIC_BITS = 80
# Tied weights are views of one storage; models have two or three.
_MOST_VIEWS = 4


@dataclass(frozen=True, slots=True)
class _Value:
    """A value on the stack."""

    parts: int = 1
    """How many parts it has when it is hashed."""
    content: Content = None


_MARK = _Value()
_PLAIN = _Value()
_NUMBERS = frozenset({"BININT", "BININT1", "BININT2", "LONG1"})
_TEXTS = frozenset({"BINUNICODE", "SHORT_BINSTRING"})
# They change the value that they leave.
_CHANGES = frozenset({"APPEND", "APPENDS", "SETITEM", "SETITEMS", "BUILD"})


def check_pickle(stream: IO[bytes], calls: Calls | None = None) -> None:
    """Check the instructions of one pickle, and leave the stream behind it.

    Args:
        stream: At the pickle.
        calls: What it may call; None if the file stores no tensors for it.

    Raises:
        ValueError: A key could take for ever, it calls what no file of weights needs to, or it is no pickle.
    """
    calls = Calls({}) if calls is None else calls
    stack: list[_Value] = []
    stored: dict[int, _Value] = {}
    argument: Any  # of the instruction, as pickletools reads it
    for number, (code, argument, _) in enumerate(pickletools.genops(stream)):
        if number >= _MOST_INSTRUCTIONS:
            raise ValueError(f"its pickle holds more than {_MOST_INSTRUCTIONS:,} instructions")
        most_bits = _MAGIC_BITS if number <= 1 else _MOST_BITS
        if isinstance(argument, int) and argument.bit_length() > most_bits:
            raise ValueError(f"its pickle holds a number of more than {_MOST_BITS} bits")
        name = code.name
        if name in ("BINPUT", "LONG_BINPUT", "PUT", "MEMOIZE"):
            index = len(stored) if name == "MEMOIZE" else int(argument)
            stored[index] = _value(stack, keep=True)
        elif name in ("BINGET", "LONG_BINGET", "GET"):
            stack.append(stored.get(int(argument), _PLAIN))
        elif name == "MARK":
            stack.append(_MARK)
        elif name in _NUMBERS or name in _TEXTS:
            stack.append(_Value(content=argument))
        elif name == "GLOBAL":
            stack.append(_Value(content=_named(str(argument))))
        else:
            _carry_out(code, stack, calls)


def _carry_out(code: pickletools.OpcodeInfo, stack: list[_Value], calls: Calls) -> None:
    """Take what an instruction takes from the stack, and put there what it makes."""
    used: list[_Value] = []  # from the top
    before = list(code.stack_before)
    if pickletools.stackslice in before:  # everything up to the last mark
        while (popped := _pop(stack)) is not _MARK:
            used.append(popped)
        before = before[: before.index(pickletools.markobject)]
    used += [_value(stack) for _ in before]
    parts = sum(value.parts for value in used)
    is_hashed = _is_hashed_by_parts(code.name)
    if parts > _MOST_PARTS and is_hashed:
        raise ValueError(f"its pickle holds a tuple of more than {_MOST_PARTS:,} parts")
    made = _Value(1 + parts if is_hashed else 1, _made(code.name, used, calls))
    stack += [made] * len(code.stack_after)


def _made(name: str, used: list[_Value], calls: Calls) -> Content:
    """Return what is known of the value that an instruction makes of others, the uppermost first."""
    if "TUPLE" in name:
        return tuple(value.content for value in reversed(used))
    if name == "BINPERSID":
        return calls.storage(used[0].content)
    if name in ("REDUCE", "NEWOBJ"):
        return calls.call(used[1].content, used[0].content)
    if name == "BUILD":
        calls.build(used[1].content)
    return used[-1].content if name in _CHANGES else None


def _named(text: str) -> Name | None:
    """Return a class or function under the name of Python 3, which torch gives it as well."""
    module, space, name = text.partition(" ")
    if not space or " " in name:
        return None
    if (module, name) in _compat_pickle.NAME_MAPPING:
        module, name = _compat_pickle.NAME_MAPPING[module, name]
    else:
        module = _compat_pickle.IMPORT_MAPPING.get(module, module)
    return Name(f"{module}.{name}")


def _is_hashed_by_parts(name: str) -> bool:
    """Return whether an instruction makes a tuple, or an object that may be one."""
    return name.startswith("TUPLE") or name in ("REDUCE", "NEWOBJ", "BUILD", "INST", "OBJ")


def _value(stack: list[_Value], *, keep: bool = False) -> _Value:
    """Return the value on the top of the stack, which is no mark."""
    if stack and stack[-1] is _MARK:
        raise ValueError("its pickle takes values that are not there")
    return _pop(stack, keep=keep)


def _pop(stack: list[_Value], *, keep: bool = False) -> _Value:
    if not stack:
        raise ValueError("its pickle takes values that are not there")
    return stack[-1] if keep else stack.pop()


def check_tensors(value: Any) -> None:
    """Check that the tensors in a value have the memory that their shapes need.

    Args:
        value: What torch's reader returned: containers, tensors, and objects with attributes.

    Raises:
        ValueError: A tensor is larger than its storage, or many are views of one.
    """
    seen: set[int] = set()
    storages: dict[int, int] = {}
    total_bytes = 0
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if id(part) in seen or isinstance(part, (str, bytes, int, float, type)):
            continue
        seen.add(id(part))
        if isinstance(part, torch.Tensor):
            storage = _storage_of(part)
            if storage is not None:
                place, size_bytes, own_bytes = storage
                if own_bytes > size_bytes:
                    raise ValueError("it holds a tensor that is larger than its memory")
                storages[place] = size_bytes
                total_bytes += own_bytes
        elif isinstance(part, dict):
            waiting += part.values()
        elif isinstance(part, (list, tuple, set)):
            waiting += part
        waiting += getattr(part, "__dict__", {}).values()
    if total_bytes > _MOST_VIEWS * sum(storages.values()):
        raise ValueError("it holds many tensors that share their memory")


def _storage_of(tensor: torch.Tensor) -> tuple[int, int, int] | None:
    """Return the place and size of a tensor's storage, and its own size; None for a sparse one."""
    try:
        plain = torch.Tensor.detach(tensor)  # of the class: an attribute may hide the method
        storage = plain.untyped_storage()
        return storage._cdata, storage.nbytes(), plain.numel() * plain.element_size()
    except (RuntimeError, NotImplementedError):
        return None
