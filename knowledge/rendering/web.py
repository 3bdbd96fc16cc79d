"""A text for the web: a small part of Markdown, made into HTML that cannot hold anything but words, lists and safe links."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

from knowledge.rendering.spoken_numbers import PHONE

_TAGS: Final = {"p", "br", "strong", "em", "ul", "ol", "li", "a"}
_ADDRESS: Final = r"https?://[^\s<>()]*[^\s<>().,;:!?]"
_FIND: Final = re.compile(
    rf"(?P<url>{_ADDRESS})|(?P<phone>{PHONE.pattern})|(?<![\w$-])(?<!Text )(?<!texto al )(?P<short>911|988)(?![\w-])"
    r"|(?<=[Cc]all )(?P<call>[2-8]11)\b|(?<=al )(?P<dial>[2-8]11)\b"
)
_LINE_MARK: Final = re.compile(r"^(\s*)(\d+(?=[.)])|(?=[-+]))", re.MULTILINE)
_SPECIAL: Final = re.compile(r"([\\`*_\[\]<>&~#|])")


@lru_cache(maxsize=1)
def _markdown() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False})
    return parser.disable(
        ["image", "heading", "lheading", "code", "fence", "hr", "blockquote", "html_block", "html_inline", "backticks", "reference"]
    )


def escape(value: str) -> str:
    """A value with its marks made harmless, so that it can stand inside Markdown as plain words; new lines are kept."""
    return _LINE_MARK.sub(r"\1\2\\", _SPECIAL.sub(r"\\\1", value)).replace("\n", "\\\n")


def link(label: str, address: str) -> str:
    """A Markdown link."""
    return f"[{escape(label)}](<{address}>)"


def allowed(address: str, hosts: Iterable[str]) -> bool:
    """True for `tel:` and for `https://` on a listed host or under it; every `.gov` is official."""
    parts = urlsplit(address)
    if parts.scheme == "tel":
        return True
    host = (parts.hostname or "").casefold()
    if parts.scheme != "https" or not host:
        return False
    return host.endswith(".gov") or any(host == name or host.endswith(f".{name}") for name in hosts)


def tel(number: str) -> str:
    """The address that dials a number."""
    digits = re.sub(r"\D", "", number)
    return f"tel:+1{digits}" if len(digits) == 10 else f"tel:+{digits}" if len(digits) == 11 else f"tel:{digits}"


def render_web(markdown: str, *, hosts: Iterable[str]) -> tuple[str, str]:
    """The plain text and the safe HTML of a Markdown text. Links lead to listed hosts only; telephone numbers can be tapped."""
    names = tuple(hosts)
    tokens = _markdown().parse(markdown.strip())
    plain: list[str] = []
    for token in tokens:
        if token.type == "inline":
            token.children = _links(token.children or [], names)
            plain.append(_words(token.children))
        elif token.type == "list_item_open":
            plain.append("\n- ")
        elif token.type in ("paragraph_close", "bullet_list_close", "ordered_list_close"):
            plain.append("\n" if token.hidden else "\n\n")
    html = _markdown().renderer.render(tokens, _markdown().options, {})
    safe = nh3.clean(html, tags=_TAGS, attributes={"a": {"href"}}, url_schemes={"https", "tel"}, link_rel="noopener noreferrer")
    text = re.sub(r"\n{3,}", "\n\n", re.sub(r"\n+- ", "\n- ", "".join(plain)))
    return text.strip(), safe.strip()


def _links(children: list[Token], hosts: tuple[str, ...]) -> list[Token]:
    out: list[Token] = []
    inside = dropped = False
    for child in children:
        if child.type == "link_open":
            dropped = not allowed(str(child.attrGet("href") or ""), hosts)
            inside = not dropped
        if child.type in ("link_open", "link_close") and dropped:
            dropped = child.type == "link_open"
            continue
        if child.type == "link_close":
            inside = False
        out.extend(_tap(child, hosts) if child.type == "text" and not inside else [child])
    return out


def _tap(token: Token, hosts: tuple[str, ...]) -> list[Token]:
    out: list[Token] = []
    at = 0
    for match in _FIND.finditer(token.content):
        address = match[0] if match["url"] else tel(match[0])
        if not allowed(address, hosts):
            continue
        out.extend((_text(token.content[at : match.start()]), Token("link_open", "a", 1, attrs={"href": address})))
        out.extend((_text(match[0]), Token("link_close", "a", -1)))
        at = match.end()
    return [*out, _text(token.content[at:])]


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)


def _words(children: list[Token]) -> str:
    out: list[str] = []
    address = ""
    label = 0
    for child in children:
        if child.type == "link_open":
            address, label = str(child.attrGet("href") or ""), len(out)
        elif child.type == "link_close":
            shown = "".join(out[label:])
            if address.startswith("https://") and shown not in address:
                out.append(f" ({address})")
        elif child.type in ("softbreak", "hardbreak"):
            out.append("\n")
        else:
            out.append(child.content)
    return "".join(out)
