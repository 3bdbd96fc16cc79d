from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.rendering.web import allowed, escape, render_web, tel

HOSTS = ("redcross.org", "harborcity.example")


@pytest.mark.parametrize(
    ("address", "ok"),
    [
        ("https://redcross.org/find", True),
        ("https://www.redcross.org", True),
        ("https://evilredcross.org", False),
        ("https://redcross.org.evil.com", False),
        ("http://redcross.org", False),
        ("https://www.fema.gov/x", True),
        ("https://fema.gov.evil.com", False),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("tel:911", True),
        ("//redcross.org", False),
        ("https://redcross.org@evil.com", False),
    ],
)
def test_only_listed_hosts(address: str, ok: bool) -> None:
    assert allowed(address, HOSTS) is ok


@pytest.mark.parametrize(
    ("number", "address"),
    [("555-555-0123", "tel:+15555550123"), ("1-800-222-1222", "tel:+18002221222"), ("911", "tel:911"), ("555-0123", "tel:5550123")],
)
def test_telephone_addresses(number: str, address: str) -> None:
    assert tel(number) == address


@pytest.mark.parametrize(
    ("markdown", "html", "text"),
    [
        ("**Leave** now", "<p><strong>Leave</strong> now</p>", "Leave now"),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>", "- a\n- b"),
        ("Call 911.", '<p>Call <a href="tel:911" rel="noopener noreferrer">911</a>.</p>', "Call 911."),
        ("House 911-A", "<p>House 911-A</p>", "House 911-A"),
        ("call 211", '<p>call <a href="tel:211" rel="noopener noreferrer">211</a></p>', "call 211"),
        ("211 Oak St", "<p>211 Oak St</p>", "211 Oak St"),
        ("Text 911 or mande un texto al 911", "<p>Text 911 or mande un texto al 911</p>", "Text 911 or mande un texto al 911"),
        ("call or text 988", '<p>call or text <a href="tel:988" rel="noopener noreferrer">988</a></p>', "call or text 988"),
        ("[bad](https://evil.com)", "<p>bad</p>", "bad"),
        ("[bad](javascript:alert)", "<p>[bad](javascript:alert)</p>", "[bad](javascript:alert)"),
        ("<script>x</script>", "<p>&lt;script&gt;x&lt;/script&gt;</p>", "<script>x</script>"),
        ("![i](https://fema.gov/i.png)", None, None),
        (
            "[map](https://zones.harborcity.example)",
            '<p><a href="https://zones.harborcity.example" rel="noopener noreferrer">map</a></p>',
            "map (https://zones.harborcity.example)",
        ),
    ],
)
def test_rendering(markdown: str, html: str | None, text: str | None) -> None:
    got_text, got_html = render_web(markdown, hosts=HOSTS)
    if html is not None:
        assert (got_html, got_text) == (html, text)
    assert "<img" not in got_html


@pytest.mark.parametrize(
    "value", ["*x*", "[a](https://evil.com)", "a_b_c", "<b>", "1 < 2 & 3", "# x", "line\nline", "\\*", "1. a\n2. b", "- a\n+ b"]
)
def test_an_escaped_value_is_words_only(value: str) -> None:
    text, html = render_web(escape(value), hosts=HOSTS)
    assert text == value
    assert not re.search(r"<(?!/?p>|br)", html)


@given(st.text(max_size=300))
def test_nothing_unsafe_comes_out(markdown: str) -> None:
    _, html = render_web(markdown, hosts=HOSTS)
    assert not re.search(r"<(?!/?(?:p|strong|em|ul|ol|li|a)\b|br)", html)
    for address in re.findall(r'href="([^"]*)"', html):
        assert allowed(address, HOSTS)
