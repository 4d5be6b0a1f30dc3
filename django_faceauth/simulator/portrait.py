"""The one face that the simulator ever shows: drawn, so that it is nobody's."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Final

Colour = tuple[int, int, int]

SIZE: Final = 160
WALL: Final[Colour] = (221, 230, 240)
SKIN: Final[Colour] = (244, 196, 160)
CHEEK: Final[Colour] = (238, 170, 140)
INK: Final[Colour] = (61, 46, 44)
SHIRT: Final[Colour] = (46, 94, 140)


@dataclass(frozen=True, slots=True)
class Disc:
    """A filled circle."""

    x: int
    y: int
    radius: int
    colour: Colour

    def covers(self, x: int, y: int) -> bool:
        """Tell whether the point lies on the disc."""
        return (x - self.x) ** 2 + (y - self.y) ** 2 <= self.radius**2


# Topmost first. The smile is what the lower skin leaves to be seen of a dark disc.
DISCS: Final = (
    Disc(60, 76, 5, INK),
    Disc(100, 76, 5, INK),
    Disc(50, 96, 8, CHEEK),
    Disc(110, 96, 8, CHEEK),
    Disc(80, 86, 21, SKIN),
    Disc(80, 91, 20, INK),
    Disc(80, 80, 46, SKIN),
    Disc(80, 68, 52, INK),
    Disc(80, 190, 66, SHIRT),
)


@cache
def png() -> bytes:
    """Return the picture."""
    header = struct.pack(">IIBBBBB", SIZE, SIZE, 8, 2, 0, 0, 0)  # 8 bits each of red, green, blue
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", header),
            _chunk(b"IDAT", zlib.compress(b"".join(map(_row, range(SIZE))))),
            _chunk(b"IEND", b""),
        )
    )


def _row(y: int) -> bytes:
    unfiltered = b"\0"
    return unfiltered + bytes(chain.from_iterable(_colour_at(x, y) for x in range(SIZE)))


def _colour_at(x: int, y: int) -> Colour:
    return next((disc.colour for disc in DISCS if disc.covers(x, y)), WALL)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
