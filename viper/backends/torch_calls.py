"""What the pickle of a file of weights may call: what makes containers, and tensors that the file stores.

    calls = Calls({"0": 4_000})                       # the file stores 4,000 bytes under the key "0"
    storage = calls.storage(("storage", Name("torch.FloatStorage"), "0", "cpu", 1_000))
    calls.call(Name("torch._utils._rebuild_tensor_v2"), (storage, 0, (10, 100), (100, 1), None, None))

Torch's own list of what files may call holds `torch.Tensor` as well, whose arguments are sizes: such a tensor
is memory that nobody has written, with whatever the process kept there before.
"""

from __future__ import annotations

import pickletools
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import IO, TypeAlias, Union

import torch

__all__ = ["Calls", "Content", "Made", "Name", "check_keys"]

_TENSORS = {
    "torch._utils._rebuild_tensor": 4,
    "torch._utils._rebuild_tensor_v2": 6,
    "torch._utils._rebuild_tensor_v3": 7,
}
_PARAMETER = "torch._utils._rebuild_parameter"
_ORDERED = "collections.OrderedDict"
# They take no memory beyond that of their arguments.
_HARMLESS = frozenset({"builtins.set", "torch.Size", "torch.device"})
_UNTYPED = frozenset({"torch.UntypedStorage", "torch.storage.UntypedStorage"})


@dataclass(frozen=True, slots=True)
class Name:
    """A class or function that the file names: module and name, with a dot between."""

    text: str


@dataclass(frozen=True, slots=True)
class Storage:
    """The numbers of a tensor in the file."""

    size_bytes: int
    item_bytes: int


class Made(Enum):
    """What a call makes."""

    ORDERED = "a dict"
    TENSOR = "a tensor"
    INERT = "an object without behavior"


# What is known of a value; None if nothing needs to be.
Content: TypeAlias = Union[int, str, tuple["Content", ...], Name, Storage, Made, None]  # noqa: UP007


class Calls:
    """The calls of one pickle.

    Args:
        records: Key → bytes that the file stores under it; None if they follow behind the pickle.
        inert: Names of classes and functions in whose place something without behavior is called.
    """

    def __init__(self, records: Mapping[str, int] | None, inert: Collection[str] = ()) -> None:
        self._records = records
        self._inert = frozenset(inert)
        self.storages: dict[str, int] = {}
        """Key → bytes of each storage so far."""

    def storage(self, named: Content) -> Storage:
        """Return the storage that a persistent id names.

        Raises:
            ValueError: The file does not store it.
        """
        match named:
            case ("storage", Name(kind), str(key), str(location), int(count), *views):
                pass
            case _:
                raise ValueError("its pickle names something that is no storage of the file")
        # Views were written before 2017 only.
        if views not in ([], [None]) or count < 0 or location == "meta":
            raise ValueError("its pickle names a storage in a way that no library writes")
        item_bytes = _item_bytes(kind)
        size_bytes = count * item_bytes
        if self._records is not None and self._records.get(key.casefold(), -1) < size_bytes:
            raise ValueError("it holds a tensor whose numbers are not in the file")
        if self.storages.setdefault(key, size_bytes) != size_bytes:
            raise ValueError("it holds one storage in two sizes")
        return Storage(size_bytes, item_bytes)

    def call(self, function: Content, arguments: Content) -> Content:
        """Return what a call makes.

        Raises:
            ValueError: It is not on the list, or makes a tensor that the file does not store.
        """
        name = function.text if isinstance(function, Name) else "what is no function"
        if name in self._inert:
            return Made.INERT
        given = arguments if isinstance(arguments, tuple) else ()
        if name in _TENSORS and len(given) == _TENSORS[name]:
            _check_extent(given)
            return Made.TENSOR
        if name == _PARAMETER and given[:1] == (Made.TENSOR,):
            return Made.TENSOR
        if name == _ORDERED:
            return Made.ORDERED
        if name not in _HARMLESS:
            raise ValueError(f"its pickle calls {name[:80]}, which no file of weights needs")
        return None

    def build(self, target: Content) -> None:
        """Check that an object may be given a state.

        Raises:
            ValueError: A state may make something else of it.
        """
        if target not in (Made.ORDERED, Made.INERT):
            raise ValueError("its pickle gives a state to what has none in a file of weights")


def _item_bytes(kind: str) -> int:
    """Return the size of one number of a storage class."""
    if kind in _UNTYPED:
        return 1
    module, _, name = kind.rpartition(".")
    try:
        storage = torch.serialization.StorageType(name)  # type: ignore[no-untyped-call] # in torch
        dtype = storage.dtype if module == "torch" else None
    except KeyError:
        dtype = None
    if dtype is None:
        raise ValueError(f"its pickle names a storage of the unknown kind {kind[:80]}")
    return int(dtype.itemsize)


def _check_extent(given: tuple[Content, ...]) -> None:
    """Refuse a tensor that does not lie in its storage: torch would enlarge that by memory as it is."""
    match given:
        case (Storage(), int(offset), tuple(size), tuple(stride), *rest):
            storage = given[0]
        case _:
            raise ValueError("it holds a tensor whose numbers are not in the file")
    assert isinstance(storage, Storage)
    numbers = [number for number in (offset, *size, *stride) if isinstance(number, int)]
    if len(numbers) != 1 + len(size) + len(stride) or len(size) != len(stride) or min(numbers) < 0:
        raise ValueError("it holds a tensor whose shape is none")
    sizes, strides = numbers[1 : 1 + len(size)], numbers[1 + len(size) :]
    item_bytes = storage.item_bytes
    if len(rest) == _TENSORS["torch._utils._rebuild_tensor_v3"] - 4:  # its type is an argument
        name = rest[2].text if isinstance(rest[2], Name) else ""
        dtype = getattr(torch, name.removeprefix("torch."), None)
        if not isinstance(dtype, torch.dtype):
            raise ValueError("it holds a tensor of an unknown type")
        item_bytes = dtype.itemsize
    last = offset + sum((n - 1) * step for n, step in zip(sizes, strides, strict=True))
    if 0 not in sizes and (last + 1) * item_bytes > storage.size_bytes:
        raise ValueError("it holds a tensor that is larger than its storage")


def check_keys(stream: IO[bytes], storages: Collection[str]) -> None:
    """Check the list of keys in a file of before 2020: storages that it leaves out are never filled.

    Args:
        stream: At the pickle with the list, which is read.
        storages: Keys of all storages of the content.

    Raises:
        ValueError: It is no plain list of texts, or one is missing.
    """
    names: list[str] = []
    keys: set[str] = set()
    argument: object
    for code, argument, _ in pickletools.genops(stream):
        if code.name in ("PROTO", "BINPUT", "LONG_BINPUT"):
            continue
        names.append(code.name)
        if code.name == "BINUNICODE":
            keys.add(str(argument))
    # One list, to which every text is appended.
    is_open, plain = False, names[:1] == ["EMPTY_LIST"] and names[-1:] == ["STOP"]
    texts = 0
    for name in names[1:-1]:
        if name == "MARK" and not is_open and not texts:
            is_open = True
        elif name == "BINUNICODE" and (is_open or not texts):
            texts += 1
        elif name == ("APPENDS" if is_open else "APPEND") and (is_open or texts):
            is_open, texts = False, 0
        else:
            plain = False
    if not plain or is_open or texts or not keys.issuperset(storages):
        raise ValueError("it holds tensors whose numbers are not in the file")
