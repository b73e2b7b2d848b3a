"""Which symbols a compiled object leaves to others.

Maps the bytes of a relocatable ELF file of 64 bits, as LLVM writes it, to the names that it does
not define itself. LLVM ends the process where one of them cannot be found, so they are looked up
before anything is loaded.
System V Application Binary Interface, "Object Files": section headers and symbol tables.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator

_ORDER = "<" if sys.byteorder == "little" else ">"
_FILE = struct.Struct(_ORDER + "16sHHIQQQIHHHHHH")
_SECTION = struct.Struct(_ORDER + "IIQQQQIIQQ")
_SYMBOL = struct.Struct(_ORDER + "IBBHQQ")
_MAGIC = b"\x7fELF\x02" + (b"\x01" if sys.byteorder == "little" else b"\x02")
_SYMBOL_TABLE = 2  # type of a section
_UNDEFINED = 0  # section of a symbol that none defines


def undefined_symbols(content: bytes) -> frozenset[str]:
    """Return the names that an object refers to. Raises ValueError for what is none."""
    try:
        return frozenset(_undefined(content))
    except (struct.error, UnicodeDecodeError) as error:
        raise ValueError("the object is cut short") from error


def _undefined(content: bytes) -> Iterator[str]:
    if not content.startswith(_MAGIC):
        raise ValueError("not an object of 64 bits")
    head = _FILE.unpack_from(content)
    at, count = head[6], head[12]
    sections = [
        _SECTION.unpack_from(content, at + number * _SECTION.size) for number in range(count)
    ]
    for _, kind, _, _, offset, size, link, *_ in sections:
        if kind != _SYMBOL_TABLE:
            continue
        names_at = sections[link][4] if link < count else len(content)
        for place in range(offset + _SYMBOL.size, offset + size, _SYMBOL.size):  # the first is none
            name_at, _, _, section, _, _ = _SYMBOL.unpack_from(content, place)
            if section == _UNDEFINED and name_at:
                start = names_at + name_at
                yield content[start : content.index(b"\0", start)].decode()
