"""What Twilio accepts of the voice TwiML that we use, and the rules of this house on top. Faults are told, not repaired."""

from __future__ import annotations

import re
from typing import Final
from xml.etree.ElementTree import Element

_TEXT_ATTRIBUTES: Final = frozenset({"voice", "language", "loop"})
ATTRIBUTES: Final[dict[str, frozenset[str]]] = {
    "Response": frozenset(),
    "Say": _TEXT_ATTRIBUTES,
    "Play": frozenset({"loop", "digits"}),
    "Pause": frozenset({"length"}),
    "Redirect": frozenset({"method"}),
    "Hangup": frozenset(),
    "Record": frozenset(
        "action method timeout finishOnKey maxLength playBeep trim transcribe transcribeCallback recordingStatusCallback "
        "recordingStatusCallbackMethod recordingStatusCallbackEvent".split()
    ),
    "Gather": frozenset(
        "action method input timeout speechTimeout speechModel language hints profanityFilter finishOnKey numDigits "
        "actionOnEmptyResult partialResultCallback partialResultCallbackMethod enhanced".split()
    ),
    "Dial": frozenset("action method timeout callerId answerOnBridge hangupOnStar timeLimit record ringTone sequential".split()),
    "Number": frozenset("url method statusCallback statusCallbackEvent statusCallbackMethod sendDigits".split()),
    "Conference": frozenset(
        "muted beep startConferenceOnEnter endConferenceOnExit participantLabel jitterBufferSize waitUrl waitMethod "
        "maxParticipants record region trim coach statusCallback statusCallbackEvent statusCallbackMethod recordingStatusCallback "
        "recordingStatusCallbackMethod recordingStatusCallbackEvent eventCallbackUrl".split()
    ),
    "Enqueue": frozenset("action method waitUrl waitUrlMethod workflowSid".split()),
}
CHILDREN: Final[dict[str, frozenset[str]]] = {
    "Response": frozenset({"Say", "Play", "Pause", "Redirect", "Hangup", "Gather", "Dial", "Enqueue", "Record"}),
    "Gather": frozenset({"Say", "Play", "Pause"}),
    "Dial": frozenset({"Number", "Conference"}),
}
_PHONE_CALL: Final = frozenset("en-US en-GB en-AU fr-FR fr-CA ja-JP ru-RU es-US es-ES pt-BR".split())
_VOICES: Final = {"Polly.Joanna-Neural": "en-US", "Polly.Lupe-Neural": "es-US"}
_SHORT: Final = re.compile(r"\+?(?:1?911|933|112)")


def check(root: Element, *, may_end: bool = False) -> list[str]:
    """Every fault of a document. One that is not for a resident `may_end` the call."""
    faults: list[str] = []
    for element in root.iter():
        allowed = ATTRIBUTES.get(element.tag)
        if allowed is None:
            faults.append(f"<{element.tag}> is not known here")
            continue
        faults += [f"<{element.tag} {name}> is not an attribute" for name in element.attrib if name not in allowed]
        inside = CHILDREN.get(element.tag, frozenset())
        faults += [f"<{child.tag}> may not stand in <{element.tag}>" for child in element if child.tag not in inside]
    for gather in root.iter("Gather"):
        faults += _gather(gather, falls_to=_after(root, gather))
    for said in root.iter("Say"):
        faults += _say(said)
    for made in root.iter("Record"):
        if not made.get("action"):
            faults.append("<Record> without action loops")
        if not 0 < int(made.get("maxLength") or "3600") <= 120:
            faults.append("<Record> longer than what is written down")
        if (made.get("transcribe") == "true") is not bool(made.get("transcribeCallback")):
            faults.append("<Record> that is written down for nobody")
        if not any(said.tag == "Say" for said in root):
            faults.append("<Record> without a word before it")
    for room in root.iter("Conference"):
        faults += _conference(room)
    for dial in root.iter("Dial"):
        numbers = [(number.text or "") for number in dial.iter("Number")] or [dial.text or ""]
        numbers = [] if dial.find("Conference") is not None else numbers
        faults += [f"<Dial> to {number!r}" for number in numbers if _SHORT.fullmatch(number.strip()) or not number.strip()]
        if not dial.get("action"):
            faults.append("<Dial> without action: a failed transfer would end the call")
    return faults if may_end else [*faults, *_end(root)]


def _gather(gather: Element, *, falls_to: str | None) -> list[str]:
    faults = []
    if gather.get("actionOnEmptyResult") != "true" and falls_to != "Dial":
        faults.append("<Gather> that silence ends without an action or a transfer")
    if gather.get("profanityFilter") != "false":
        faults.append("<Gather> with the profanity filter")
    if not gather.get("language"):
        faults.append("<Gather> without language")
    if "dtmf" not in gather.get("input", "dtmf"):
        faults.append("<Gather> that hears no keys")
    if not gather.get("action"):
        faults.append("<Gather> without action loops")
    if gather.get("speechModel"):
        if not (gather.get("speechTimeout") or "").isdigit():
            faults.append("speechModel needs a whole speechTimeout (warning 13335)")
        if gather.get("speechModel") == "phone_call" and gather.get("language") not in _PHONE_CALL:
            faults.append(f"phone_call does not know {gather.get('language')}")
    hints = [hint.strip() for hint in (gather.get("hints") or "").split(",")]
    if len(hints) > 500 or any(len(hint) > 100 for hint in hints):
        faults.append("too many or too long hints")
    for name in ("timeout", "numDigits", "speechTimeout"):
        value = gather.get(name)
        if value is not None and not (value.isdigit() and int(value) > 0):
            faults.append(f"<Gather {name}={value!r}>")
    return faults


def _say(said: Element) -> list[str]:
    text = (said.text or "").strip()
    faults = [] if text else ["<Say> without words"]
    if len(text) > 3000:
        faults.append("<Say> longer than 3,000 characters")
    if re.search(r"https?://|www\.", text):
        faults.append("<Say> with an address of a web page")
    if _VOICES.get(said.get("voice", "")) != said.get("language"):
        faults.append(f"voice {said.get('voice')} does not speak {said.get('language')}")
    return faults


def _conference(room: Element) -> list[str]:
    name = (room.text or "").strip()
    faults = [] if name else ["<Conference> without a name"]
    if re.search(r"\+\d|@", name):
        faults.append("<Conference> named after somebody")
    if room.get("record", "do-not-record") != "do-not-record":
        faults.append("<Conference> that is recorded")
    if room.get("beep") != "false":
        faults.append("<Conference> that beeps")
    if room.get("endConferenceOnExit") != "true":
        faults.append("<Conference> that leaves somebody alone in it")
    if not (room.get("waitUrl") and room.get("statusCallback")):
        faults.append("<Conference> without a sound or a callback")
    return faults


def _after(root: Element, gather: Element) -> str | None:
    verbs = list(root)
    place = verbs.index(gather) if gather in verbs else -1
    return verbs[place + 1].tag if 0 <= place < len(verbs) - 1 else None


def _end(root: Element) -> list[str]:
    if root.find("Hangup") is not None:
        return ["<Hangup>: the caller hangs up first"]
    verbs = list(root)
    if not verbs or verbs[-1].tag not in ("Gather", "Dial", "Enqueue", "Redirect"):
        return ["the document ends and Twilio would hang up"]
    return []
