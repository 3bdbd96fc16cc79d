"""Topic training data for Rasa from the knowledge base, so that a topic is written once: from the database, or from the shipped
packs where there is none yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from bot.runtime import adapter  # noqa: F401  (first: without it `import rasa` fails)

# isort: split
from rasa.shared.core.domain import Domain
from rasa.shared.core.training_data.story_reader.yaml_story_reader import YAMLStoryReader
from rasa.shared.core.training_data.structures import StoryGraph
from rasa.shared.importers.importer import TrainingDataImporter
from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.gazetteer import place_names
from bot.learning.data import LearningData
from knowledge.topics import Topic, read_topic

PACKS: Final = Path(__file__).resolve().parent.parent / "knowledge" / "packs"
HANDOFF_TOPICS: Final = frozenset({"talk_to_agent"})
"""Topics that are the wish for a person; their rule is written in bot/data/rules.yml."""
FORM_TOPICS: Final = frozenset({"evacuation_zone_lookup"})
"""Topics that lead into a form; their rules are written in bot/data/rules.yml."""


class KnowledgeImporter(TrainingDataImporter):  # type: ignore[misc]
    """Gives Rasa the topics of the knowledge base: an intent, its example phrasings and a rule for each, and the places."""

    def __init__(
        self,
        config_file: str | None = None,
        domain_path: str | None = None,
        training_data_paths: list[str] | str | None = None,
        packs: str | None = None,
        learning: str | None = None,
    ) -> None:
        del domain_path, training_data_paths
        self.config_file = config_file
        self._packs = Path(packs) if packs else PACKS
        self._learning = LearningData.read(Path(learning)) if learning else None
        self._topics: list[Topic] | None = None

    @property
    def topics(self) -> list[Topic]:
        """Every published topic, by name: of the database where learning data was taken from it, else of the packs."""
        if self._topics is None:
            if self._learning is not None:
                self._topics = [*self._learning.topics]
            else:
                self._topics = [read_topic(path) for path in sorted(self._packs.glob("*/topics/*.yml"))]
        return self._topics

    @property
    def _places(self) -> Mapping[str, Sequence[str]]:
        return self._learning.places if self._learning is not None else place_names(self._packs)

    def get_config(self) -> dict[str, Any]:
        """The configuration comes from the file importer."""
        return {}

    def get_config_file_for_auto_config(self) -> str | None:
        """The one configuration file."""
        return self.config_file

    def get_domain(self) -> Domain:
        """One intent a topic; those that the rules in bot/data name are in bot/domain.yml."""
        return Domain.from_dict(
            {"intents": [topic.intent for topic in self.topics if topic.intent not in HANDOFF_TOPICS | FORM_TOPICS]}
        )

    def get_stories(self, exclusion_percentage: int | None = None) -> StoryGraph:
        """One rule a topic: asked about it, answer it; inside a form, leave the form as well."""
        del exclusion_percentage
        rules = []
        for topic in self.topics:
            if topic.intent in HANDOFF_TOPICS | FORM_TOPICS:
                continue
            steps: list[dict[str, Any]] = [{"intent": topic.intent}, {"action": "action_answer"}]
            rules.append({"rule": f"answer {topic.intent}", "steps": steps})
        domain = Domain.from_dict({"intents": [topic.intent for topic in self.topics], "actions": ["action_answer"]})
        text = yaml.safe_dump({"version": "3.1", "rules": rules}, sort_keys=False)
        return StoryGraph(YAMLStoryReader(domain, source_name="knowledge").read_from_string(text))

    def get_conversation_tests(self) -> StoryGraph:
        """The conversation tests are files of their own."""
        return StoryGraph([])

    def get_nlu_data(self, language: str | None = "en") -> TrainingData:
        """Every example phrasing, with its language, and the city's places as lookup tables."""
        del language
        messages = [
            Message(data={TEXT: text, INTENT: topic.intent, "metadata": {"language": code}})
            for topic in self.topics
            for code, texts in topic.examples.items()
            for text in texts
        ]
        if self._learning is not None:
            messages += [
                Message(data={TEXT: one.text, INTENT: one.intent, "metadata": {"language": one.language}})
                for one in self._learning.sentences
            ]
        tables = [{"name": label, "elements": list(names)} for label, names in self._places.items()]
        return TrainingData(training_examples=messages, lookup_tables=tables)
