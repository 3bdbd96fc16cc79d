"""The topic model: reads a message and says which topic it asks about, or which come into question, or that none does."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from bot.topics import learner
from bot.topics.clauses import asks, clauses, joined_on, leans, names_nothing
from bot.topics.confidence import Gate
from bot.topics.features import Vocabulary, raw
from bot.topics.followup import Continuations
from bot.topics.learner import Linear, Matrix
from bot.topics.spelling import Speller
from bot.topics.words import Concepts, readable, words

CLARIFY: Final = "clarify"
OUT_OF_SCOPE: Final = "out_of_scope"
FOLDS: Final = 4
SEEDS: Final = (1, 2)
RANKED: Final = 10
LONG: Final = 14
"""From this many words on, the parts of a message are heard beside the whole."""
PARTS_COUNT: Final = 0.3
"""How much the best part of a long message counts beside the whole."""
ALSO_AT: Final = 0.7
"""How sure both of two questions must be to be answered together, and"""
ALSO_AGREED_AT: Final = 0.3
"""how sure where the whole message, too, has both among its first three."""
NEVER_FOLLOWS: Final = "talk_to_agent"
"""Who asks for a person gets one, whatever was asked before."""
CLEAR_ALONE: Final = 0.8
"""How sure a message must be for the topic before it to be ignored."""
JOINED_OUTSIDE: Final = 0.9
UNCLEAR_OUTSIDE: Final = 0.25
"""How probable out of scope may be for a message that joins on, or that is only unclear, to be heard with the topic before."""
WORTH_OFFERING: Final = 0.05
MOST_OFFERED: Final = 3
_FILES: Final = ("model.json", "arrays.npz")


class Encoder(Protocol):
    """Sentence vectors of length one, a row a text."""

    def encode(self, texts: Sequence[str]) -> Matrix:
        """Return the vectors."""


@dataclass(frozen=True)
class Example:
    """One phrasing of an intent. `language` is the code of its language where that is known."""

    text: str
    intent: str
    language: str | None = None


@dataclass(frozen=True)
class Understanding:
    """What a message asks about."""

    intent: str
    """A topic or a step of the dialogue, or `clarify`, or `out_of_scope`."""
    confidence: float
    """The probability that the first choice is right."""
    ranking: tuple[tuple[str, float], ...]
    """Intents with their probabilities, best first."""
    offered: tuple[str, ...] = ()
    """For `clarify`: the two or three topics to offer."""
    also: str | None = None
    """The topic of a second question in the same message."""
    followed: bool = False
    """Whether it was understood only together with the topic before."""


@dataclass(frozen=True)
class _Read:
    text: str
    tokens: tuple[str, ...]


@dataclass
class TopicModel:
    """Understands messages in English and Spanish. Made by `train` or `load`; reading it from several threads is safe."""

    intents: tuple[str, ...]
    dialogue: frozenset[str]
    vocabulary: Vocabulary
    linear: Linear
    gate: Gate
    speller: Speller
    concepts: Concepts
    continuations: Continuations
    encoder: Encoder
    learned: frozenset[str] | None = None
    """The marks of the examples it was trained on; nothing for a model that was stored without them."""
    topics: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        self.topics = np.array([name not in self.dialogue and name != OUT_OF_SCOPE for name in self.intents])
        self._index = {name: number for number, name in enumerate(self.intents)}

    @classmethod
    def train(
        cls,
        examples: Sequence[Example],
        *,
        encoder: Encoder,
        dialogue: frozenset[str],
        progress: Callable[[float], None] | None = None,
        gate: Gate | None = None,
    ) -> TopicModel:
        """Learn from the examples; the same examples and vectors in the same order give the same model.

        `progress` is told from time to time which part is done. `gate` is the calibration of an earlier model, which a few more
        examples do not move; without one it is learned anew, which takes two thirds of the time."""
        told = progress or _tell_nobody
        concepts = Concepts.shipped()
        usable = [(example, words(example.text)) for example in examples]
        usable = [(example, tokens) for example, tokens in usable if tokens]
        intents = tuple(sorted({example.intent for example, _ in usable} | {OUT_OF_SCOPE}))
        index = {name: number for number, name in enumerate(intents)}
        labels = np.array([index[example.intent] for example, _ in usable], dtype=np.int64)
        vectors = encoder.encode([readable(example.text) for example, _ in usable]).astype(np.float32)
        told(0.25)
        counted = [raw(tokens, concepts) for _, tokens in usable]
        vocabulary = Vocabulary.fit(counted)
        matrix = vocabulary.matrix([vocabulary.row(counts) for counts in counted])
        told(0.35)
        if gate is None:
            unseen = _unseen(vectors, matrix, labels, len(intents), told)
            topics = np.array([name not in dialogue and name != OUT_OF_SCOPE for name in intents])
            gate = Gate.fit(unseen, labels, topics=topics)
        with ThreadPoolExecutor(len(SEEDS)) as beside:
            runs = list(beside.map(lambda seed: learner.train(vectors, matrix, labels, len(intents), seed=seed), SEEDS))
        told(1.0)
        used = Counter(token for _, tokens in usable for token in tokens)
        used.update(dict.fromkeys(concepts.vocabulary, 2))
        names = [example.intent for example, _ in usable]
        languages = [example.language for example, _ in usable]
        likeness = _likeness(vectors, labels, len(intents))
        return cls(
            intents=intents,
            dialogue=dialogue,
            vocabulary=vocabulary,
            linear=learner.mean(runs),
            gate=gate,
            speller=Speller(used),
            concepts=concepts,
            continuations=Continuations.fit([tokens for _, tokens in usable], names, languages, likeness),
            encoder=encoder,
            learned=frozenset(mark(example.intent, example.text) for example, _ in usable),
        )

    def knows(self, intent: str, text: str) -> bool:
        """Whether an example of a topic was learned. A model that does not tell which has learned all of its topics."""
        return intent in self._index if self.learned is None else mark(intent, text) in self.learned

    def understand(self, text: str, *, language: str, previous_topic: str | None = None) -> Understanding:
        """Say what a message asks about. Any text is taken as it is; none raises."""
        whole = self._read(text)
        if not whole.tokens:
            return self._nothing()
        parts = [part for part in map(self._read, clauses(readable(text))) if part.tokens]
        previous = self._index.get(previous_topic or "")
        follows = previous is not None and bool(self.topics[previous]) and leans(whole.tokens)
        texts = [whole, *parts]
        if follows:
            named = self.continuations.named(" ".join(whole.tokens), topic=previous_topic or "", language=language)
            texts.append(self._read(named))
        shares = self.gate.probabilities(self._scores(texts))
        alone = shares[0]
        if len(whole.tokens) >= LONG and parts:
            alone = _with_parts(alone, shares[1 : 1 + len(parts)])
        if follows and previous is not None and self._may_follow(whole, alone):
            together = self.continuations.together(alone, shares[-1], previous=previous, topics=self.topics)
            understood = self._decide(together, followed=True)
            if understood.intent != OUT_OF_SCOPE:
                return understood
        asking = [shares[1 + place] for place, part in enumerate(parts) if asks(part.tokens)]
        second = self._two_questions(alone, asking)
        if second is not None:
            first, also, sure = second
            return Understanding(self.intents[first], sure, self._ranking(alone, first), also=self.intents[also])
        return self._decide(alone)

    def save(self, folder: Path) -> None:
        """Write the model as JSON and plain arrays."""
        folder.mkdir(parents=True, exist_ok=True)
        about: dict[str, Any] = {
            "intents": self.intents,
            "dialogue": sorted(self.dialogue),
            "gate": self.gate.data(),
            "features": list(self.vocabulary.columns),
            "counts": self.speller.counts,
            "concepts": self.concepts.table,
            "names": self.continuations.names,
            "learned": None if self.learned is None else sorted(self.learned),
        }
        (folder / _FILES[0]).write_text(json.dumps(about, ensure_ascii=False), "utf-8")
        arrays: dict[str, Any] = {
            "rarity": self.vocabulary.rarity,
            "centre": self.linear.centre,
            "dense": self.linear.dense,
            "sparse": self.linear.sparse,
            "bias": self.linear.bias,
            "likeness": self.continuations.likeness,
        }
        np.savez(folder / _FILES[1], **arrays)

    @classmethod
    def load(cls, folder: Path, *, encoder: Encoder | None = None) -> TopicModel:
        """Read a model that `save` wrote. Without an encoder it takes the one of the process."""
        if encoder is None:
            from bot.encoder import shared_encoder  # deferred: a caller with an encoder of its own needs no other

            encoder = shared_encoder()
        about = json.loads((folder / _FILES[0]).read_text("utf-8"))
        with np.load(folder / _FILES[1], allow_pickle=False) as arrays:
            return cls(
                intents=tuple(about["intents"]),
                dialogue=frozenset(about["dialogue"]),
                vocabulary=Vocabulary({name: column for column, name in enumerate(about["features"])}, arrays["rarity"]),
                linear=Linear(arrays["centre"], arrays["dense"], arrays["sparse"], arrays["bias"]),
                gate=Gate(**about["gate"]),
                speller=Speller(about["counts"]),
                concepts=Concepts(about["concepts"]),
                continuations=Continuations(about["names"], arrays["likeness"]),
                encoder=encoder,
                learned=frozenset(about["learned"]) if about.get("learned") is not None else None,
            )

    def _read(self, text: str) -> _Read:
        plain = readable(text)
        tokens = tuple(words(plain))
        corrected = self.speller.correct(tokens)
        return _Read(plain if corrected == tokens else " ".join(corrected), corrected)

    def _scores(self, texts: Sequence[_Read]) -> Matrix:
        vectors = self.encoder.encode([read.text for read in texts])
        return self.linear.scores(vectors, [self.vocabulary.row(raw(read.tokens, self.concepts)) for read in texts])

    def _may_follow(self, message: _Read, alone: Matrix) -> bool:
        """Whether the topic before counts: the message names no topic, or joins on, or is unclear and not out of scope."""
        if names_nothing(message.tokens):
            return True
        first, outside = self.intents[int(alone.argmax())], float(alone[self._index[OUT_OF_SCOPE]])
        if first == NEVER_FOLLOWS:
            return False
        if joined_on(message.tokens):
            return outside < JOINED_OUTSIDE
        return outside < UNCLEAR_OUTSIDE and self.gate.confidence(alone) < CLEAR_ALONE

    def _decide(self, shares: Matrix, *, followed: bool = False) -> Understanding:
        first = int(shares.argmax())
        sure = self.gate.confidence(shares)
        ranking = self._ranking(shares, first)
        if first == self._index[OUT_OF_SCOPE]:
            return Understanding(OUT_OF_SCOPE, sure, ranking, followed=followed)
        if sure >= self.gate.answer_at:
            return Understanding(self.intents[first], sure, ranking, followed=followed)
        best = [int(number) for number in np.argsort(-shares, kind="stable") if self.topics[number]][:MOST_OFFERED]
        if float(shares[best].sum()) < self.gate.offer_at or len(best) < 2:
            return Understanding(OUT_OF_SCOPE, sure, ranking, followed=followed)
        offered = [number for place, number in enumerate(best) if place < 2 or shares[number] >= WORTH_OFFERING]
        return Understanding(CLARIFY, sure, ranking, tuple(self.intents[number] for number in offered), followed=followed)

    def _two_questions(self, whole: Matrix, parts: Sequence[Matrix]) -> tuple[int, int, float] | None:
        """The first two different topics that parts of the message surely ask about, and how sure the first is."""
        likely = {int(number) for number in np.argsort(-whole)[:3]}
        found: dict[int, float] = {}
        for shares in parts:
            first, sure = int(shares.argmax()), self.gate.confidence(shares)
            if self.topics[first] and sure >= (ALSO_AGREED_AT if first in likely else ALSO_AT):
                found.setdefault(first, sure)
        if len(found) < 2:
            return None
        (first, sure), (second, _) = list(found.items())[:2]
        return first, second, sure

    def _ranking(self, shares: Matrix, first: int) -> tuple[tuple[str, float], ...]:
        order = [first, *(int(number) for number in np.argsort(-shares, kind="stable") if number != first)]
        return tuple((self.intents[number], round(float(shares[number]), 4)) for number in order[:RANKED])

    def _nothing(self) -> Understanding:
        others = [name for name in self.intents if name != OUT_OF_SCOPE][: RANKED - 1]
        return Understanding(OUT_OF_SCOPE, 1.0, ((OUT_OF_SCOPE, 1.0), *((name, 0.0) for name in others)))


def mark(intent: str, text: str) -> str:
    """A short name for an example of a topic, the same for every spelling of the same words."""
    return hashlib.blake2b(f"{intent} {' '.join(words(text))}".encode(), digest_size=8).hexdigest()


def _tell_nobody(part: float) -> None:
    del part


def _unseen(vectors: Matrix, matrix: Any, labels: NDArray[np.int64], intents: int, told: Callable[[float], None]) -> Matrix:
    """Scores of every example from a model that was trained without it."""
    chance = np.random.default_rng(0)
    fold = np.zeros(len(labels), dtype=np.int64)
    for intent in range(intents):
        members = chance.permutation(np.flatnonzero(labels == intent))
        fold[members] = np.arange(len(members)) % FOLDS
    scores = np.zeros((len(labels), intents), dtype=np.float32)
    for number in range(FOLDS):
        seen, held = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        if len(seen) and len(held):
            fitted = learner.train(vectors[seen], matrix[seen], labels[seen], intents, seed=number)
            scores[held] = fitted.scores(vectors[held], []) + matrix[held] @ fitted.sparse
        told(0.35 + 0.4 * (number + 1) / FOLDS)
    return scores


def _likeness(vectors: Matrix, labels: NDArray[np.int64], intents: int) -> Matrix:
    centres = np.zeros((intents, vectors.shape[1]), dtype=np.float32)
    for intent in np.unique(labels):
        centres[intent] = vectors[labels == intent].mean(axis=0)
    centres -= centres.mean(axis=0)
    centres /= np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-9)
    likeness: Matrix = (centres @ centres.T).astype(np.float32)
    return likeness


def _with_parts(whole: Matrix, parts: Matrix) -> Matrix:
    """The whole of a long message and its best part for each intent, as one row of probabilities."""
    best = np.log(whole + 1e-6) + PARTS_COUNT * np.log(parts.max(axis=0) + 1e-3)
    powers = np.exp((best - best.max()) / (1 + PARTS_COUNT))
    shares: Matrix = (powers / powers.sum()).astype(np.float32)
    return shares
