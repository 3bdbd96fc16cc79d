"""Places in a message: ZIP codes, zones, streets and sites of the city's own gazetteer, found by spaCy's entity ruler."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any, Final

import spacy
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.extractors.extractor import EntityExtractorMixin
from rasa.shared.nlu.constants import (
    ENTITIES,
    ENTITY_ATTRIBUTE_END,
    ENTITY_ATTRIBUTE_START,
    ENTITY_ATTRIBUTE_TYPE,
    ENTITY_ATTRIBUTE_VALUE,
    TEXT,
)
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from spacy.language import Language

ENTITY_TYPES: Final = ("zip", "zone", "street", "site")
_FILE: Final = "gazetteer.json"
_SPACES: Final = re.compile(r"\s+")
_WORDS: Final = "de|en|es|el|la|mi|se|no|si|me|al|in|is|am|do|to|on|my|we|it|of|or|so|at|an|as|y|o"
"""Short words that follow `zone` and name none."""
_PATTERNS: Final[list[dict[str, Any]]] = [
    {"label": "zip", "pattern": [{"TEXT": {"REGEX": r"^\d{5}(-\d{4})?$"}}]},
    {
        "label": "zone",
        "pattern": [{"LOWER": {"IN": ["zone", "zona"]}}, {"LOWER": {"REGEX": f"^(?!(?:{_WORDS})$)[a-z0-9]{{1,2}}$"}}],
    },
]


def fold(text: str) -> str:
    """The text in lower case and without accents, letter for letter, so that offsets stay the same."""
    return "".join(unicodedata.normalize("NFD", letter)[0] for letter in text.lower()) if text else text


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=True)
class PlaceExtractor(EntityExtractorMixin, GraphComponent):  # type: ignore[misc]
    """Finds places by name, whatever the case and the accents. The names are the lookup tables of the training data, which the
    importer fills from the knowledge base."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """Nothing to set."""
        return {}

    def __init__(self, model_storage: ModelStorage, resource: Resource, names: dict[str, list[str]]) -> None:
        self._storage = model_storage
        self._resource = resource
        self._learn(names)

    def _learn(self, names: dict[str, list[str]]) -> None:
        self._names = names
        self._nlp = _pipeline(names)
        self._sites = tuple(_SPACES.sub("", fold(name)) for name in names.get("site", ()) if name.strip())

    @classmethod
    def create(
        cls, config: dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext
    ) -> PlaceExtractor:
        """Makes an untrained component."""
        del config, execution_context
        return cls(model_storage, resource, {})

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> PlaceExtractor:
        """Loads the gazetteer stored with the model."""
        del config, execution_context, kwargs
        with model_storage.read_from(resource) as folder:
            return cls(model_storage, resource, json.loads((folder / _FILE).read_text("utf-8")))

    def train(self, training_data: TrainingData) -> Resource:
        """Takes over the lookup tables."""
        self._learn(
            {table["name"]: list(table["elements"]) for table in training_data.lookup_tables if isinstance(table["elements"], list)}
        )
        with self._storage.write_to(self._resource) as folder:
            (folder / _FILE).write_text(json.dumps(self._names, ensure_ascii=False), "utf-8")
        return self._resource

    def process(self, messages: list[Message]) -> list[Message]:
        """Adds the places of each message to its entities."""
        for message in messages:
            text = message.get(TEXT) or ""
            found = self._named(text) if self._may_name_any(text, message) else []
            message.set(ENTITIES, [*message.get(ENTITIES, []), *_of_the_city(found, message)], add_to_output=True)
        return messages

    def _may_name_any(self, text: str, message: Message) -> bool:
        """Whether the ruler has to look, which takes longer than all else here: in a conversation only for sites (`_of_the_city`),
        each of which stands in the text if anything is found."""
        if "named" not in (message.get("metadata") or {}):
            return True
        close = _SPACES.sub("", fold(text))
        return any(site in close for site in self._sites)

    def _named(self, text: str) -> list[dict[str, Any]]:
        return [
            {
                ENTITY_ATTRIBUTE_TYPE: entity.label_,
                ENTITY_ATTRIBUTE_START: entity.start_char,
                ENTITY_ATTRIBUTE_END: entity.end_char,
                ENTITY_ATTRIBUTE_VALUE: text[entity.start_char : entity.end_char],
                "extractor": type(self).__name__,
            }
            for entity in self._nlp(fold(text)).ents
        ]


def _of_the_city(found: list[dict[str, Any]], message: Message) -> list[dict[str, Any]]:
    """The places of a message. In a conversation the library has said which one is named, by the facts in force: that holds, and
    the names that the model was trained with are for sites and for Rasa's own commands."""
    metadata = message.get("metadata") or {}
    if "named" not in metadata:
        return found
    kept = [entity for entity in found if entity[ENTITY_ATTRIBUTE_TYPE] == "site"]
    named = metadata["named"]
    if named is None:
        return kept
    text = message.get(TEXT) or ""
    place = {
        ENTITY_ATTRIBUTE_TYPE: named["kind"],
        ENTITY_ATTRIBUTE_START: 0,
        ENTITY_ATTRIBUTE_END: len(text),
        ENTITY_ATTRIBUTE_VALUE: named["kept"],
        "extractor": PlaceExtractor.__name__,
    }
    return [*kept, place]


def _pipeline(names: dict[str, list[str]]) -> Language:
    nlp = spacy.blank("en")
    ruler: Any = nlp.add_pipe("entity_ruler")
    phrases = [{"label": label, "pattern": fold(name)} for label, table in names.items() for name in table if name.strip()]
    ruler.add_patterns([*_PATTERNS, *phrases])
    return nlp
