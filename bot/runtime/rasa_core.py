"""The one module that imports `rasa.core`: an agent with our words, our actions and our store.

Rasa calls the generator for every text, the endpoint for every action, and the store before and after every turn. All three are
in this process and in memory; the spine keeps the state that the store hands back, in the transaction of the turn."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial, partialmethod
from graphlib import TopologicalSorter
from itertools import combinations
from pathlib import Path
from typing import Any, Final

from bot.runtime import adapter  # noqa: F401  (first: without it `import rasa` fails)

# isort: split
from jsonschema.validators import validator_for
from rasa.core.actions.action import RemoteAction
from rasa.core.agent import Agent
from rasa.core.channels import console
from rasa.core.channels.channel import OutputChannel, UserMessage
from rasa.core.nlg.generator import NaturalLanguageGenerator
from rasa.core.policies.rule_policy import RulePolicy
from rasa.core.tracker_store import TrackerStore
from rasa.core.utils import AvailableEndpoints
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.runner.dask import DaskGraphRunner
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, ActiveLoop, SlotSet
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import EndpointConfig
from rasa_sdk.executor import ActionExecutor
from sanic import Sanic

from bot.components.topics import TopicClassifier
from bot.topics.model import TopicModel
from knowledge.library import Library, Said, Situation

ANSWER = "answer"
"""The response name under which actions ask for the answer to a topic; every other name is a message id."""


@dataclass(frozen=True)
class Spoken:
    """What one turn through Rasa gave: the bot's utterances in order, the state to keep, and the understanding."""

    utterances: tuple[dict[str, Any], ...]
    state: bytes
    understood: dict[str, Any]
    slots: dict[str, Any]


def situation_of(metadata: Mapping[str, Any]) -> Situation:
    """The situation that the spine passed along with a message."""
    return Situation(
        language=metadata.get("language", "en"),
        channel=metadata.get("words", "web"),
        now=datetime.fromisoformat(metadata["now"]) if "now" in metadata else datetime.now(UTC),
        place=metadata.get("place"),
    )


class ApprovedMessages(NaturalLanguageGenerator):  # type: ignore[misc]
    """Gives Rasa the words: only approved messages, chosen and rendered by the knowledge base."""

    def __init__(self, library: Callable[[], Library]) -> None:
        self._library = library

    async def generate(
        self, utter_action: str, tracker: DialogueStateTracker, output_channel: str, **kwargs: Any
    ) -> dict[str, Any] | None:
        """The rendered message for a response name; `answer` with the topic in `intent`, or a message id with its values."""
        del output_channel
        metadata = (tracker.latest_message.metadata or {}) if tracker.latest_message else {}
        situation = situation_of({**metadata, **({"language": kwargs["language"]} if kwargs.get("language") else {})})
        place = tracker.get_slot("place")
        if place and situation.place is None:
            situation = Situation(situation.language, situation.channel, situation.now, str(place))
        library = self._library()
        if utter_action == ANSWER:
            answers = library.answers(str(kwargs["intent"]), situation)
        else:
            answers = (library.say(utter_action, situation, **(kwargs.get("values") or {})),)
        return {"text": "\n\n".join(one.text for one in answers), "custom": {"said": [_as_json(one) for one in answers]}}


def _as_json(said: Said) -> dict[str, Any]:
    return {
        "message_id": said.message_id,
        "version": said.version,
        "language": said.language,
        "text": said.text,
        "html": said.html,
        "more": list(said.more),
        "missing": said.missing,
    }


