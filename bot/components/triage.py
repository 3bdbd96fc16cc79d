"""The triage inside Rasa's own graph, so that `spillway rasa shell` and `rasa test` see what the spine sees."""

from __future__ import annotations

from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.triage.engine import TriageEngine

TRIAGE = "triage"


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False)
class TriageComponent(GraphComponent):  # type: ignore[misc]
    """Notes the triage level and category on each message. The spine has decided already and passes its decision along; only a
    message that comes another way is assessed here. The 911 line never depends on this component."""

    def __init__(self) -> None:
        self._engine: TriageEngine | None = None

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """Nothing to set."""
        return {}

    @classmethod
    def create(
        cls, config: dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext
    ) -> TriageComponent:
        """Makes the component for a graph."""
        del config, model_storage, resource, execution_context
        return cls()

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Training examples are not assessed."""
        return training_data

    def process(self, messages: list[Message]) -> list[Message]:
        """Notes level and category on each message."""
        for message in messages:
            known = (message.get("metadata") or {}).get(TRIAGE)
            message.set(TRIAGE, known or self._assess(message.get(TEXT) or ""), add_to_output=True)
        return messages

    def _assess(self, text: str) -> dict[str, str | None]:
        if self._engine is None:
            self._engine = TriageEngine.load(None)
        decision = self._engine.assess(text)
        return {"level": decision.level.value, "category": decision.category}
