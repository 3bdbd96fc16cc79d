from __future__ import annotations

import math

import pytest

from bot.triage import Context, Level, TriageEngine
from bot.triage.rules import PATTERNS, read_rules

HARD = [
    ("my uncle quit breathing", "breathing"),
    ("grandpa is unresponsive on the porch", "cardiac"),
    ("she cant move her left arm and her words are slurring", "stroke"),
    ("theres so much blood its soaked through three towels", "bleeding"),
    ("my toddler swallowed a button battery", "poisoning"),
    ("contractions are four minutes apart and the road is gone", "childbirth"),
    ("hes convulsing", "seizure"),
    ("the current took my cousin", "drowning"),
    ("water is past the windows and we can't get out", "trapped"),
    ("the shed next door is on fire", "fire"),
    ("smoke is pouring out of our vents", "smoke"),
    ("the basement smells like propane", "gas"),
    ("the boiler blew up", "explosion"),
    ("a power line is down across the playground", "wire"),
    ("carbon monoxide detector wont stop", "carbon_monoxide"),
    ("our van is floating", "vehicle_water"),
    ("the ceiling caved in on my brother", "collapse"),
    ("two men are beating up the clerk", "assault"),
    ("he pulled a machete", "weapon"),
    ("i hear gunshots on the corner", "shooting"),
    ("someone is trying to get in my window", "intruder"),
    ("my boyfriend is choking me", "domestic_violence"),
    ("a stranger grabbed my niece and ran", "kidnapping"),
    ("my five year old daughter is missing", "missing_person"),
    ("i'm going to hang myself", "suicide"),
    ("she cut her wrists", "suicide"),
    ("a tanker is leaking and people are coughing", "hazmat"),
    ("his ventilator battery is about to die", "medical_power"),
    ("911", "asks_911"),
    ("nine one one please", "asks_911"),
    ("manden una ambulancia", "asks_911"),
    ("cant talk hes in the next room", "silent_danger"),
    ("mi suegra no despierta", "cardiac"),
    ("el bebe esta morado", "breathing"),
    ("se le torcio la boca y no puede hablar", "stroke"),
    ("hay una fuga de gas en mi calle", "gas"),
    ("el agua nos llega al pecho", "trapped"),
    ("se metieron a mi casa y estoy escondida", "intruder"),
    ("mi marido me esta golpeando", "domestic_violence"),
    ("se llevaron a mi sobrina en una camioneta", "kidnapping"),
    ("esta echando espuma por la boca", "seizure"),
    ("my tia se desmayó and she is not breathing", "cardiac"),
]

NOT_HARD = [
    "this humidity is killing me where can i cool off",
    "what do i do if someone has a stroke during the storm",
    "my uncle had a heart attack three years ago can he stay at the medical shelter",
    "is the fire station on 3rd giving out water",
    "how much is a gallon of gas today",
    "im drowning in paperwork from the insurance",
    "photo shoot permit for saturday",
    "where are flu shots given",
    "the bomb cyclone, when does it get here",
    "my phone is dying, quick, where is the shelter",
    "a water main broke by the school",
    "cpr class schedule",
    "donde dan clases de primeros auxilios",
    "me estoy muriendo de hambre donde dan comida",
    "se perdio mi perro en la tormenta",
    "cuanto cuesta el gas hoy",
    "se permiten armas en el albergue",
    "what time does the library open",
]


@pytest.mark.parametrize(("text", "category"), HARD)
def test_an_emergency_is_hard_without_a_model(patterns_only: TriageEngine, text: str, category: str) -> None:
    decision = patterns_only.assess(text)
    assert decision.level is Level.HARD
    assert decision.evidence
    assert math.isnan(decision.score)
    assert category in {decision.category, *(name.split(":")[0] for name in decision.evidence)}


@pytest.mark.parametrize("text", [text for text, _ in HARD])
def test_an_emergency_is_hard_with_a_model(with_model: TriageEngine, text: str) -> None:
    assert with_model.assess(text).level is Level.HARD


@pytest.mark.parametrize("text", NOT_HARD)
def test_other_meanings_do_not_dial_911(patterns_only: TriageEngine, text: str) -> None:
    assert patterns_only.assess(text).level is not Level.HARD


