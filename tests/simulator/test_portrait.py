from __future__ import annotations

import struct
import zlib

from django_faceauth.simulator import portrait


def test_the_picture_is_a_png_of_its_size() -> None:
    png = portrait.png()

    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", png[16:24]) == (portrait.SIZE, portrait.SIZE)


def test_every_chunk_is_sound() -> None:
    png = portrait.png()

    kinds, data, at = [], b"", 8
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        kind, body = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        assert struct.unpack(">I", png[at + 8 + length : at + 12 + length])[0] == zlib.crc32(
            kind + body
        )
        kinds.append(kind)
        data += body if kind == b"IDAT" else b""
        at += 12 + length

    assert kinds == [b"IHDR", b"IDAT", b"IEND"]
    assert len(zlib.decompress(data)) == portrait.SIZE * (1 + 3 * portrait.SIZE)
