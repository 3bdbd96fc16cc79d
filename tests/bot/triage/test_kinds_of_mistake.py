"""Kinds of mistake that were found in rows nobody trains on: pairs that differ by what was mistaken. Patterns alone decide here,
so that no training changes the outcome."""

from __future__ import annotations

import pytest

from bot.triage.decision import SAFETY_LINE
from bot.triage.engine import TriageEngine
from bot.triage.rules import shipped_rules

WITHOUT_A_WORD = (None, SAFETY_LINE)


@pytest.fixture(scope="module")
def patterns() -> TriageEngine:
    return TriageEngine(shipped_rules(), None)


@pytest.mark.parametrize(
    ("text", "cards"),
    [
        # Not wishing to wake is no sleeper who does not wake; whom one does not want to wake is neither.
        ("ya no quiero despertar nunca más", ("crisis_988",)),
        ("ojalá me acueste y no quiera, no quiero despertar", ("crisis_988",)),
        ("quisiera dormirme y no despertar", ("crisis_988", "emergency")),
        ("no podemos despertar a mi suegra", ("emergency",)),
        ("no logro despertarla y está fría", ("emergency",)),
        ("llevamos rato sin poder despertarlo", ("emergency",)),
        ("mi niño tomó algo y no quiere despertar", ("emergency",)),
        ("no se despierta mi hermana", ("emergency",)),
        ("no quiero despertar a los niños, ¿van a sonar las sirenas?", WITHOUT_A_WORD),
        # "If" after "I don't care" supposes nothing; elsewhere it does.
        ("i don't care if the river takes me", ("crisis_988",)),
        ("honestly it does not matter if the storm takes me", ("crisis_988",)),
        ("me da igual si el agua me lleva", ("crisis_988",)),
        ("what do i do if the house is on fire", WITHOUT_A_WORD),
        ("¿qué hago si hay un incendio en la casa?", WITHOUT_A_WORD),
        # What comes out of a plant and fells animals or people is no stove.
        ("there was a release at the refinery and dogs are passing out", ("emergency",)),
        ("birds are falling dead near the tanker", ("emergency",)),
        ("se siente un olor por la fábrica y los obreros se desmayan", ("emergency",)),
        ("hay palomas cayendo muertas junto a la refinería", ("emergency",)),
        ("hay una fuga de gas en la cocina", ("gas",)),
        ("hay una fuga de agua frente a la planta", WITHOUT_A_WORD),
        # Whoever says "they say" may be telling of the power company, and of their own ventilator.
        ("vent alarm keeps going off, back on by friday they say", ("emergency",)),
        ("oxygen concentrator alarm wont stop, news says no power tonight", ("emergency",)),
        ("la alarma del concentrador sigue sonando, dicen que mañana vuelve la luz", ("emergency",)),
        ("they say there was a fire at the mall", WITHOUT_A_WORD),
        ("dicen que hubo un incendio en el mercado", WITHOUT_A_WORD),
    ],
)
def test_the_kind_and_its_neighbour(patterns: TriageEngine, text: str, cards: tuple[str | None, ...]) -> None:
    assert patterns.assess(text).card in cards
