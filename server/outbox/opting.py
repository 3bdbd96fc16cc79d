"""Who does not want texts from a number of ours."""

from __future__ import annotations

from sqlalchemy import delete
from sqlalchemy.orm import Session

from server import clock
from server.audit.service import record
from server.outbox.models import OptOut


def set_opt_out(session: Session, *, person: str, our_address: str, stopped: bool) -> None:
    """Notes a STOP or a START, once, and audits it under the keyed hash."""
    known = session.get(OptOut, (person, our_address))
    if stopped and known is None:
        session.add(OptOut(person=person, our_address=our_address, at=clock.now()))
    elif not stopped and known is not None:
        session.execute(delete(OptOut).where(OptOut.person == person, OptOut.our_address == our_address))
    else:
        return
    record(session, actor="resident", action="contact.stopped" if stopped else "contact.started", subject=person[:12])
