"""Reading the files that a city writes: what is wrong is told with its line, in words for somebody who never saw YAML."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import ValidationError

from server.errors import BadInput

_PROBLEMS: Final = (
    ("mapping values are not allowed", "a text holds a colon; put the whole text in quotes"),
    ("cannot start any token", "a text begins with a sign that means something else here; put the whole text in quotes"),
    ("undefined alias", "a text begins with *; put the whole text in quotes"),
    ("alphabetic or numeric", "a text begins with & or *; put the whole text in quotes"),
    ("could not find expected ':'", "a colon is missing after a name, or a line is not as far in as the line above it"),
    ("expected ',' or ']'", "a bracket is opened and not closed, or a text begins with a bracket; put such a text in quotes"),
    ("expected ',' or '}'", "a brace is opened and not closed, or a text begins with a brace; put such a text in quotes"),
    ("unexpected end of stream", "a quotation mark is opened and never closed"),
    ("did not find expected", "a quotation mark is missing or one too many, or a line is not as far in as its neighbors"),
    ("unknown escape", "a text in double quotes holds a backslash; take it out"),
)
"""What the parser says, and what it mostly comes from."""
_LOST: Final = re.compile(r"""^\s*- (?!["'\[{|>]).*?\s#\S""")
"""An unquoted text of a list, of which everything after the # would be dropped as a remark."""


class _Loader(yaml.CSafeLoader):
    """Refuses a name that stands twice, of which YAML would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """A mapping, each name once."""
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen and isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(problem=f"{key.value} stands twice", problem_mark=key.start_mark)
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> Any:
    """The content of a YAML file. Raises `BadInput` naming the line that cannot be read."""
    try:
        text = path.read_text("utf-8-sig")
        value = yaml.load(text, Loader=_Loader)  # noqa: S506  (a subclass of the safe loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise BadInput(f"{path.name}: line {line}: {_told(error.problem or '', text, line)}.") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path.name}: is not plain text in UTF-8. Save it as plain text, encoding UTF-8.") from error
    except yaml.YAMLError as error:
        raise BadInput(f"{path.name}: is not a plain text file. Save it as plain text, encoding UTF-8.") from error
    except OSError as error:
        raise BadInput(f"{path.name}: cannot be read ({error.strerror}).") from error
    for number, written in enumerate(text.splitlines(), 1):
        if _LOST.match(written):
            raise BadInput(f"{path.name}: line {number}: what follows the # would be lost; put the whole text in quotes.")
    return value


def misnamed(folder: Path) -> Iterator[Path]:
    """Files that somebody meant as one of the folder, and that are never read because they do not end in `.yml`."""
    for path in sorted(folder.glob("*")):
        if path.is_file() and path.suffix != ".yml" and not path.name.startswith("."):
            yield path


def _told(problem: str, text: str, number: int) -> str:
    lines = text.splitlines()
    line = lines[number - 1] if 0 < number <= len(lines) else ""
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return "begins with a tab; use spaces"
    if problem.endswith("stands twice"):
        return f"{problem}; keep one"
    said = next((plain for mark, plain in _PROBLEMS if mark in problem), problem or "cannot be read")
    shown = line.strip()[:60]
    return f"{said} (look at this line and the one before{f': {shown}' if shown else ''})"


_PLAIN: Final[dict[str, tuple[str, str]]] = {
    "missing": ("is missing", "Add this field."),
    "extra_forbidden": ("is not a field here", "Remove it or correct its spelling; {guide} lists the fields."),
    "literal_error": ("", "Use one of the words listed in {guide}."),
    "string_pattern_mismatch": ("has letters or signs that a name cannot have", "Use lower-case letters, digits and underscores."),
    "string_type": ("must be a text", "Put the text in quotes."),
    "tuple_type": ("must be a list", "Write it in brackets, such as [winter], or one line each after a dash."),
    "too_short": ("is empty", "Write at least one."),
    "dict_type": ("must have its parts below it", "Correct it as {guide} shows."),
    "model_type": ("is empty or has another form", "Correct it as {guide} shows."),
}
"""What is wrong by the kind of error, where pydantic's own words are those of a programmer; and what to do."""


def explain(error: ValidationError, *, file: str, guide: str = "docs/topics.md") -> str:
    """One line a field: where it is wrong, how, and what to do; `guide` is the page that describes the file."""
    lines = []
    found = error.errors(include_url=False, include_input=False)
    for item in found:
        place = item["loc"]
        if item["type"] == "too_short" and any(len(one["loc"]) > len(place) and one["loc"][: len(place)] == place for one in found):
            # It is only short of what the other lines tell.
            continue
        field = ".".join(str(part) for part in place) or "file"
        plain, advice = _PLAIN.get(item["type"], ("", "Correct it as {guide} shows."))
        lines.append(f"{file}: {field}: {plain or item['msg']}. {advice.format(guide=guide)}")
    return "\n".join(lines)
