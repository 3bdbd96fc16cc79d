"""What a caller hears between two announcements while waiting: two soft notes every four seconds, so that the line is not dead."""

from __future__ import annotations

import io
import math
import struct
import wave
from functools import lru_cache
from typing import Final

_RATE: Final = 8000
_SECONDS: Final = 12
_EVERY: Final = 4.0
_NOTES: Final = ((0.0, 440.0), (0.45, 554.37))
_LENGTH: Final = 1.4
_LOUDNESS: Final = 0.12


@lru_cache(maxsize=1)
def hold_sound() -> bytes:
    """Twelve seconds of telephone-quality WAV, made once."""
    samples = bytearray()
    for number in range(_RATE * _SECONDS):
        moment = (number / _RATE) % _EVERY
        level = sum(_note(moment - start, pitch) for start, pitch in _NOTES)
        samples += struct.pack("<h", int(max(-1.0, min(1.0, level)) * 32767))
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(_RATE)
        sound.writeframes(bytes(samples))
    return file.getvalue()


def _note(age: float, pitch: float) -> float:
    if not 0 <= age < _LENGTH:
        return 0.0
    swell = min(age / 0.08, 1.0) * (1 - age / _LENGTH) ** 2
    return _LOUDNESS * swell * math.sin(2 * math.pi * pitch * age)
