"""TwiML for the steps of a call. Every document ends by listening, dialing or going on; none hangs up or falls silent."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from twilio.twiml.voice_response import Dial, Gather, VoiceResponse

from ivr import links
from ivr.flow import LISTEN, Stage
from ivr.hints import hints
from ivr.links import Links, Position
from knowledge.library import Library, Said
from server.conversations.turn import Part
from server.twilio.http import xml_text

VOICES: Final[dict[str, tuple[str, str]]] = {"en": ("Polly.Joanna-Neural", "en-US"), "es": ("Polly.Lupe-Neural", "es-US")}
"""Voice and locale by language; a pair that does not match makes Twilio fail the `<Say>`."""
LONGEST_SAY: Final = 2900
"""Twilio cuts off what a Polly voice says after 3,000 characters (error 13521)."""
CARD_PAUSE: Final = 3
RING: Final = 30
LONGEST_RECORDING: Final = 118
"""Seconds; Twilio writes down no recording of two minutes or more."""

_BILINGUAL: Final = frozenset({"system.greeting_voice", "system.static"})
_SPANISH: Final = re.compile(r"[áéíóúñ¿¡]|\b(?:si es|para|ahora|llame|oprima|marque)\b", re.IGNORECASE)
_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+")


@dataclass(frozen=True)
class Spoken:
    """Words in a language."""

    text: str
    language: str


def spoken(items: Iterable[Part | Said]) -> list[Spoken]:
    """Approved texts as they are spoken. A text for callers of both languages is said in both voices."""
    out: list[Spoken] = []
    for item in items:
        if item.message_id not in _BILINGUAL:
            out.append(Spoken(item.text, item.language))
            continue
        sentences = [(("es" if _SPANISH.search(sentence) else "en"), sentence) for sentence in _SENTENCE.split(item.text)]
        for language, group in groupby(sentences, key=lambda pair: pair[0]):
            out.append(Spoken(" ".join(sentence for _, sentence in group), language))
    return out


@dataclass(frozen=True)
class Script:
    """Writes the documents of one call."""

    links: Links
    library: Library

    def listen(self, words: Sequence[Spoken], position: Position) -> VoiceResponse:
        """Says something and listens for what the stage expects."""
        response = VoiceResponse()
        action = self.links.to(links.TURN, position)
        gather = self._gather(position, action)
        say_all(gather, words)
        response.append(gather)
        response.redirect(action, method="POST")
        return response

    def emergency(
        self, card: Sequence[Spoken], position: Position, *, psap: str, caller: str | None, pause: int = CARD_PAUSE
    ) -> VoiceResponse:
        """The 911 line, three seconds in which `2` says that it is no emergency, and then the 911 center. The transfer stands in
        the same document, so that it happens even if we are gone by then. After a number that did not answer there is no pause."""
        response = VoiceResponse()
        gather = Gather(
            input="dtmf",
            num_digits=1,
            timeout=1,
            finish_on_key="",
            language=locale_of(position.language),
            profanity_filter=False,
            action=self.links.to(links.TURN, position),
            method="POST",
        )
        say_all(gather, card)
        if pause:
            gather.pause(length=pause)
        response.append(gather)
        response.append(self._transfer(position, psap=psap, caller=caller))
        return response

    def connect(self, position: Position, *, psap: str, caller: str | None, words: Sequence[Spoken] = ()) -> VoiceResponse:
        """The 911 center at once."""
        response = VoiceResponse()
        say_all(response, words)
        response.append(self._transfer(position, psap=psap, caller=caller))
        return response

    def wait(self, words: Sequence[Spoken], position: Position) -> VoiceResponse:
        """One round of waiting: what there is to say, the hold sound, and an ear for emergencies all along."""
        response = VoiceResponse()
        action = self.links.to(links.TURN, position)
        gather = self._gather(position, action)
        say_all(gather, words)
        gather.play(self.links.base + links.HOLD)
        response.append(gather)
        response.redirect(action, method="POST")
        return response

    def record(self, words: Sequence[Spoken], position: Position, *, written: bool) -> VoiceResponse:
        """Says what a recording is for, and records; `written` has its words sent to us. Who says nothing goes on being heard."""
        response = VoiceResponse()
        say_all(response, words)
        written_to = {"transcribe": True, "transcribe_callback": self.links.to(links.TRANSCRIPT, position)} if written else {}
        response.record(
            action=self.links.to(links.RECORDED, position),
            method="POST",
            max_length=LONGEST_RECORDING,
            timeout=5,
            finish_on_key="#",
            play_beep=True,
            **written_to,
        )
        response.redirect(self.links.to(links.TURN, position), method="POST")
        return response

    def hold_on(self, words: Sequence[Spoken], position: Position) -> VoiceResponse:
        """Says something and goes to the waiting line."""
        response = VoiceResponse()
        say_all(response, words)
        response.redirect(self.links.to(links.WAIT, position), method="POST")
        return response

    def agent(self, words: Sequence[Spoken], position: Position, *, number: str, caller: str | None) -> VoiceResponse:
        """Says something and rings the agents' line."""
        response = VoiceResponse()
        say_all(response, words)
        dial = Dial(action=self.links.to(links.AGENT, position), method="POST", timeout=RING, caller_id=caller)
        dial.number(number)
        response.append(dial)
        return response

    def office(self, words: Sequence[Spoken], *, number: str, action: str, caller: str | None) -> VoiceResponse:
        """Says something and rings another office."""
        response = VoiceResponse()
        say_all(response, words)
        dial = Dial(action=action, method="POST", timeout=RING, caller_id=caller)
        dial.number(number)
        response.append(dial)
        return response

    def _transfer(self, position: Position, *, psap: str, caller: str | None) -> Dial:
        dial = Dial(action=self.links.to(links.EMERGENCY, position), method="POST", timeout=RING, caller_id=caller)
        dial.number(psap, url=self.links.to(links.WHISPER, position), method="POST")
        return dial

    def _gather(self, position: Position, action: str) -> Gather:
        ear = LISTEN[position.stage]
        heard: dict[str, Any] = {}
        if ear.speech:
            heard = {"speech_model": "phone_call", "speech_timeout": 2, "hints": hints(self.library, position.language)}
            if position.stage is not Stage.CARD:
                # Who has just been given the 911 line may go on speaking without hearing it again in the middle of a word.
                heard |= {"partial_result_callback": self.links.to(links.PARTIAL, position)}
        return Gather(
            input="dtmf speech" if ear.speech else "dtmf",
            num_digits=ear.digits,
            timeout=ear.timeout,
            finish_on_key="",
            language=locale_of(position.language),
            profanity_filter=False,
            action_on_empty_result=True,
            action=action,
            method="POST",
            **heard,
        )


def whisper(words: Sequence[Spoken]) -> VoiceResponse:
    """What the person who answers a transfer hears before the caller is put through."""
    response = VoiceResponse()
    say_all(response, words)
    if not words:
        response.pause(length=1)
    return response


def locale_of(language: str) -> str:
    """The locale of a language, English for one that has no voice."""
    return VOICES.get(language, VOICES["en"])[1]


def say_all(verb: Any, words: Sequence[Spoken]) -> None:
    """Lets a verb say words, in pieces that Twilio does not cut off."""
    for item in words:
        voice, locale = VOICES.get(item.language, VOICES["en"])
        for piece in _pieces(xml_text(item.text)):
            verb.say(piece, voice=voice, language=locale)


def _pieces(text: str) -> list[str]:
    pieces: list[str] = []
    for sentence in _SENTENCE.split(text.strip()):
        rest = sentence
        while rest:
            if pieces and len(pieces[-1]) + 1 + len(rest) <= LONGEST_SAY:
                pieces[-1] = f"{pieces[-1]} {rest}"
                break
            pieces.append(rest[:LONGEST_SAY])
            rest = rest[LONGEST_SAY:]
    return pieces
