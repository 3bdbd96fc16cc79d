"""The editor: what is kept, what is shown, and what two people at once do to each other (nothing)."""

from __future__ import annotations

import html
import re

import pytest

from tests.console.messages.writers import Office

MESSAGE = "boil_water_notice.status"
XSS = "<script>alert('x')</script><img src=x onerror=alert(1)>{{7*7}}"


async def test_each_save_shows_what_residents_would_get(office: Office) -> None:
    await office.person("ana", "author")
    draft = await office.begins("ana", MESSAGE)
    shown = (await office.writes("ana", draft, htmx=True, page="0123abcd", **{"text.en.sms": "Boil {boil_minutes} min."})).text
    assert "Boil 1 min." in shown
    assert "1 segment(s), 11 units, GSM-7" in shown
    assert 'name="edits" value="1"' in shown
    assert office.version(draft).texts["en"]["sms"] == "Boil {boil_minutes} min."
    faulty = (await office.writes("ana", draft, htmx=True, page="0123abcd", **{"text.en.sms": "Go to {nowhere} 😀"})).text
    assert "{nowhere} is no placeholder" in faulty
    assert "nothing fills" in faulty
    assert "must change before it can be submitted" in faulty


@pytest.mark.parametrize("place", ["A", "C"])
async def test_facts_are_those_of_the_chosen_zone(office: Office, place: str) -> None:
    await office.person("ana", "author")
    draft = await office.begins("ana", "evacuation_order_status.orders")
    shown = await office.writes("ana", draft, htmx=True, preview_zone=place)
    assert shown.status_code == 200
    assert (f"Zona {place}" in shown.text) or (f"Zone {place}" in shown.text)


async def test_a_phase_in_which_another_message_is_said_first(office: Office) -> None:
    await office.person("ana", "author")
    draft = await office.begins("ana", "boil_water_notice.general")
    shown = (await office.writes("ana", draft, htmx=True, preview_phase="during")).text
    assert "another message first" in shown
    assert MESSAGE in shown


@pytest.mark.parametrize("htmx", [True, False])
async def test_two_people_in_one_draft(office: Office, htmx: bool) -> None:
    await office.person("ana", "author")
    await office.person("bo", "approver")
    draft = await office.begins("ana", MESSAGE)
    mine, theirs = {"text.en.sms": "Ana wrote this."}, {"text.en.sms": "Bo wrote this.", "edits": "0", "page": "bbbbbbbb"}
    assert (await office.writes("ana", draft, page="aaaaaaaa", **mine)).status_code == 303
    refused = await office.writes("bo", draft, htmx=htmx, **theirs)
    assert refused.status_code == (200 if htmx else 409)
    assert "ana changed this draft meanwhile" in refused.text
    assert "Bo wrote this." in refused.text, "nothing that was typed is lost"
    assert "as_new" in refused.text
    assert office.version(draft).texts["en"]["sms"] == "Ana wrote this."
    beside = await office.writes("bo", draft, as_new="1", **theirs)
    other = int(re.findall(r"/v/(\d+)/edit", beside.headers["location"])[0])
    assert other != draft
    assert office.version(other).texts["en"]["sms"] == "Bo wrote this."
    assert office.version(draft).texts["en"]["sms"] == "Ana wrote this."


async def test_what_was_submitted_is_not_edited(office: Office) -> None:
    await office.person("ana", "author")
    draft = await office.begins("ana", MESSAGE)
    await office.does("ana", draft, "submit", edits="0")
    before = office.version(draft).texts
    assert (await office.writes("ana", draft, **{"text.en.sms": "Later."})).status_code == 409
    assert "has moved on meanwhile" in (await office.writes("ana", draft, htmx=True, **{"text.en.sms": "Later."})).text
    assert office.version(draft).texts == before
    assert (await office.client.get(f"/console/messages/v/{draft}/edit")).status_code == 409


@pytest.mark.parametrize(
    "wrong",
    [
        {"text.en.sms": "", "text.en.web": "", "text.en.voice": ""},
        {"source": " "},
        {"expires_at": "soon"},
        {"text.en.sms": "x" * 5000},
    ],
)
async def test_bad_input_is_said_and_loses_nothing(office: Office, wrong: dict[str, str]) -> None:
    await office.person("ana", "author")
    draft = await office.begins("ana", MESSAGE)
    before = office.version(draft).texts
    answer = await office.writes("ana", draft, **{"text.es.sms": "Lo que escribí.", **wrong})
    assert answer.status_code == 400
    assert "Lo que escribí." in answer.text
    assert 'role="alert"' in answer.text
    assert office.version(draft).texts == before


async def test_words_are_words_and_nothing_else(office: Office) -> None:
    await office.person("ana", "author")
    draft = await office.begins("ana", MESSAGE)
    fields = {f"text.{language}.{channel}": XSS for language in ("en", "es") for channel in ("sms", "web", "voice")}
    saved = await office.writes("ana", draft, htmx=True, source=XSS, page="0123abcd", **fields)
    pages = [saved.text]
    for path in (f"v/{draft}", f"v/{draft}/edit", f"m/{MESSAGE}", f"?q={XSS}", "?state=draft"):
        pages.append(await office.sees("ana", f"/console/messages/{path}"))
    await office.does("ana", draft, "withdraw", reason=XSS)
    pages.append(await office.sees("ana", f"/console/messages/m/{MESSAGE}"))
    for page in pages:
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "49}" not in page
    assert html.escape("<script>") in pages[1]


@pytest.mark.parametrize("language", ["en", "es"])
async def test_a_page_keeps_its_language(office: Office, language: str) -> None:
    await office.person("ana", "author")
    live = office.live(MESSAGE).id
    moved = await office.client.post(
        f"/console/messages/v/{live}/correct?lang={language}", headers={"sec-fetch-site": "same-origin"}
    )
    assert moved.headers["location"].endswith(f"?lang={language}")
    assert f'<html lang="{language}">' in await office.sees("ana", moved.headers["location"])
