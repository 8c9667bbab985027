"""Which MP3 headers are believed."""

from __future__ import annotations

import struct

import pytest

from tagger.audio.mp3_header import Claims, believable, read_claims, size_fits

SYNC = b"\xff\xfb\x90\x64"


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (SYNC + bytes(32) + b"Xing" + struct.pack(">III", 3, 1000, 400_000), Claims(1000, 400_000)),
        (SYNC + bytes(17) + b"Info" + struct.pack(">III", 1, 1000, 7), Claims(1000, None)),
        (SYNC + bytes(17) + b"Info" + struct.pack(">III", 2, 5000, 7), Claims(None, 5000)),
        (SYNC + bytes(32) + b"VBRI" + struct.pack(">HHHII", 1, 0, 0, 300_000, 900), Claims(900, 300_000)),
        (bytes(40) + SYNC + bytes(32) + b"Xing" + struct.pack(">III", 3, 1, 2), Claims(1, 2)),
        (SYNC + bytes(400), None),
        (b"no frame at all", None),
        (b"", None),
    ],
    ids=["xing", "no-size", "no-frames", "vbri", "behind-junk", "no-header", "no-frame", "nothing"],
)
def test_read_claims(head: bytes, expected: Claims | None) -> None:
    assert read_claims(head) == expected


@pytest.mark.parametrize(
    ("claims", "size", "expected"),
    [
        (Claims(1000, 4_000_000), 4_000_000, True),
        (Claims(1000, 4_000_000), 4_050_000, True),
        (Claims(1000, 4_000_000), 2_000_000, False),
        (Claims(1000, 4_000_000), 8_000_000, False),
        (Claims(None, 4_000_000), 4_000_000, False),
        (Claims(1000, None), 4_000_000, False),
        (None, 4_000_000, False),
    ],
)
def test_size_fits(claims: Claims | None, size: int, expected: bool) -> None:
    assert size_fits(claims, size) is expected


FRAME = 0.026
CONSTANT = [(417, FRAME), (418, FRAME)] * 200  # 128 kbit/s: 16,000 bytes per second
VARIABLE = [(200, FRAME), (417, FRAME), (800, FRAME)] * 100  # about 18,000
MINUTES = 240.0
GOOD = Claims(9231, 3_850_000)


@pytest.mark.parametrize(
    ("claims", "size", "duration", "heard", "expected"),
    [
        (GOOD, 3_850_000, MINUTES, CONSTANT, True),
        (None, 3_850_000, MINUTES, CONSTANT, True),
        (None, 3_850_000, 2 * MINUTES, CONSTANT, False),
        (GOOD, 3_850_000, 0.9 * MINUTES, CONSTANT, False),
        (Claims(18462, 7_700_000), 3_850_000, 2 * MINUTES, CONSTANT, False),
        (GOOD, 3_850_000, MINUTES, VARIABLE, True),
        (None, 3_850_000, MINUTES, VARIABLE, False),
        (Claims(9231, None), 3_850_000, MINUTES, VARIABLE, False),
        (GOOD, 3_850_000, 3 * MINUTES, VARIABLE, False),
        (Claims(9231, 7_700_000), 3_850_000, MINUTES, VARIABLE, False),
        (GOOD, 3_850_000, MINUTES, [], False),
        (GOOD, 3_850_000, 0.0, CONSTANT, False),
        (GOOD, 3_850_000, MINUTES, [(417, 0.0)], False),
    ],
    ids=[
        "constant",
        "constant-no-header",
        "constant-wrong-length",
        "constant-a-tenth-off",
        "constant-cut",
        "variable",
        "variable-no-header",
        "variable-no-size",
        "variable-wrong-length",
        "variable-cut",
        "nothing-heard",
        "no-duration",
        "no-frame-length",
    ],
)
def test_believable(
    claims: Claims | None, size: int, duration: float, heard: list[tuple[int, float]], expected: bool
) -> None:
    assert believable(claims, size, duration, heard) is expected
