"""How many people a message needs before it is said, as one table: two for protective actions and closures, one for routine.

The rule is that of the emergency communications plans (two people for protective actions and closures). What the table does not
name, such as a topic that was added an hour ago, needs two until somebody puts it here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """Why a message needs as many people as it does."""

    PROTECTIVE = "protective"
    CLOSURE = "closure"
    WORDS = "words"
    """The assistant's own words and the cards: every resident gets them, and the 911 line is among them."""
    ROUTINE = "routine"
    UNLISTED = "unlisted"


PROTECTIVE: Final = frozenset(
    "active_threat_area boil_water_lifted boil_water_notice civil_unrest_area cooling_center current_situation curfew_info "
    "downed_power_line earthquake_now evacuation_order_status evacuation_routes evacuation_transport evacuation_zone_lookup "
    "flood_driving gas_leak generator_co hazmat_report heat_illness home_reentry_safety hurricane_during hurricane_status "
    "medical_equipment_power medicine_dialysis mental_health no_water_main_break pandemic_rules poison_help reentry_return_home "
    "shelter_in_place shelter_locations shelter_medical shelter_pets siren_question text_to_911 tornado_warning warming_center "
    "well_water when_to_call_911_or_311 wildfire_evacuation_level wildfire_smoke".split()
)
"""Topics that tell people to leave, stay, shelter, return, not to drink, or how to reach help for their lives."""
CLOSURES: Final = frozenset(
    "bridge_collapse_info government_closure road_closures school_closure snow_parking_ban snow_plow_roads transit_status".split()
)
"""Topics that say what is shut or forbidden."""
ROUTINE: Final = frozenset(
    "accessibility_relay building_inspection business_help comfort_station contact_utility debris_pickup disaster_recovery_center "
    "donate earthquake_utilities emergency_kit family_plan fema_assistance financial_shelter_help food_safety food_water_ice "
    "frozen_pipes fuel_availability insurance_claim language_help lost_pet mold_cleanup mosquito_control pandemic_symptoms "
    "parking_towed_car pets_left_behind phone_internet_out planned_event_info power_restoration_time price_gouging "
    "register_functional_needs repair_permit replace_documents report_damage report_power_outage report_status_check "
    "report_street_flooding reunification rumor_check sandbags sba_loan scams_contractor_fraud secure_home service_request "
    "sewer_backup shelter_what_to_bring snap_food_benefits subscribe_alerts talk_to_agent tax_fee_relief temporary_housing "
    "traffic_signal_out trash_recycling_schedule tree_down unemployment_help vaccine_test_sites volunteer".split()
)
"""Topics that one person may publish."""

PLAN_PROTECTIVE: Final = frozenset(
    "all_clear avoid_area boil_lift boil_water cooling_warming curfew_end curfew_start do_not_use_water eoc_activation evac_order "
    "evac_transport evac_warning holding_statement local_emergency mental_health message_correction missing_persons reentry_phase "
    "rumor_correction shelter_full_moved shelter_in_place shelter_open warning_issued watch_issued".split()
)
"""Templates of the communications plan that carry a protective action, whichever topic they answer."""
PLAN_CLOSURES: Final = frozenset("road_closed road_open school_closure service_change".split())
PLAN_ROUTINE: Final = frozenset(
    "damage_report_call debris_schedule demobilize drc_open fema_declared no_new_info pod_open power_update preparedness_season "
    "queue_overflow test_exercise".split()
)


@dataclass(frozen=True)
class Rule:
    """How many people, and why."""

    people: int
    kind: Kind


def rule_for(message_id: str, intent: str | None) -> Rule:
    """The rule for one message: the strictest of what its id and its topic ask for."""
    kinds = [kind for kind in (_by_id(message_id), _by_topic(intent)) if kind is not None]
    # Without a row in the table two people look at it.
    strict = next((kind for kind in kinds if kind is not Kind.ROUTINE), kinds[0] if kinds else Kind.UNLISTED)
    return Rule(1 if strict is Kind.ROUTINE else 2, strict)


def _by_id(message_id: str) -> Kind | None:
    if message_id.startswith(("card.", "system.")) or message_id == "safety_line":
        return Kind.WORDS
    if message_id.startswith("plan."):
        return _among(message_id.removeprefix("plan.").rpartition("-")[0], PLAN_PROTECTIVE, PLAN_CLOSURES, PLAN_ROUTINE)
    return Kind.UNLISTED if message_id.startswith("cap.") else None


def _by_topic(intent: str | None) -> Kind | None:
    return None if intent is None else _among(intent, PROTECTIVE, CLOSURES, ROUTINE)


def _among(name: str, protective: frozenset[str], closures: frozenset[str], routine: frozenset[str]) -> Kind:
    if name in protective:
        return Kind.PROTECTIVE
    if name in closures:
        return Kind.CLOSURE
    return Kind.ROUTINE if name in routine else Kind.UNLISTED
