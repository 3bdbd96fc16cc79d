"""TwiML of a talk with an agent: the agent's part until they press 1, and the conference for both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from twilio.twiml.voice_response import Dial, Gather, VoiceResponse

from desk.voice.effects import CONFERENCE, KEY, LEFT, SOUND, TALKED, address, room
from ivr.twiml import Spoken, locale_of, say_all

KEY_SECONDS: Final = 6
TELLS: Final = "start end join leave hold"
"""What Twilio tells of the conference (`statusCallbackEvent`)."""


@dataclass(frozen=True)
class TalkScript:
    """Writes the documents around one leg."""

    base: str
    token: str

    def ask_for_key(self, words: Sequence[Spoken], *, language: str, again: int) -> VoiceResponse:
        """Tells the agent who is calling and waits for a key. A mailbox presses none."""
        response = VoiceResponse()
        gather = Gather(
            input="dtmf",
            num_digits=1,
            timeout=KEY_SECONDS,
            finish_on_key="",
            language=locale_of(language),
            profanity_filter=False,
            action_on_empty_result=True,
            action=address(self.base, KEY, l=self.token, again=str(again)),
            method="POST",
        )
        say_all(gather, words)
        response.append(gather)
        return response

    def agent_in(self) -> VoiceResponse:
        """The agent's way into the conference."""
        return self._into([], who="agent", action=address(self.base, LEFT, l=self.token))

    def caller_in(self, words: Sequence[Spoken], *, sid: str) -> VoiceResponse:
        """The caller's way into the conference; when it ends, whoever ended it, the call goes on with us."""
        return self._into(words, who="caller", action=address(self.base, TALKED, c=sid, l=self.token))

    def _into(self, words: Sequence[Spoken], *, who: Literal["agent", "caller"], action: str) -> VoiceResponse:
        response = VoiceResponse()
        say_all(response, words)
        dial = Dial(action=action, method="POST")
        # Whoever leaves ends it, so that nobody is ever alone in it. Nothing is recorded.
        dial.conference(
            room(self.token),
            start_conference_on_enter=True,
            end_conference_on_exit=True,
            beep="false",
            participant_label=who,
            max_participants=2,
            record="do-not-record",
            wait_url=self.base + SOUND,
            wait_method="GET",
            status_callback=address(self.base, CONFERENCE, l=self.token),
            status_callback_method="POST",
            status_callback_event=TELLS,
        )
        response.append(dial)
        return response


def farewell(words: Sequence[Spoken]) -> VoiceResponse:
    """The last that an agent hears; the call ends after it."""
    response = VoiceResponse()
    say_all(response, words)
    response.hangup()
    return response
