"""Which roles may do what: the one table of it."""

from __future__ import annotations

from typing import Final

_EVERYBODY: Final = frozenset({"viewer", "author", "approver", "agent", "supervisor", "administrator"})
_WRITERS: Final = frozenset({"author", "approver", "supervisor", "administrator"})
_APPROVERS: Final = frozenset({"approver", "supervisor", "administrator"})
_SUPERVISORS: Final = frozenset({"supervisor", "administrator"})
_AGENTS: Final = frozenset({"agent", "supervisor", "administrator"})
_ADMINISTRATORS: Final = frozenset({"administrator"})

PERMISSIONS: Final[dict[str, frozenset[str]]] = {
    "desk.see": _EVERYBODY,
    "desk.take": _AGENTS,
    "desk.contact": _AGENTS,
    "desk.supervise": _SUPERVISORS,
    "alerts.acknowledge": _AGENTS,
    "console.see": _EVERYBODY,
    "messages.draft": _WRITERS,
    "messages.approve": _APPROVERS,
    "messages.publish": _APPROVERS,
    "messages.override": _SUPERVISORS,
    "messages.withdraw": _WRITERS,
    "topics.change": _WRITERS,
    "models.train": _APPROVERS,
    "models.promote": _SUPERVISORS,
    "facts.change": _WRITERS,
    "incidents.change": _APPROVERS,
    "triage.review": _SUPERVISORS,
    "residents.block": _SUPERVISORS,
    "audit.see": _SUPERVISORS,
    "people.see": _SUPERVISORS,
    "people.change": _ADMINISTRATORS,
}
"""Every act of a staff member and the roles that may do it."""
