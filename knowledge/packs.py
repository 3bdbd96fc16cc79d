"""Loading packs into the database: again and again, changing only what has changed and never what staff have made their own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from knowledge import lifecycle
from knowledge.changes import bump_revision
from knowledge.export import export_packs
from knowledge.fact_rows import at
from knowledge.lifecycle import STANDING, State, Wording
from knowledge.models import CityValue, FactRow, IncidentRow, MessageVersion, TopicRow
from knowledge.pack_facts import PackFact, fact_at
from knowledge.pack_files import Pack, read_pack
from server import clock
from server.audit.service import record
from server.errors import BadInput

__all__ = ["PackReport", "export_packs", "load_packs"]


@dataclass
class PackReport:
    """What loading changed. `for_review` names texts that staff had reworded: what the pack says now became a draft."""

    published: list[str] = field(default_factory=list)
    for_review: list[str] = field(default_factory=list)
    topics: list[str] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)
    city: list[str] = field(default_factory=list)
    incidents: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        counts = ", ".join(f"{len(names)} {what}" for what, names in self._lists().items() if names)
        drafts = f" Reworded by staff, so drafted for review: {', '.join(self.for_review)}." if self.for_review else ""
        return (f"Changed: {counts}." if counts else "Nothing changed.") + drafts

    def add(self, other: PackReport) -> None:
        """Adds what another pack changed."""
        for what, names in other._lists().items():
            self._lists()[what].extend(names)

    def _lists(self) -> dict[str, list[str]]:
        return {
            "messages": self.published,
            "drafts": self.for_review,
            "topics": self.topics,
            "facts": self.facts,
            "city values": self.city,
            "incidents": self.incidents,
        }

    @property
    def changed(self) -> bool:
        """True when anything was written."""
        return any(self._lists().values())


def load_packs(session: Session, *, packs_dir: Path, names: Iterable[str], actor: str, training: bool) -> PackReport:
    """Reads packs and publishes them in the caller's transaction, approved by `actor`. A second run changes nothing that is
    unchanged; a changed text becomes a new version. In training mode what has run out is made fresh again, and fictional packs
    may be loaded; live, they are refused."""
    total = PackReport()
    for pack in [read_pack(packs_dir / name) for name in names]:
        if pack.fictional and not training:
            raise BadInput(f"The pack {pack.name} is a fictional city. It can only be loaded in training mode.")
        report = PackReport()
        _Loading(session, pack, actor, training, report).run()
        total.add(report)
    return total


@dataclass(frozen=True)
class _Loading:
    session: Session
    pack: Pack
    actor: str
    training: bool
    report: PackReport

    @property
    def author(self) -> str:
        """Who a pack's own texts and facts are by, as long as staff have not touched them."""
        return f"pack:{self.pack.name}"

    def run(self) -> None:
        """Loads one pack."""
        now = clock.now()
        self._topics(now)
        self._messages(now)
        self._facts(now)
        self._city(now)
        self._incident(now)
        report = self.report
        detail = {"topics": report.topics, "facts": report.facts, "city": report.city, "incidents": report.incidents}
        if any(detail.values()):
            record(self.session, actor=self.actor, action="pack.loaded", subject=self.author, detail=detail)
            bump_revision(self.session)

    def _topics(self, now: datetime) -> None:
        rows = {row.intent: row for row in self.session.scalars(select(TopicRow))}
        for position, topic in enumerate(self.pack.topics):
            row, data = rows.get(topic.intent), topic.data()
            if row is not None and (row.data == data or row.pack != self.pack.name):
                continue
            if row is None:
                row = TopicRow(intent=topic.intent, position=position, active=True, pack=self.pack.name)
                self.session.add(row)
            row.title, row.data, row.updated_at = dict(topic.title), data, now
            self.report.topics.append(topic.intent)

    def _messages(self, now: datetime) -> None:
        versions: dict[str, list[MessageVersion]] = {}
        for version in self.session.scalars(select(MessageVersion).order_by(MessageVersion.version)):
            versions.setdefault(version.message_id, []).append(version)
        publish: list[Wording] = []
        for wording in _wordings(self.pack):
            held = versions.get(wording.message_id, [])
            ours = [version for version in held if version.author == self.author]
            if ours and _same(ours[-1], wording) and not (self.training and _ran_out(held[-1], now)):
                continue
            if held and held[-1].author != self.author:
                lifecycle.draft(self.session, wording=wording, author=self.author)
                self.report.for_review.append(wording.message_id)
            else:
                publish.append(wording)
        made = lifecycle.publish_imported(
            self.session,
            wordings=publish,
            author=self.author,
            approver=self.actor,
            pack=self.pack.name,
            expires_at=now + STANDING,
        )
        self.report.published.extend(version.reference for version in made)

    def _facts(self, now: datetime) -> None:
        rows = {(row.type, row.key): row for row in self.session.scalars(select(FactRow))}
        for fact in self.pack.facts:
            row = rows.get((fact.type, fact.key))
            if row is not None and (row.updated_by != self.author or not self._stale(row, fact, now)):
                continue
            if row is None:
                row = FactRow(type=fact.type, key=fact.key, pack=self.pack.name)
                self.session.add(row)
            fresh = fact_at(fact, now)
            row.data, row.position, row.source, row.owner = dict(fact.data), fact.position, fact.source, fact.owner
            row.visibility, row.as_of, row.expires_at = fact.visibility, fresh.as_of, fresh.expires_at
            row.updated_by, row.updated_at = self.author, now
            self.report.facts.append(f"{fact.type}:{fact.key}")

    def _stale(self, row: FactRow, fact: PackFact, now: datetime) -> bool:
        changed = (row.data, row.source, row.owner, row.visibility) != (dict(fact.data), fact.source, fact.owner, fact.visibility)
        fresh = fact_at(fact, now)
        # What was exported may be over: its times are told as they were, and never moved to make it look fresh.
        newer = fact.fixed and (row.as_of, row.expires_at) != (fresh.as_of, fresh.expires_at)
        return changed or newer or (self.training and not fact.fixed and row.expires_at <= now)

    def _city(self, now: datetime) -> None:
        rows = {row.name: row for row in self.session.scalars(select(CityValue))}
        for name, value in self.pack.city.items():
            row = rows.get(name)
            if row is not None and (row.updated_by != self.author or row.value == value):
                continue
            if row is None:
                row = CityValue(name=name)
                self.session.add(row)
            row.value, row.updated_by, row.updated_at = value, self.author, now
            self.report.city.append(name)

    def _incident(self, now: datetime) -> None:
        one = self.pack.incident
        if one is None or self.session.scalar(select(IncidentRow.id).where(IncidentRow.pack == self.pack.name)) is not None:
            return
        self.session.add(
            IncidentRow(
                name=one.name,
                hazard=one.hazard,
                phase=one.phase,
                level=one.level,
                zones=list(one.zones),
                pack=self.pack.name,
                started_at=at(one.started, now),
            )
        )
        self.report.incidents.append(one.name)


def _wordings(pack: Pack) -> list[Wording]:
    wordings = [Wording(one.message_id, one.texts, one.owner, one.source) for one in pack.system]
    for topic in pack.topics:
        source = "; ".join(topic.sources)
        wordings.extend(
            Wording(f"{topic.intent}.{message.variant}", message.texts, topic.owner, source, topic.intent, message.phases, position)
            for position, message in enumerate(topic.messages)
        )
    return wordings


def _same(version: MessageVersion, wording: Wording) -> bool:
    texts = {language: dict(channels) for language, channels in wording.texts.items()}
    return version.texts == texts and tuple(version.phases) == wording.phases and version.position == wording.position


def _ran_out(version: MessageVersion, now: datetime) -> bool:
    if version.state == State.EXPIRED.value:
        return True
    return version.state == State.PUBLISHED.value and version.expires_at is not None and version.expires_at <= now
