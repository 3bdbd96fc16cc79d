"""Trying the assistant: what a resident would get, with what was understood, and nothing stored as a conversation."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Final

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.published import from_example, matched
from bot.topics.choices import asks_for_person
from bot.triage.decision import Decision
from bot.triage.engine import Context
from knowledge import pack_files, store
from knowledge.library import Library, Situation
from knowledge.models import MessageVersion, TopicRow
from knowledge.phrasings import Match
from knowledge.records import Incident, Published
from knowledge.topics import PHASES, Topic
from server import clock
from server.assembly import Service
from server.conversations import words
from server.conversations.carrier import carrier_word
from server.conversations.ownership import Owner
from server.conversations.plan import Plan, Standing, Step, plan_turn
from server.conversations.ports import Assistant, InLine
from server.conversations.turn import Answered, Asked, Channel, Inbound, Outcome, Part, Reply

log = structlog.get_logger()

LONGEST: Final = 1600
"""As long as one inbound text may be."""
_RANKED: Final = 4


@dataclass(frozen=True)
class Question:
    """What is tried: a message as one channel would bring it in, and the state of things to answer it in."""

    text: str
    channel: Channel = Channel.SMS
    language: str | None = None
    place: str | None = None
    phase: str | None = None
    draft: int | None = None
    """A version that is taken for published."""


@dataclass(frozen=True)
class Tried:
    """The reply as a resident would get it, and why."""

    reply: Reply
    decision: Decision
    match: Match | None
    ranking: tuple[tuple[str, int], ...]
    """The nearest topics and how probable each is, in percent."""
    sure: int | None


def tried_library(session: Session, *, phase: str | None, draft: int | None, live: Library) -> Library:
    """The library as it is, or as it would be in another phase or with a draft published."""
    if phase not in PHASES[1:] and draft is None:
        return live
    contents = store.read_contents(session)
    if phase in PHASES[1:]:
        now = [replace(incident, phase=str(phase)) for incident in contents.incidents]
        incidents = tuple(now) or (Incident("", "all", str(phase), "monitor", (), clock.now()),)
        contents = replace(contents, incidents=incidents)
    version = session.get(MessageVersion, draft) if draft is not None else None
    if version is not None:
        said = Published(
            version.message_id, version.version, version.intent, version.texts, tuple(version.phases), version.position
        )
        messages = tuple(one for one in contents.messages if one.message_id != version.message_id)
        contents = replace(contents, messages=(*messages, said))
        if version.intent and version.intent not in {topic.intent for topic in contents.topics}:
            data = session.scalar(select(TopicRow.data).where(TopicRow.intent == version.intent))
            if data is not None:
                contents = replace(contents, topics=(*contents.topics, Topic.from_data(data)))
    return Library(contents, floor=pack_files.shipped_floor())


def ask(question: Question, *, service: Service, library: Library) -> Tried:
    """Takes a message the way of a turn, from the triage to the rendered words, without a conversation. Runs in a thread."""
    text = question.text[:LONGEST]
    decision = service.triage.assess(text, context=Context(channel=question.channel.value))
    carrier = carrier_word(text, provider=None, opted_out=False) if question.channel is Channel.SMS else None
    plan = plan_turn(decision=decision, standing=Standing(Owner.BOT, latched=False, opted_out=False), carrier=carrier, text=text)
    language = question.language or service.spine.detect(text, current="en", fixed=False)[0]
    asked = Asked(
        conversation_id=0,
        reference="",
        channel=question.channel,
        kind="speech" if question.channel is Channel.IVR else "text",
        text=text,
        language=language,
        place=question.place,
        topic=None,
        memory={},
        tracker=None,
        level=decision.level.value,
        category=decision.category,
    )
    match, answered = None, None
    if plan.step is Step.ASSIST:
        match, answered = _answer(asked, service=service, library=library)
    reply = _compose(asked, question, plan, decision, answered, library)
    ranking, sure = _understood(asked, service=service)
    return Tried(reply, decision, match, ranking, sure)


def _answer(asked: Asked, *, service: Service, library: Library) -> tuple[Match | None, Answered | None]:
    match = matched(asked, library=library)
    if match is not None and (service.assistant is None or not service.assistant.knows(match.intent, match.example)):
        return match, from_example(asked, match, library=library)
    for assistant in service.spine.assistants:
        try:
            answered = asyncio.run(_respond(assistant, asked))
        except Exception as error:
            # As in a turn of a resident, the next assistant down is asked.
            log.warning("trial.failed", error=repr(error))
            continue
        return None, _in(library, asked, answered)
    return None, None


async def _respond(assistant: Assistant, asked: Asked) -> Answered:
    return await assistant.respond(asked)


def _in(library: Library, asked: Asked, answered: Answered) -> Answered:
    """The answer in the words of the library that is tried, which may not be the one in force."""
    topic = answered.topic
    if answered.outcome not in (Outcome.ANSWER, Outcome.MENU_CHOICE) or topic is None or topic not in library.topics:
        return answered
    language = answered.language or asked.language
    situation = Situation(language=language, channel=asked.channel.words, now=clock.now(), place=asked.place)
    topics = answered.topics or (topic,)
    said = [Part.of(library.answer(topic, situation), "answer") for topic in topics if topic in library.topics]
    return replace(answered, parts=(*said, *(part for part in answered.parts if part.role != "answer")))


def _compose(
    asked: Asked, question: Question, plan: Plan, decision: Decision, answered: Answered | None, library: Library
) -> Reply:
    inbound = Inbound(channel=question.channel, claim="try", key="try", text=asked.text, kind=asked.kind)
    language = (answered and answered.language) or asked.language
    return words.compose(
        plan=plan,
        answered=answered,
        library=library,
        situation=Situation(language=language, channel=question.channel.words, now=clock.now(), place=question.place),
        inbound=inbound,
        decision=decision,
        standing=words.Around(
            first=False,
            line=InLine(place=1),
            latched_card=None,
            speak_while_waiting=True,
            language_sure=question.language is not None,
            conversation="",
            owner="bot",
        ),
    )


def _understood(asked: Asked, *, service: Service) -> tuple[tuple[tuple[str, int], ...], int | None]:
    model = service.assistant.topic_model if service.assistant is not None else None
    if model is None or asks_for_person(asked.text):
        return (), None
    understood = model.understand(asked.text, language=asked.language)
    ranking = tuple((name, round(100 * share)) for name, share in understood.ranking[:_RANKED])
    return ranking, round(100 * understood.confidence)