@pytest.mark.parametrize(
    ("text", "card"),
    [
        ("i smell gas in the hallway", "gas"),
        ("the carbon monoxide alarm is going off", "carbon_monoxide"),
        ("live wire in the street sparking", "wire"),
        ("i took all the pills", "suicide_now"),
        ("dont call back he is listening", "silent"),
        ("my neighbor collapsed", "emergency"),
    ],
)
def test_each_danger_has_its_card(patterns_only: TriageEngine, text: str, card: str) -> None:
    assert patterns_only.assess(text).card == card


@pytest.mark.parametrize(
    "text",
    [
        "i dont want to live anymore",
        "everybody would be better off without me",
        "ya no quiero vivir",
        "i feel suicidal",
        "no le veo sentido a nada",
    ],
)
def test_thoughts_of_suicide_without_means_are_a_crisis(patterns_only: TriageEngine, text: str) -> None:
    decision = patterns_only.assess(text)
    assert decision.level is Level.CRISIS
    assert decision.card == "crisis_988"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        ".",
        "..",
        "\x00",
        "\u200b",
        "help",
        "HELP!!",
        "sos",
        "\U0001f198",
        "ayuda",
        "auxilio",
        "h",
        "1420 Oak Street",
        "1420 oak st hurry",
    ],
)
def test_a_bare_plea_is_asked_about(patterns_only: TriageEngine, text: str) -> None:
    decision = patterns_only.assess(text)
    assert decision.level is Level.SOFT
    assert decision.category == "unclear"
    assert decision.card == "unclear"


@pytest.mark.parametrize("text", ["\U0001f44d", "\U0001f525", "2", "12", "hello", "hola", "generator"])
def test_small_signs_mean_nothing_alone(patterns_only: TriageEngine, text: str) -> None:
    assert patterns_only.assess(text).level is Level.NONE


def test_help_on_its_way_needs_only_the_safety_line(patterns_only: TriageEngine) -> None:
    decision = patterns_only.assess("i called 911 and they are coming")
    assert decision.level is Level.SOFT
    assert "over_now" in decision.vetoes


def test_a_question_whether_to_call_is_a_call(patterns_only: TriageEngine) -> None:
    assert patterns_only.assess("should i call 911").level is Level.HARD


def test_a_small_poisoning_goes_to_poison_help(patterns_only: TriageEngine) -> None:
    decision = patterns_only.assess("my son swallowed some bleach last year, he is fine now, is there a class")
    assert decision.level is Level.SOFT
    assert decision.card == "poison"


def test_a_veto_in_one_clause_leaves_another_alone(patterns_only: TriageEngine) -> None:
    assert patterns_only.assess("nobody hurt in the crash last week but my wife is not breathing").level is Level.HARD


def test_one_clause_of_a_long_message_is_enough(patterns_only: TriageEngine) -> None:
    text = "hi i wanted to ask when the bulk pickup comes because the bins are gone, also my dad just passed out, thanks"
    assert patterns_only.assess(text).level is Level.HARD


@pytest.mark.parametrize(
    "text",
    [
        "f1re in my h0use, th3re is a f1re",
        "HES NOT BREATHIIIING",
        "he’s not breathing",
        "h\u200be is not brea\u200bthing",
        "she is unconcious",
        "hay un 1ncendio en mi casa",
    ],
)
def test_spelling_does_not_hide_an_emergency(patterns_only: TriageEngine, text: str) -> None:
    assert patterns_only.assess(text).level is Level.HARD


@pytest.mark.parametrize(
    "text", ["cooking class for seniors", "the wind is turning", "trimmed and wrapped gifts", "shouting neighbors"]
)
def test_a_real_word_is_not_corrected_into_danger(patterns_only: TriageEngine, text: str) -> None:
    assert patterns_only.assess(text).level is Level.NONE


