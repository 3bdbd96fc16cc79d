"""Whatever the facts and the moment: no brace, no fact that is over, no place that only agents may know."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.facts import LISTS
from knowledge.library import Library
from knowledge.pack_files import shipped_floor
from knowledge.records import Contents, Fact, Published, Situation

NOW = datetime(2026, 9, 14, 19, 40, tzinfo=UTC)
MINUTES = st.integers(-600, 600).map(lambda minutes: NOW + timedelta(minutes=minutes))
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=40).filter(
    lambda text: text.strip() != ""
)
TYPES = sorted(LISTS.items())


@st.composite
def some_facts(draw: st.DrawFn) -> list[Fact]:
    facts = []
    for number in range(draw(st.integers(0, 6))):
        _, type_ = draw(st.sampled_from(TYPES[:3]))
        expires_at, public = draw(MINUTES), draw(st.booleans())
        mark = f"MARK{number}END{'' if public else 'SECRET'}"
        data = {"name": f"{mark} {draw(WORDS)}", "status": draw(st.sampled_from(["open", "full", "closed", "limited"]))}
        facts.append(Fact(type_, f"key{number}", data, expires_at - timedelta(hours=2), expires_at, public=public))
    return facts


@st.composite
def some_messages(draw: st.DrawFn) -> list[Published]:
    names = [name for name, _ in TYPES[:3]] + ["asof", "city", "unknown"]
    messages = []
    for number in range(draw(st.integers(1, 4))):
        slots = draw(st.lists(st.sampled_from(names), max_size=3))
        text = " ".join(["Go.", *(f"{{{slot}}}." for slot in slots), f"VERSION{number}END"])
        begins = draw(MINUTES)
        window = (begins, begins + timedelta(minutes=draw(st.integers(1, 300))))
        texts = {"en": dict.fromkeys(("sms", "web", "voice"), text)}
        messages.append(Published(f"x.v{number}", 1, "x", texts, position=number, valid_from=window[0], expires_at=window[1]))
    return messages


@settings(max_examples=300, deadline=None)
@given(some_facts(), some_messages(), st.lists(MINUTES, min_size=1, max_size=4), WORDS)
def test_nothing_over_or_secret_is_said(facts: list[Fact], messages: list[Published], moments: list[datetime], city: str) -> None:
    library = Library(Contents(1, (), tuple(messages), tuple(facts), {"city": city}), floor=shipped_floor())
    for now in moments:
        for channel in ("sms", "web", "voice"):
            said = library.answer("x", Situation("en", channel, now))
            spoken = "\n".join((said.text, *said.more, said.html or ""))
            assert "{" not in spoken
            assert "}" not in spoken
            assert "SECRET" not in spoken
            for number, fact in enumerate(facts):
                assert f"MARK{number}END" not in spoken or (fact.expires_at > now and fact.data["status"] not in ("full", "closed"))
            for number, message in enumerate(messages):
                assert f"VERSION{number}END" not in spoken or message.valid_from <= now < message.expires_at


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200))
def test_what_a_resident_typed_stays_words(place: str) -> None:
    texts = {"en": dict.fromkeys(("sms", "web", "voice"), "Near {place}. OK.")}
    library = Library(Contents(1, (), (Published("system.a", 1, None, texts),)), floor=shipped_floor())
    for channel in ("sms", "web", "voice"):
        said = library.say("system.a", Situation("en", channel, NOW), place=place)
        assert "{" not in said.text
        assert "<script" not in (said.html or "")
        assert not said.missing
