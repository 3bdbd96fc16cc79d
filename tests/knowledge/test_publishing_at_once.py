"""Two versions of one message, published at the same moment by two processes on PostgreSQL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

from sqlalchemy import select

from knowledge import editing, lifecycle
from knowledge.lifecycle import Wording
from knowledge.models import MessageVersion
from server import clock
from server.database.engine import make_engine, make_sessions
from server.errors import Conflict

TEXTS = {"en": dict.fromkeys(("sms", "web", "voice"), "Go.")}


def test_only_the_newest_stays_published(postgres_url: str) -> None:
    engine = make_engine(postgres_url)
    sessions = make_sessions(engine)
    with sessions.begin() as session:
        ids = [lifecycle.draft(session, wording=Wording("x.y", TEXTS, "parks", "s"), author="ana").id for _ in range(2)]
    together = Barrier(2)

    def publish(version_id: int) -> bool:
        together.wait()
        try:
            with sessions.begin() as session:
                end = clock.now() + timedelta(hours=1)
                editing.publish(session, version_id=version_id, actor="bo", single_person_allowed=True, expires_at=end)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(publish, ids))
    with sessions() as session:
        live = session.scalars(
            select(MessageVersion.id).where(MessageVersion.message_id == "x.y", MessageVersion.state == "published")
        ).all()
    engine.dispose()
    assert done[1], "the newest can always be published"
    assert live == [ids[1]]
