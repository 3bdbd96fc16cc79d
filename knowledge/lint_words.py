"""The sentences of the checks, in the languages of the staff pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_SENTENCES: Final[Mapping[str, Mapping[str, str]]] = {
    "unknown_placeholder": {
        "en": "{{{name}}} is no placeholder; docs/topics.md lists them",
        "es": "{{{name}}} no es un campo conocido; la lista está en docs/topics.md",
    },
    "lone_brace": {
        "en": "a brace stands alone; write a placeholder as {{name}}",
        "es": "hay una llave suelta; los campos se escriben como {{name}}",
    },
    "carrier_word": {
        "en": "asks for the reply {word}, which belongs to the phone carriers",
        "es": "pide responder {word}, palabra que usan las compañías de teléfono",
    },
    "picture": {
        "en": "holds a picture; they are not read aloud and cost segments",
        "es": "tiene un emoji; no se lee en voz alta y hace el mensaje más caro",
    },
    "no_asof": {
        "en": "quotes {{{name}}} without {{asof}}",
        "es": "cita {{{name}}} sin {{asof}}",
    },
    "unknown_number": {
        "en": "{number} is neither a placeholder nor a known national number (core/national_numbers.yml)",
        "es": "{number} no es un campo ni un número nacional conocido (core/national_numbers.yml)",
    },
    "spoken_address": {
        "en": 'reads the address {address} aloud; say "the city website"',
        "es": "lee en voz alta la dirección {address}; diga «la página de la ciudad»",
    },
    "unlisted_link": {
        "en": "links to {address}, which is not on the list (core/link_hosts.yml)",
        "es": "enlaza a {address}, que no está en la lista (core/link_hosts.yml)",
    },
    "web_words": {
        "en": "{words} words on the web; 120 are enough",
        "es": "{words} palabras en la web; bastan 120",
    },
    "voice_words": {
        "en": "{words} words spoken, {seconds} seconds; 75 words are 30 seconds",
        "es": "{words} palabras habladas, {seconds} segundos; 75 palabras son 30 segundos",
    },
    "voice_markup": {
        "en": "holds markup, which is not read aloud",
        "es": "tiene marcas de formato, que no se leen en voz alta",
    },
    "grade": {
        "en": "reads at grade {grade}; 6 to 8 is the aim (shorter sentences, shorter words)",
        "es": "se lee a nivel de grado {grade}; la meta es de 6 a 8 (frases y palabras más cortas)",
    },
    "one_segment": {
        "en": "must be one GSM-7 text; it is {units} units of {encoding} ({foreign})",
        "es": "debe caber en un solo mensaje GSM-7; tiene {units} unidades de {encoding} ({foreign})",
    },
    "sms_long": {
        "en": "{length} characters before facts are filled in; at most {limit}",
        "es": "{length} caracteres antes de poner los datos; como máximo {limit}",
    },
    "sms_foreign": {
        "en": "holds {foreign}, which makes the text cost double",
        "es": "tiene {foreign}, que duplica el costo del mensaje",
    },
    "sms_marks": {
        "en": "holds curly quotes, long dashes or wide spaces; plain ones are sent",
        "es": "tiene comillas tipográficas, rayas o espacios anchos; se envían los sencillos",
    },
    "utility_phone": {
        "en": "names {{{name}}} without {{{phone}}}",
        "es": "menciona {{{name}}} sin {{{phone}}}",
    },
    "referral": {
        "en": "sends people to an office without its number: {sentence}",
        "es": "manda a la gente a una oficina sin dar su número: {sentence}",
    },
    "zone_unnamed": {
        "en": "every text must name zone {zone}: people whose zone is not known get it too",
        "es": "cada texto debe nombrar la zona {zone}: también lo recibe quien no ha dicho su zona",
    },
    "zones_left": {
        "en": "leaves these zones without any answer on the topic: {zones}",
        "es": "deja sin ninguna respuesta sobre el tema a estas zonas: {zones}",
    },
    "no_language": {"en": "has no {language}", "es": "falta el idioma {language}"},
    "missing": {"en": "is missing", "es": "falta"},
    "other_facts": {
        "en": "quotes other facts than English: {names}",
        "es": "cita otros datos que el inglés: {names}",
    },
}
"""What a check says, by its code; braces that stand in the sentence are doubled."""


class Remark(str):
    """What a check says, in English, with what it takes to say it in another language."""

    code: str
    values: Mapping[str, object]

    __slots__ = ("code", "values")

    def __new__(cls, code: str, **values: object) -> Remark:
        """The remark of a code of the table."""
        made = super().__new__(cls, _SENTENCES[code]["en"].format_map(values))
        made.code, made.values = code, values
        return made


def in_language(text: str, language: str) -> str:
    """A finding's text in a language of the staff pages; one without a code is English."""
    if not isinstance(text, Remark):
        return text
    sentences = _SENTENCES[text.code]
    return sentences.get(language, sentences["en"]).format_map(text.values)
