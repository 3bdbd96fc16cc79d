"""Filling a template of the communications plan over HTTP: what becomes of it, and what is refused."""

from __future__ import annotations

import re

import httpx
import pytest
from sqlalchemy import func, select

from knowledge.models import MessageVersion
from server.database.engine import reading
from tests.console.messages.writers import Office, local
from tests.server.staffroom import SAME_SITE

PLAN = "/console/messages/plan/"
GAPS = {
    "gap.area.en": "Zones A and B",
    "gap.area.es": "Zonas A y B",
    "gap.hazard.en": "The surge",
    "gap.hazard.es": "la marejada",
    "gap.route.en": "Route 9 north",
    "gap.route.es": "la Ruta 9 al norte",
    "gap.shelter": "Lincoln High School",
    "source": "Mayor's order 3",
    "zones_offered": "1",
}


async def fills(office: Office, name: str, template: str = "evac_order", **more: object) -> httpx.Response:
    office._as(name)
    data = {key: value for key, value in {**GAPS, **more}.items() if value is not None}
    return await office.client.post(f"{PLAN}{template}", data=data, headers=SAME_SITE)


def made(office: Office) -> int:
    with reading(office.service.sessions) as session:
        plans = select(func.count(MessageVersion.id)).where(MessageVersion.message_id.startswith("plan."))
        return session.scalar(plans) or 0


async def test_every_template_can_be_opened_in_both_languages(office: Office) -> None:
    await office.person("ana", "author")
    listed = await office.sees("ana", PLAN)
    names = re.findall(rf'href="{PLAN}(\w+)\?', listed)
    assert sorted(names) == sorted(office.service.library.get().plan)
    for name in names:
        page = await office.sees("ana", f"{PLAN}{name}", lang="es")
        assert '<html lang="es">' in page
        assert ("(...)" in page) == bool(office.service.library.get().plan[name].fields)


async def test_a_filled_template_is_a_draft_for_its_zones(office: Office) -> None:
    await office.person("ana", "author")
    answer = await fills(office, "ana", zones=["A", "B"])
    assert answer.status_code == 303, answer.text
    version = office.version(int(answer.headers["location"].rpartition("/")[2]))
    assert (version.message_id, version.state, version.author) == ("plan.evac_order-1", "draft", "ana")
    assert (version.intent, version.zones, version.position) == ("evacuation_order_status", ["A", "B"], -1)
    assert version.texts["en"]["sms"].startswith("{city} 311: LEAVE NOW: Zones A and B. The surge can kill.")
    page = await office.sees("ana", answer.headers["location"])
    assert "A, B" in page
    again = await fills(office, "ana", replaces="plan.evac_order-1")
    assert office.version(int(again.headers["location"].rpartition("/")[2])).reference == "plan.evac_order-1@2"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"gap.area.es": ""}, "This is missing"),
        ({"gap.shelter": None}, "This is missing"),
        ({"gap.route.en": "x" * 40}, "40 characters; at most 24"),
        ({"gap.area.en": "Zone A 😀"}, "at most 2 of GSM-7"),
        ({"zones": ["A", "C"]}, "must name these zones"),
        ({"zones": ["Q"]}, "not one of the city"),
        ({"source": " "}, "Say who decided it"),
    ],
)
async def test_what_is_wrong_is_said_and_nothing_is_lost(office: Office, wrong: dict[str, object], told: str) -> None:
    await office.person("ana", "author")
    answer = await fills(office, "ana", **{"gap.hazard.en": "My own words", **wrong})
    assert answer.status_code == 400
    assert told in answer.text
    assert "My own words" in answer.text
    assert made(office) == 0


async def test_times_and_numbers_are_typed(office: Office) -> None:
    await office.person("ana", "author")
    gaps = {
        "gap.count": "12,400",
        "gap.area.en": "Bayside",
        "gap.area.es": "Bayside",
        "gap.time": "2026-09-14T18:30",
        "source": "Utility",
    }
    office._as("ana")
    answer = await office.client.post(f"{PLAN}power_update", data={**gaps, "gap.count": "many"}, headers=SAME_SITE)
    assert "whole number" in answer.text
    answer = await office.client.post(f"{PLAN}power_update", data=gaps, headers=SAME_SITE)
    assert answer.status_code == 303
    version = office.version(int(answer.headers["location"].rpartition("/")[2]))
    assert "12,400 homes have no power, Bayside. Utility hopes for 6:30 pm Sep 14" in version.texts["en"]["sms"]


async def test_a_correction_answers_the_topic_that_is_chosen(office: Office) -> None:
    await office.person("ana", "author")
    gaps = {"gap.time": local(0), "gap.correct.en": "zone A stays", "gap.correct.es": "la zona A se queda", "source": "EOC"}
    office._as("ana")
    refused = await office.client.post(
        f"{PLAN}message_correction", data={**gaps, "zones_offered": "1", "zones": "A"}, headers=SAME_SITE
    )
    assert "Choose the topic, or no zones" in refused.text
    answer = await office.client.post(
        f"{PLAN}message_correction", data={**gaps, "topic": "evacuation_order_status"}, headers=SAME_SITE
    )
    assert office.version(int(answer.headers["location"].rpartition("/")[2])).intent == "evacuation_order_status"


async def test_what_is_typed_is_shown_as_residents_would_get_it(office: Office) -> None:
    await office.person("ana", "author")
    office._as("ana")
    typed = {"gap.area.en": "Zone A <b>", "gap.area.es": "Zona A"}
    shown = await office.client.post(f"{PLAN}evac_order/look", data=typed, headers=SAME_SITE)
    assert "LEAVE NOW: Zone A &lt;b&gt;. (...) can kill." in shown.text
    assert "GSM-7" in shown.text
    assert made(office) == 0


async def test_who_may_only_look_fills_nothing(office: Office) -> None:
    await office.person("vi", "viewer")
    assert "evac_order" in await office.sees("vi", PLAN)
    assert (await fills(office, "vi")).status_code == 403
    read = await office.sees("vi", f"{PLAN}evac_order")
    assert "authors and approvers fill it" in read
    assert "Make the draft" not in read
    await office.person("water", "author", owners=["water_utility"])
    assert (await fills(office, "water")).status_code == 403
    await office.person("ana", "author")
    assert (await office.client.get(f"{PLAN}no_such")).status_code == 404
    assert made(office) == 0