class TestContext:
    def test_the_latch_gives_an_ordinary_question_the_safety_line(self, patterns_only: TriageEngine) -> None:
        decision = patterns_only.assess("when is the library open", context=Context(latched=True))
        assert decision.level is Level.SOFT
        assert "latch" in decision.evidence

    def test_the_latch_turns_doubt_into_the_911_line(self, patterns_only: TriageEngine) -> None:
        assert patterns_only.assess("1420 oak street", context=Context(latched=True)).level is Level.HARD

    @pytest.mark.parametrize("text", ["2", "not an emergency", "i'm safe", "estoy bien"])
    def test_the_resident_can_end_it(self, patterns_only: TriageEngine, text: str) -> None:
        assert patterns_only.assess(text, context=Context(latched=True)).level is Level.NONE

    @pytest.mark.parametrize(
        ("text", "card"), [("1", "silent"), ("yes", "emergency"), ("Sí", "emergency"), ("cant talk", "silent")]
    )
    def test_answers_to_the_question_about_danger(self, patterns_only: TriageEngine, text: str, card: str) -> None:
        decision = patterns_only.assess(text, context=Context(asked="unclear"))
        assert (decision.level, decision.card) == (Level.HARD, card)

    @pytest.mark.parametrize(
        ("text", "level"),
        [
            ("no estoy bien", Level.HARD),
            ("No, estoy bien", Level.NONE),
            ("i'm not ok", Level.HARD),
            ("No. I'm ok", Level.NONE),
            ("no", Level.NONE),
        ],
    )
    def test_a_no_may_belong_to_what_follows(self, patterns_only: TriageEngine, text: str, level: Level) -> None:
        assert patterns_only.assess(text, context=Context(asked="unclear")).level is level

    def test_not_being_well_is_no_all_clear(self, patterns_only: TriageEngine) -> None:
        assert patterns_only.assess("no estoy bien").card == "unclear"
        assert patterns_only.assess("no estoy bien", context=Context(latched=True)).level is Level.HARD

    def test_a_yes_to_nothing_is_nothing(self, patterns_only: TriageEngine) -> None:
        assert patterns_only.assess("yes").level is Level.NONE

    def test_two_fragments_are_read_together(self, patterns_only: TriageEngine) -> None:
        assert patterns_only.assess("on the floor", context=Context(previous_text="my grandma is passed out")).level is Level.HARD

    @pytest.mark.parametrize(
        ("keys", "level"),
        [("911", Level.HARD), ("9-1-1", Level.HARD), ("2911", Level.HARD), ("0", Level.NONE), ("4" * 20, Level.SOFT)],
    )
    def test_telephone_keys(self, patterns_only: TriageEngine, keys: str, level: Level) -> None:
        assert patterns_only.assess(keys, context=Context(channel="ivr", keys=True)).level is level


@pytest.mark.parametrize("text", ["xxxxxx", "X" * 10_000, "a " * 500, "h h h h h h!", "ñññññññ", "zzz... zzz..."])
def test_a_key_held_down_is_asked_about(with_model: TriageEngine, patterns_only: TriageEngine, text: str) -> None:
    for engine in (with_model, patterns_only):
        decision = engine.assess(text)
        assert (decision.level, decision.category) == (Level.SOFT, "unclear")


@pytest.mark.parametrize("text", ["kkkk", "jajajajaja", "hmm", "ok ok ok", "boo", "xoxoxo", "aaab"])
def test_other_letters_said_again_are_read_like_every_word(with_model: TriageEngine, text: str) -> None:
    assert "one letter" not in with_model.assess(text).evidence


@pytest.mark.parametrize("previous", ["my dad fell off the ladder", "where is a shelter", "", None, "no se mueve", "911"])
def test_what_was_before_is_left_out_only_where_it_changes_nothing(patterns_only: TriageEngine, previous: str | None) -> None:
    texts = [text for text, _ in HARD] + NOT_HARD + ["wont wake up", "he", "no", "", "2", "🌊", "OPEN THE DOOR NOW!!", "a " * 40]
    context = Context(previous_text=previous)
    left_out = [text for text in texts if not patterns_only.hears_what_was_before(text, context)]
    assert left_out
    for text in left_out:
        assert patterns_only.assess(text, context=context) == patterns_only.assess(text), text


@pytest.mark.parametrize(
    "context", [Context(latched=True), Context(asked="unclear"), Context(asked="emergency"), Context(keys=True)]
)
def test_a_question_or_a_latch_is_always_heard(patterns_only: TriageEngine, context: Context) -> None:
    for text, _ in HARD:
        assert patterns_only.hears_what_was_before(f"{text} and the road is long and dark", context)


def test_once_warm_no_phrase_is_left_to_compile() -> None:
    rules = read_rules(PATTERNS)
    phrases = [phrase for index in (rules.hits, rules.masks, rules.vetoes, rules.markers) for phrase in index]
    assert phrases
    assert not any("regex" in vars(phrase) for phrase in phrases)
    TriageEngine(rules, None).warm_up()
    assert all("regex" in vars(phrase) for phrase in phrases)
