"""Checks what torch's reader makes of a file of weights: keys that take for ever, and tensors from nothing.

    check_pickle(stream)      # before it is read: the instructions, without carrying them out
    value = torch.load(…)
    check_tensors(value)      # after it

Keys are hashed. The hash of a tuple is that of its parts, each time anew, so tuples of shared tuples take
exponential time; and large numbers can be chosen so that all have one hash. A tensor is a view of a storage,
and strides of 0 make one number any shape: what copies it needs the whole memory.
"""

from __future__ import annotations

import pickletools
from typing import IO, Any

import torch

__all__ = ["check_pickle", "check_tensors"]

# The checkpoints of YOLO have 100,000; a state dict has a hundred for each tensor.
_MOST_INSTRUCTIONS = 5_000_000
# Parts of a tuple, with shared ones counted wherever they occur: the arguments of a tensor have 20.
_MOST_PARTS = 100_000
_MOST_BITS = 64
# Of the first number in files of before 2020.
_MAGIC_BITS = 80
# Tied weights are views of one storage; models have two or three.
_MOST_VIEWS = 4


def check_pickle(stream: IO[bytes]) -> None:
    """Check the instructions of one pickle, and leave the stream behind it.

    Raises:
        ValueError: A key could take for ever, or it is no pickle.
    """
    stack: list[int] = []  # how many parts each value has when it is hashed; -1 is a mark
    stored: dict[int, int] = {}
    argument: Any  # of the instruction, as pickletools reads it
    for number, (code, argument, _) in enumerate(pickletools.genops(stream)):
        if number >= _MOST_INSTRUCTIONS:
            raise ValueError(f"its pickle holds more than {_MOST_INSTRUCTIONS:,} instructions")
        most_bits = _MAGIC_BITS if number == 1 else _MOST_BITS
        if isinstance(argument, int) and argument.bit_length() > most_bits:
            raise ValueError(f"its pickle holds a number of more than {_MOST_BITS} bits")
        name = code.name
        if name in ("BINPUT", "LONG_BINPUT", "PUT", "MEMOIZE"):
            index = len(stored) if name == "MEMOIZE" else int(argument)
            stored[index] = _pop(stack, keep=True)
        elif name in ("BINGET", "LONG_BINGET", "GET"):
            stack.append(stored.get(int(argument), 1))
        elif name == "MARK":
            stack.append(-1)
        else:
            _carry_out(code, stack)


def _carry_out(code: pickletools.OpcodeInfo, stack: list[int]) -> None:
    """Take what an instruction takes from the stack, and put there what it makes."""
    parts = 0
    before = list(code.stack_before)
    if pickletools.stackslice in before:  # everything up to the last mark
        while (popped := _pop(stack)) != -1:
            parts += popped
        before = before[: before.index(pickletools.markobject)]
    for _ in before:
        parts += max(0, _pop(stack))
    if parts > _MOST_PARTS and _is_hashed_by_parts(code.name):
        raise ValueError(f"its pickle holds a tuple of more than {_MOST_PARTS:,} parts")
    weight = 1 + parts if _is_hashed_by_parts(code.name) else 1
    stack += [weight] * len(code.stack_after)


def _is_hashed_by_parts(name: str) -> bool:
    """Return whether an instruction makes a tuple, or an object that may be one."""
    return name.startswith("TUPLE") or name in ("REDUCE", "NEWOBJ", "BUILD", "INST", "OBJ")


def _pop(stack: list[int], *, keep: bool = False) -> int:
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
