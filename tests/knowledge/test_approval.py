"""Which messages need two people: every shipped one has its row, and what has none needs two."""

from __future__ import annotations

import pytest

from knowledge import approval
from knowledge.approval import Kind, Rule, rule_for
from knowledge.library import PACKS, Library

TOPICS = (approval.PROTECTIVE, approval.CLOSURES, approval.ROUTINE)
TEMPLATES = (approval.PLAN_PROTECTIVE, approval.PLAN_CLOSURES, approval.PLAN_ROUTINE)


@pytest.mark.parametrize("tables", [TOPICS, TEMPLATES])
def test_nothing_is_in_two_tables(tables: tuple[frozenset[str], ...]) -> None:
    assert sum(map(len, tables)) == len(frozenset().union(*tables))


def test_every_shipped_topic_and_template_is_in_one(harbor: Library) -> None:
    assert set(harbor.topics) == set().union(*TOPICS)
    assert {path.stem for path in (PACKS / "core" / "plan").glob("*.yml")} == set().union(*TEMPLATES)


@pytest.mark.parametrize(
    ("message_id", "intent", "rule"),
    [
        ("evacuation_order_status.orders", "evacuation_order_status", Rule(2, Kind.PROTECTIVE)),
        ("shelter_in_place.general", "shelter_in_place", Rule(2, Kind.PROTECTIVE)),
        ("boil_water_notice.status", "boil_water_notice", Rule(2, Kind.PROTECTIVE)),
        ("reentry_return_home.general", "reentry_return_home", Rule(2, Kind.PROTECTIVE)),
        ("road_closures.list", "road_closures", Rule(2, Kind.CLOSURE)),
        ("card.gas", None, Rule(2, Kind.WORDS)),
        ("safety_line", None, Rule(2, Kind.WORDS)),
        ("system.greeting", None, Rule(2, Kind.WORDS)),
        ("debris_pickup.general", "debris_pickup", Rule(1, Kind.ROUTINE)),
        ("plan.evac_order-3", "current_situation", Rule(2, Kind.PROTECTIVE)),
        ("plan.evac_order-3", "debris_pickup", Rule(2, Kind.PROTECTIVE)),
        ("plan.debris_schedule-1", "debris_pickup", Rule(1, Kind.ROUTINE)),
        ("plan.debris_schedule-1", "boil_water_notice", Rule(2, Kind.PROTECTIVE)),
        ("plan.debris_schedule-1", None, Rule(1, Kind.ROUTINE)),
        ("plan.made_up-1", None, Rule(2, Kind.UNLISTED)),
        ("cap.flood_warning-0123456789", None, Rule(2, Kind.UNLISTED)),
        ("cap.flood_warning-0123456789", "debris_pickup", Rule(2, Kind.UNLISTED)),
        ("toxic_smoke.general", "toxic_smoke", Rule(2, Kind.UNLISTED)),
        ("something.else", None, Rule(2, Kind.UNLISTED)),
    ],
)
def test_rule(message_id: str, intent: str | None, rule: Rule) -> None:
    assert rule_for(message_id, intent) == rule


def test_the_shipped_rule_holds_for_every_message(harbor: Library) -> None:
    two = {one for one in harbor.message_ids if rule_for(one, one.partition(".")[0]).people == 2}
    assert {one for one in harbor.message_ids if one.startswith(("card.", "evacuation", "boil_water"))} <= two