class TurnStore(TrackerStore):  # type: ignore[misc]
    """Holds the dialogue state of the turns under way. The state is small and does not grow: slots, the form that is open, and
    what it asks; the messages themselves are in the conversation's turns."""

    def __init__(self, domain: Domain | None) -> None:
        super().__init__(domain)
        self._states: dict[str, bytes] = {}

    def begin(self, sender: str, state: bytes | None) -> None:
        """Puts the state of a conversation in place before its turn."""
        if state:
            self._states[sender] = state

    def end(self, sender: str) -> bytes:
        """Takes the state out again after the turn."""
        return self._states.pop(sender, b"")

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Keeps what the next turn needs."""
        slots = {name: slot.value for name, slot in tracker.slots.items() if slot.value is not None and _plain(slot.value)}
        slots.pop("session_started_metadata", None)
        state = {"slots": slots, "loop": tracker.active_loop_name}
        self._states[tracker.sender_id] = zlib.compress(json.dumps(state).encode(), 1)

    async def retrieve(self, sender_id: str) -> DialogueStateTracker | None:
        """Builds a tracker from the kept state."""
        packed = self._states.get(sender_id)
        if not packed:
            return None
        state = json.loads(zlib.decompress(packed))
        tracker = self.init_tracker(sender_id)
        for name, value in state["slots"].items():
            if name in tracker.slots:
                tracker.update(SlotSet(name, value))
        if state["loop"]:
            tracker.update(ActiveLoop(state["loop"]))
        tracker.update(ActionExecuted("action_listen"))
        return tracker


def _plain(value: Any) -> bool:
    return isinstance(value, (str, int, float, bool, list, dict))


_ACTION_RESULT: Final = validator_for(RemoteAction.action_response_format_spec())(RemoteAction.action_response_format_spec())


def _validate_action_result(_action: RemoteAction, result: dict[str, Any]) -> bool:
    """Checks an action's result as Rasa does, with a validator that is compiled once: `jsonschema.validate` checks the schema
    itself anew at each call, which takes several times as long as the rest of the turn."""
    _ACTION_RESULT.validate(result)
    return True


RemoteAction._validate_action_result = _validate_action_result


class InProcessActions(EndpointConfig):  # type: ignore[misc]
    """Runs the rasa-sdk actions in this process instead of posting to an action server."""

    def __init__(self, executor: ActionExecutor) -> None:
        super().__init__("inprocess://actions", enable_selective_domain=True)
        self._executor = executor

    async def request(self, *args: Any, **kwargs: Any) -> Any:
        """Runs one action call."""
        del args
        return await self._executor.run(kwargs["json"])


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.POLICY_WITHOUT_END_TO_END_SUPPORT, is_trainable=True)
class TopicRulePolicy(RulePolicy):  # type: ignore[misc]
    """Rasa's rule policy for many topics: a rule that names an intent which the dialogue does not hold is left out before its
    states are compared, so that a turn's cost does not grow with the number of topics."""

    def _get_possible_keys(self, lookup: dict[str, str], states: list[dict[str, Any]]) -> set[str]:
        present = {state["user"]["intent"] for state in states if state.get("user", {}).get("intent")}
        by_intents = self._by_intents(lookup)
        fitting: dict[str, str] = {}
        for size in range(len(present) + 1):
            for intents in combinations(sorted(present), size):
                fitting.update(by_intents.get(frozenset(intents), {}))
        keys: set[str] = super()._get_possible_keys(fitting, states)
        return keys

    def _by_intents(self, lookup: dict[str, str]) -> dict[frozenset[str], dict[str, str]]:
        """The rules of a lookup by the intents that they name, sorted once, and anew where a training took some out."""
        known: dict[int, tuple[dict[str, str], int, dict[frozenset[str], dict[str, str]]]] = self.__dict__.setdefault("_sorted", {})
        seen, count, found = known.get(id(lookup), ({}, -1, {}))
        if seen is not lookup or count != len(lookup):
            found = {}
            for key, action in lookup.items():
                found.setdefault(_intents_of_rule(key), {})[key] = action
            known[id(lookup)] = (lookup, len(lookup), found)
        return found


def _intents_of_rule(key: str) -> frozenset[str]:
    return frozenset(state["user"]["intent"] for state in json.loads(key) if state.get("user", {}).get("intent"))


