"""Rasa in this process: no TensorFlow, no commands, a state that does not grow."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bot.runtime import adapter
from bot.runtime.rasa_core import RasaAgent
from bot.runtime.training import newest_model, train_assistant
from server.assembly import Service
from server.errors import NotReady


def agent(service: Service) -> RasaAgent:
    assert service.assistant is not None
    return service.assistant.agent


def metadata(service: Service, **more: Any) -> dict[str, Any]:
    return {"language": "en", "words": "sms", "memory": {}, "options": [], **more}


async def test_a_turn_says_an_approved_message_and_keeps_a_small_state(service: Service) -> None:
    spoken = await agent(service).turn(sender="a", text="where is a shelter", channel="sms", state=None, metadata=metadata(service))
    said = [one for utterance in spoken.utterances for one in (utterance.get("custom") or {}).get("said", ())]
    assert [(part["message_id"], part["version"] >= 1) for part in said] == [("shelter_locations.open", True)]
    sizes = []
    state: bytes | None = None
    for _ in range(8):
        spoken = await agent(service).turn(
            sender="a", text="where is a shelter", channel="sms", state=state, metadata=metadata(service)
        )
        state = spoken.state
        sizes.append(len(state))
    assert max(sizes) <= 400
    assert sizes[-1] <= sizes[0] + 20


async def test_the_state_carries_the_place_and_the_open_form(service: Service) -> None:
    first = await agent(service).turn(
        sender="b", text="what is my evacuation zone", channel="sms", state=None, metadata=metadata(service)
    )
    assert any("system.ask_place" in str(utterance) for utterance in first.utterances)
    then = await agent(service).turn(
        sender="c", text="00402", channel="sms", state=first.state, metadata=metadata(service, topic="evacuation_zone_lookup")
    )
    assert then.slots["place"] == "00402", "the state is the conversation's, whatever the process calls it"


async def test_conversations_do_not_see_each_other(service: Service) -> None:
    await agent(service).turn(sender="d", text="my zip is 00402", channel="sms", state=None, metadata=metadata(service))
    other = await agent(service).turn(sender="d", text="where is a shelter", channel="sms", state=None, metadata=metadata(service))
    assert "place" not in other.slots, "nothing is kept in memory between turns"


@pytest.mark.parametrize(
    ("before", "drawn"), [("", False), ("from bot.runtime import adapter; adapter.install_for_commands()", True)]
)
def test_plots_are_loaded_for_the_commands_of_rasa_only(before: str, drawn: bool) -> None:
    code = f"{before}\nimport sys, bot.runtime.rasa_core\nprint('matplotlib' in sys.modules, 'aio_pika' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=adapter_root())
    assert told.stdout.split() == [str(drawn)] * 2


def adapter_root() -> Path:
    """The folder from which the program's packages are imported."""
    return Path(adapter.__file__).parents[2]


def test_tensorflow_is_answered_for_and_refused_by_name() -> None:
    import tensorflow

    assert tensorflow.keras.Model is not None
    assert not tensorflow.is_tensor(5)
    assert getattr(sys.modules["tensorflow"], "__file__", None) is None
    with pytest.raises(NotReady, match="DIETClassifier"):
        adapter.refuse_absent_components(["bot.components.topics.TopicClassifier", "rasa.x.DIETClassifier"])


def test_a_configuration_that_needs_tensorflow_is_refused_before_training(tmp_path: Path) -> None:
    config = tmp_path / "config.yml"
    config.write_text("pipeline:\n  - name: DIETClassifier\npolicies:\n  - name: TEDPolicy\n")
    with pytest.raises(NotReady, match="DIETClassifier, TEDPolicy"):
        train_assistant(out=tmp_path / "models", config=config)
    assert newest_model(tmp_path / "models") is None


async def test_the_triage_is_noted_in_rasas_own_graph(service: Service) -> None:
    parsed = await agent(service).parse("my house is on fire and we cannot get out")
    assert parsed["triage"]["level"] == "hard"
