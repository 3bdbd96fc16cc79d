"""The city values that messages may quote (docs/topics.md), with what kind of value each is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

Kind = Literal["text", "page", "phone", "number"]

_PAGES: Final = "website alerts_signup zone_lookup outage_map damage_form donations_page asl_page"
_PHONES: Final = (
    "electric_phone gas_phone water_phone sewer_phone police_phone health_phone nurse_line animal_phone transit_phone "
    "paratransit_phone evac_ride_phone registry_phone medical_shelter_phone building_phone permit_phone debris_phone trash_phone "
    "tree_phone tow_phone damage_phone school_phone tax_phone business_phone consumer_phone insurance_phone unemployment_phone "
    "snap_phone legal_aid_phone housing_phone volunteer_phone mosquito_phone hazwaste_phone county_clerk_phone family_info_phone "
    "street_phone snow_phone"
)
_TEXTS: Final = "city agent_hours electric_utility gas_utility water_utility languages"
_NUMBERS: Final = "bag_limit boil_minutes wire_distance"

PLACEHOLDERS: Final[Mapping[str, Kind]] = {
    **dict.fromkeys(_PAGES.split(), "page"),
    **dict.fromkeys(_PHONES.split(), "phone"),
    **dict.fromkeys(_TEXTS.split(), "text"),
    **dict.fromkeys(_NUMBERS.split(), "number"),
}
"""Every city value that is a placeholder."""

RUNTIME: Final = frozenset(
    {"options", "position", "minutes", "place", "reference", "number", "agent", "reason", "language", "since"}
)
"""Placeholders of system texts that the assistant fills itself."""
