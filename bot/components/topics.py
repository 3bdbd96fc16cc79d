"""The topic model as a Rasa intent classifier."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.shared.nlu.constants import INTENT, INTENT_NAME_KEY, INTENT_RANKING_KEY, PREDICTED_CONFIDENCE_KEY, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.encoder import shared_encoder
from bot.topics.choices import asks_for_person, asks_on, chosen
from bot.topics.confidence import Gate
from bot.topics.model import Example, TopicModel, Understanding

UNDERSTANDING = "understanding"
"""The key of a parsed message under which actions find what was offered, asked besides, or chosen."""


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class TopicClassifier(IntentClassifier, GraphComponent):  # type: ignore[misc]
    """Says which topic a message asks about, or that two or three come into question, or none.

    Reads from the message's metadata the language, the topic of the turn before, and the options that were offered, so that
    `2` means the second option and `and pets?` means pets in the shelter."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """`dialogue`: intents that steer the dialogue and are never offered as a topic. `calibration`: that of an earlier model, to
        train without learning it anew."""
        return {"dialogue": [], "calibration": None}

    def __init__(self, config: dict[str, Any], model_storage: ModelStorage, resource: Resource, model: TopicModel | None) -> None:
        self._config = config
        self._storage = model_storage
        self._resource = resource
        self._model = model

    @property
    def model(self) -> TopicModel | None:
        """The trained model, when there is one."""
        return self._model

    @classmethod
    def create(
        cls, config: dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext
    ) -> TopicClassifier:
        """Makes an untrained component for a training graph."""
        del execution_context
        return cls(config, model_storage, resource, None)

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> TopicClassifier:
        """Loads the trained component."""
        del execution_context, kwargs
        with model_storage.read_from(resource) as folder:
            return cls(config, model_storage, resource, TopicModel.load(folder))

    def train(self, training_data: TrainingData) -> Resource:
        """Trains on every example that has an intent, and stores the model."""
        messages = [message for message in training_data.intent_examples if message.get(TEXT)]
        examples = [Example(message.get(TEXT), message.get(INTENT), _language(message)) for message in messages]
        encoder = Featurized(messages)
        calibration = self._config.get("calibration")
        self._model = TopicModel.train(
            examples,
            encoder=encoder,
            dialogue=frozenset(self._config["dialogue"]),
            gate=Gate(**calibration) if calibration else None,
        )
        with self._storage.write_to(self._resource) as folder:
            self._model.save(folder)
        return self._resource

    def process(self, messages: list[Message]) -> list[Message]:
        """Sets intent, ranking and what else was understood."""
        for message in messages:
            self._understand(message)
        return messages

    def _understand(self, message: Message) -> None:
        metadata = message.get("metadata") or {}
        text = message.get(TEXT) or ""
        choice = "talk_to_agent" if asks_for_person(text) else chosen(text, metadata.get("options") or [])
        if choice is None and (metadata.get("named") or {}).get("alone"):
            understood = Understanding(intent="give_place", confidence=1.0, ranking=(("give_place", 1.0),))
        elif choice is None and metadata.get("topic") and asks_on(text):
            topic = str(metadata["topic"])
            understood = Understanding(intent=topic, confidence=1.0, ranking=((topic, 1.0),), followed=True)
        elif choice is not None:
            understood = Understanding(intent=choice, confidence=1.0, ranking=((choice, 1.0),))
        elif self._model is not None:
            understood = self._model.understand(text, language=metadata.get("language", "en"), previous_topic=metadata.get("topic"))
        else:
            return
        message.set(
            INTENT, {INTENT_NAME_KEY: understood.intent, PREDICTED_CONFIDENCE_KEY: understood.confidence}, add_to_output=True
        )
        ranking = [{INTENT_NAME_KEY: name, PREDICTED_CONFIDENCE_KEY: value} for name, value in understood.ranking]
        message.set(INTENT_RANKING_KEY, ranking, add_to_output=True)
        extra = {
            "offered": list(understood.offered),
            "also": understood.also,
            "followed": understood.followed,
            "chosen": choice is not None and choice != "talk_to_agent",
            "confidence": understood.confidence,
            "metadata": metadata,
        }
        message.set(UNDERSTANDING, extra, add_to_output=True)


class Featurized:
    """An encoder that knows the training messages already, from the featurizer before it in the graph."""

    def __init__(self, messages: Sequence[Message]) -> None:
        self._known: dict[str, NDArray[np.float32]] = {}
        for message in messages:
            _, sentence = message.get_dense_features(TEXT)
            if sentence is not None:
                self._known[message.get(TEXT)] = np.asarray(sentence.features[0], dtype=np.float32)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The vectors of the texts, encoding only those that are new."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            self._known.update(zip(new, shared_encoder().encode(new), strict=True))
        return np.stack([self._known[text] for text in texts])


def _language(message: Message) -> str | None:
    """The language of a training example: ours from the knowledge base, or as Rasa reads it from a YAML file."""
    metadata = message.get("metadata") or {}
    found = metadata.get("language") or (metadata.get("intent") or {}).get("language")
    return str(found) if found else None
