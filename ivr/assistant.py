"""The assistant on the phone: keys, silence and reading on are answered here, from the approved messages; words go to the
assistant inside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from bot.topics.choices import chosen
from ivr import flow
from ivr.reading import Piece, fresh, pieces_of, rest_of
from knowledge.library import Library, Situation
from server import clock
from server.conversations.ports import Assistant
from server.conversations.turn import Answered, Asked, Channel, Option, Outcome, Part

MOST_OPTIONS: Final = 5
"""More choices than this are forgotten before the last one is heard; it also keeps 9 free for "again"."""
LADDER: Final = 3
"""The third silence or miss in a row goes to a person."""
UNSURE: Final = 0.3
"""Below this the recogniser itself doubts what it heard."""

_SAID: Final[dict[str, str]] = {
    **dict.fromkeys(
        ("more", "tell me more", "go on", "continue", "keep going", "más", "mas", "siga", "continúe", "hay más"), "more"
    ),
    **dict.fromkeys(("again", "repeat", "repeat that", "say that again", "say it again", "one more time"), flow.AGAIN),
    **dict.fromkeys(("repita", "repetir", "otra vez", "repítalo", "de nuevo", "dígalo otra vez"), flow.AGAIN),
    **dict.fromkeys(("menu", "main menu", "menú", "menú principal", "opciones", "options"), flow.CHOICES),
}
"""Whole utterances that steer the reading; they are recognised here so that they work without the model."""


class PhoneAssistant:
    """Wraps another assistant for calls; everything that is no call passes through.

    Keeps in the conversation's memory: `options` (what the number keys choose), `heard` and `rest` (the pieces of the answer being
    read), `silences` and `voice_misses` (rungs of the two ladders)."""

    def __init__(self, inner: Assistant, *, library: Callable[[], Library]) -> None:
        self._inner = inner
        self._library = library

    async def respond(self, asked: Asked) -> Answered:
        """Answers one turn of a call."""
        if asked.channel is not Channel.IVR:
            return await self._inner.respond(asked)
        turn = _Turn(asked, self._library())
        if asked.kind in ("silence", "start"):
            return turn.silence()
        if asked.kind == "keys":
            return turn.key(asked.text)
        confidence: float | None = getattr(asked, "confidence", None)
        if confidence is not None and confidence < UNSURE:
            return turn.miss()
        steering = _SAID.get(asked.text.casefold().strip(" .,!?¿¡"))
        if steering is not None and (steering == flow.CHOICES or turn.heard):
            return turn.key(steering)
        return turn.finish(await self._inner.respond(asked))


class _Turn:
    """One turn of a call and the messages in force for it."""

    def __init__(self, asked: Asked, library: Library) -> None:
        self.asked = asked
        self.library = library
        self.situation = Situation(language=asked.language, channel="voice", now=clock.now(), place=asked.place)
        self.options: list[dict[str, str]] = list(asked.memory.get("options") or [])
        self.heard = pieces_of(asked.memory.get("heard"))
        self.rest = pieces_of(asked.memory.get("rest"))

    def silence(self) -> Answered:
        """Nothing was heard: a shorter question, then keys only, then a person."""
        before = self.asked.memory.get("silences")
        if before is None:
            before = 1 if self.asked.memory.get("unclear_said") else 0
        silences = int(before) + 1
        if silences >= LADDER:
            return self._person("no_input_x3")
        if silences == 1:
            return self._answered(Outcome.REPROMPT, self._say("system.no_input"), memory={"silences": 1})
        return self._choices("system.no_input_keys", Outcome.REPROMPT, memory={"silences": silences})

    def miss(self) -> Answered:
        """Something came that could not be made out: another wording, then keys only, then a person."""
        misses = int(self.asked.memory.get("voice_misses") or 0) + 1
        if misses >= LADDER:
            return self._person("no_match_x3")
        memory = {"voice_misses": misses, "silences": 0}
        if misses == 1:
            return self._choices("system.voice_prompt", Outcome.REPROMPT, memory=memory)
        return self._choices("system.no_input_keys", Outcome.REPROMPT, memory=memory)

    def key(self, key: str) -> Answered:
        """A key, or a word that stands for one."""
        if key in (flow.PERSON, "0"):
            return self._person("user_request")
        if key in (flow.ENGLISH, flow.SPANISH):
            return self._answered(Outcome.MENU_CHOICE, self._say("system.greeting_voice"), options=[], heard=[], rest=[])
        if key == flow.CHOICES:
            return self._choices("system.voice_prompt", Outcome.MENU)
        if key == flow.BACK:
            return self._back()
        if key == flow.AGAIN:
            return self._again()
        if key == "more" or (key == "1" and self.rest and not self.options):
            return self._more()
        if key == "2" and self.asked.memory.get("asked") == "unclear":
            return self._answered(Outcome.MENU_CHOICE, self._say("system.not_emergency"))
        return self._chosen(chosen(key, self.options))

    def finish(self, answered: Answered) -> Answered:
        """What the assistant inside answered, fit for the ear: at most five choices, and a way on after an answer."""
        if answered.handoff:
            return replace(answered, memory={**answered.memory, "silences": 0, "voice_misses": 0})
        if answered.outcome is Outcome.MENU:
            # The assistant without a model answers with the choices when it did not understand.
            return self.miss() if answered.engine == "menu" else self._choices("system.voice_prompt", Outcome.MENU, base=answered)
        if answered.outcome in (Outcome.REPROMPT, Outcome.OUT_OF_SCOPE):
            misses = int(self.asked.memory.get("voice_misses") or 0) + 1
            if misses >= LADDER:
                return self._person("no_match_x3")
            return replace(answered, memory={**answered.memory, "silences": 0, "voice_misses": misses})
        memory: dict[str, Any] = {**answered.memory, "silences": 0, "voice_misses": 0}
        parts = answered.parts
        if answered.outcome in (Outcome.ANSWER, Outcome.MENU_CHOICE, Outcome.FORM):
            spoken = [part for part in parts if part.role == "answer"]
            rest = rest_of(spoken)
            memory |= {"heard": [Piece.of(part).to_json() for part in spoken], "rest": [piece.to_json() for piece in rest]}
            if spoken and not answered.options and answered.outcome is not Outcome.FORM:
                parts = (*parts, self._say("system.more_prompt" if rest else "system.anything_else"))
        return replace(answered, parts=parts, memory=memory)

    def _chosen(self, topic: str | None) -> Answered:
        if topic == "talk_to_agent":
            return self._person("user_request")
        if topic is None or topic not in self.library.topics:
            return self.miss() if self.options else self._choices("system.voice_prompt", Outcome.MENU)
        said = self.library.answer(topic, self.situation)
        answered = Answered(
            Outcome.MENU_CHOICE,
            (Part.of(said, "answer"),),
            topic,
            tracker=self.asked.tracker,
            memory={"options": [], "topics_said": [topic]},
            engine="menu",
        )
        return self.finish(answered)

    def _more(self) -> Answered:
        if not self.rest:
            return self._answered(Outcome.REPROMPT, self._say("system.no_more"))
        return self._read([self.rest[0]], self.rest[1:])

    def _again(self) -> Answered:
        if self.options:
            options = tuple(Option(option["value"], option["label"]) for option in self.options)
            return self._offer("system.voice_prompt", Outcome.MENU, options, memory={})
        if not self.heard:
            return self._answered(Outcome.REPROMPT, self._say("system.nothing_to_repeat"))
        return self._read(self.heard, self.rest)

    def _back(self) -> Answered:
        """The piece before the one that was read; from the first piece, and from anywhere else, the choices."""
        earlier = [piece.before(self.library, self.situation) for piece in self.heard]
        if self.options or not earlier or any(piece is None for piece in earlier):
            return self._choices("system.voice_prompt", Outcome.MENU)
        return self._read([piece for piece in earlier if piece is not None], [*self.heard, *self.rest])

    def _read(self, pieces: list[Piece], rest: list[Piece]) -> Answered:
        """Reads pieces of an answer, in the words in force now: one that was changed or withdrawn meanwhile starts anew."""
        current = [fresh(piece, self.library, self.situation) for piece in pieces]
        if any(part.reference != piece.reference for part, piece in zip(current, pieces, strict=True)):
            rest = rest_of(current)
        parts = tuple(replace(part, more=()) for part in current)
        tail = self._say("system.more_prompt" if rest else "system.anything_else")
        heard = [Piece.of(part).to_json() for part in parts]
        return self._answered(
            Outcome.ANSWER, *parts, tail, topic=self.asked.topic, heard=heard, rest=[piece.to_json() for piece in rest], options=[]
        )

    def _choices(
        self, message_id: str, outcome: Outcome, *, memory: dict[str, Any] | None = None, base: Answered | None = None
    ) -> Answered:
        language = self.situation.language
        wanted = [*(option.value for option in base.options)] if base else [*self.library.menu(language)]
        options = tuple(Option(intent, self.library.title(intent, language)) for intent in wanted if intent in self.library.topics)[
            :MOST_OPTIONS
        ]
        return self._offer(message_id, outcome, options, memory=memory or {})

    def _offer(self, message_id: str, outcome: Outcome, options: tuple[Option, ...], *, memory: dict[str, Any]) -> Answered:
        lines = "\n".join(f"{number}. {option.label}" for number, option in enumerate(options, 1))
        said = self.library.say(message_id, self.situation, options=lines)
        stored = [{"value": option.value, "label": option.label} for option in options]
        answered = self._answered(outcome, Part.of(said, "system"), options=stored, heard=[], rest=[], **memory)
        return replace(answered, options=options)

    def _person(self, reason: str) -> Answered:
        memory = {"options": [], "silences": 0, "voice_misses": 0}
        return Answered(
            Outcome.AGENT, topic="talk_to_agent", handoff=reason, engine="menu", tracker=self.asked.tracker, memory=memory
        )

    def _say(self, message_id: str) -> Part:
        return Part.of(self.library.say(message_id, self.situation), "system")

    def _answered(
        self, outcome: Outcome, *parts: Part, topic: str | None = None, memory: dict[str, Any] | None = None, **remember: Any
    ) -> Answered:
        kept = {"silences": 0, "voice_misses": 0, **remember, **(memory or {})}
        return Answered(outcome, parts, topic, engine="menu", tracker=self.asked.tracker, memory=kept)