class InOrderRunner:
    """Runs a loaded prediction graph node after node. It gives what Rasa's own runner gives, without planning the graph anew at
    each of the three runs of a turn."""

    def __init__(self, loaded: DaskGraphRunner) -> None:
        self._nodes = loaded._instantiated_nodes
        self._schema = loaded._graph_schema
        self._plans: dict[tuple[str, ...], list[tuple[str, tuple[str, ...]]]] = {}

    def run(self, inputs: dict[str, Any] | None = None, targets: list[str] | None = None) -> dict[str, Any]:
        """The outputs of the targets."""
        wanted = tuple(targets or self._schema.target_names)
        if wanted not in self._plans:
            self._plans[wanted] = self._plan(wanted)
        results: dict[str, Any] = {name: (name, value) for name, value in (inputs or {}).items()}
        for name, needs in self._plans[wanted]:
            results[name] = self._nodes[name](*(results.get(need, need) for need in needs))
        return {name: results[name][1] for name in wanted}

    def _plan(self, wanted: tuple[str, ...]) -> list[tuple[str, tuple[str, ...]]]:
        nodes = self._schema.minimal_graph_schema(list(wanted)).nodes
        needs = {name: tuple(node.needs.values()) for name, node in nodes.items()}
        order = TopologicalSorter({name: [need for need in before if need in nodes] for name, before in needs.items()})
        return [(name, needs[name]) for name in order.static_order()]


class _Collector(OutputChannel):  # type: ignore[misc]
    """Collects what the bot utters in one turn, whole."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.utterances: list[dict[str, Any]] = []

    def name(self) -> str:
        return self._name

    async def send_response(self, recipient_id: str, message: dict[str, Any]) -> None:
        del recipient_id
        self.utterances.append(message)


class RasaAgent:
    """A loaded model that answers turns."""

    def __init__(self, *, model: Path, executor: ActionExecutor, library: Callable[[], Library]) -> None:
        self._store = TurnStore(None)
        self._agent = Agent.load(
            model, action_endpoint=InProcessActions(executor), tracker_store=self._store, generator=ApprovedMessages(library)
        )
        self._store.domain = self._agent.domain
        loaded = self._agent.processor.graph_runner
        components = (getattr(node, "_component", None) for node in loaded._instantiated_nodes.values())
        self.topic_model: TopicModel | None = next(
            (found.model for found in components if isinstance(found, TopicClassifier)), None
        )
        self._agent.processor.graph_runner = InOrderRunner(loaded)

    def knows(self, intent: str, text: str) -> bool:
        """Whether the model has learned an example of a topic."""
        return self.topic_model is not None and self.topic_model.knows(intent, text)

    @property
    def model_id(self) -> str:
        """The id of the loaded model."""
        return str(self._agent.model_id)

    async def turn(self, *, sender: str, text: str, channel: str, state: bytes | None, metadata: dict[str, Any]) -> Spoken:
        """One turn through Rasa: understanding, rules, forms, actions, words."""
        self._store.begin(sender, state)
        output = _Collector(channel)
        understood: dict[str, Any] = {}
        slots: dict[str, Any] = {}
        try:
            message = UserMessage(text, output, sender, input_channel=channel, metadata=metadata)
            tracker = await self._agent.processor.log_message(message, should_save_tracker=False)
            understood = dict(tracker.latest_message.parse_data)
            tracker = await self._agent.processor.run_action_extract_slots(output, tracker)
            await self._agent.processor._run_prediction_loop(output, tracker)
            await self._store.save(tracker)
            slots = {name: slot.value for name, slot in tracker.slots.items() if slot.value is not None}
        finally:
            kept = self._store.end(sender)
        return Spoken(tuple(output.utterances), kept, understood, slots)

    async def parse(self, text: str, metadata: dict[str, Any] | None = None) -> dict[str, Any]:
        """Only the understanding of a text."""
        message = UserMessage(text, metadata=metadata or {})
        return dict(await self._agent.processor.parse_message(message))


def teach_command_line(library: Library, executor: ActionExecutor) -> None:
    """Lets Rasa's own commands, such as `rasa shell`, speak our messages and run our actions without an endpoints file.

    Rasa builds its web application in the running process, where Sanic's own workers do not find it, and its terminal reads
    a kind of streamed response that Sanic no longer has; both are set to what works."""
    endpoints = AvailableEndpoints(nlg=ApprovedMessages(lambda: library), action=InProcessActions(executor))
    AvailableEndpoints.read_endpoints = classmethod(lambda _cls, _file: endpoints)
    Sanic.run = partialmethod(Sanic.run, single_process=True)  # type: ignore[assignment,method-assign]
    console.record_messages = partial(console.record_messages, use_response_stream=False)
