"""The topics' pages: the list, adding one, its examples, what residents wrote that was not understood."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from sqlalchemy import select
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from bot.learning.models import LearningRow
from bot.learning.service import ask_for, on_its_way, under_way
from console.topics import counts, editor, lines
from console.topics.editor import Typed
from knowledge.library import Library
from knowledge.lifecycle import State
from knowledge.models import MessageVersion, TopicRow
from knowledge.topics import Topic
from server import clock
from server.assembly import Service
from server.conversations.models import Conversation, Turn
from server.database.engine import reading
from server.errors import Forbidden, NotFound
from server.http.deps import ChannelDeps
from server.http.pages import page_language, render
from server.staff.access import check_owner, staff_user
from server.staff.models import StaffUser
from server.staff.permissions import PERMISSIONS

HOME = "/console/topics/"
PAGE: Final = 150
"""So many topics are listed at a time: all that ship and a city's own, as a rule."""
MOST_PAGES: Final = 1000


async def fields(request: Request) -> dict[str, str]:
    """The text fields of a form, as they were sent."""
    form = await request.form(max_files=0, max_fields=60)
    return {name: value for name, value in form.items() if isinstance(value, str)}


def may(user: StaffUser, permission: str) -> bool:
    """Whether a person's role allows an act, for what a page shows."""
    return user.role in PERMISSIONS[permission]


def router(deps: ChannelDeps, service: Service) -> APIRouter:
    """The pages under /console/topics/."""
    routes = APIRouter(prefix="/console/topics", tags=["topics"], include_in_schema=False)

    def model() -> Any:
        return service.assistant.topic_model if service.assistant is not None else None

    @routes.get("/")
    def home(request: Request, page: Annotated[int, Query(ge=1, le=MOST_PAGES)] = 1) -> Response:
        user = staff_user(request, deps, "console.see")
        library, language = deps.library.get(), page_language(request, user)
        wanted = request.query_params.get("q", "").strip()[:80]
        with reading(deps.sessions) as session:
            numbers = counts.counts(session)
            # What staff made and never published stands in no library.
            own = session.execute(select(TopicRow.intent, TopicRow.data).where(TopicRow.active, TopicRow.pack.is_(None)))
            unsaid = [Topic.from_data(data) for intent, data in own if intent not in library.topics]
            working = under_way(session)
        found = [line for topic in (*library.topics.values(), *unsaid) if (line := _line(topic, numbers, language)).fits(wanted)]
        found.sort(key=lambda line: (-line.count.unclear, -line.count.asked, line.title))
        shown = found[(page - 1) * PAGE : page * PAGE]
        values: dict[str, Any] = {
            "listed": shown,
            "published": {line.topic.intent for line in shown if library.can_answer(line.topic.intent, clock.now())},
            "owners": {line.topic.owner: _owner(library, line.topic.owner, language).partition(":")[0] for line in shown},
            "wanted": wanted,
            "page": page,
            "more": len(found) > page * PAGE,
            "may_change": may(user, "topics.change"),
            "row": working,
        }
        return render("topics/list.html", request=request, deps=deps, user=user, **values)

    @routes.get("/new")
    def new(request: Request) -> Response:
        user = staff_user(request, deps, "topics.change")
        text = request.query_params.get("example", "")[:200]
        return _form(request, user, Typed.of({"examples_en": text}), checked=False)

    @routes.post("/look")
    async def look(request: Request) -> Response:
        typed = Typed.of(await fields(request))

        def show() -> Response:
            user = staff_user(request, deps, "topics.change")
            return render("topics/_look.html", request=request, deps=deps, user=user, **_looked(typed))

        return await run_in_threadpool(show)

    @routes.post("/new")
    async def add(request: Request) -> Response:
        form = await fields(request)

        def store() -> Response:
            user, typed = staff_user(request, deps, "topics.change"), Typed.of(form)
            library = deps.library.get()
            if editor.gaps(typed, library=library) or _errors(typed):
                return _form(request, user, typed, checked=True, status=400)
            check_owner(user, typed.owner)
            with deps.sessions.begin() as session:
                topic, _ = editor.add_topic(session, typed=typed, library=library, actor=user.name)
            return RedirectResponse(f"{HOME}t/{topic.intent}", 303)

        return await run_in_threadpool(store)

    @routes.get("/t/{intent}")
    def show(request: Request, intent: str) -> Response:
        user = staff_user(request, deps, "console.see")
        library, language = deps.library.get(), page_language(request, user)
        with reading(deps.sessions) as session:
            row = session.get(TopicRow, intent)
            if row is None:
                raise NotFound("There is no such topic.")
            newest, working = editor.newest_version(session, intent=intent), under_way(session)
            coming = on_its_way(session, kind="topics")
            count = counts.counts(session).get(intent, counts.Count())
        topic = Topic.from_data(row.data)
        mine = not user.owners or topic.owner in user.owners
        examples = [(text, code) for code, texts in topic.examples.items() for text in texts]
        staff_made = intent.startswith(editor.PREFIX)
        values: dict[str, Any] = {
            "topic": topic,
            "title": topic.title.get(language) or topic.title["en"],
            "seen": row.updated_at.isoformat(),
            "newest": newest,
            "count": count,
            "published": library.can_answer(intent, clock.now()),
            "owner": _owner(library, topic.owner, language),
            "may_change": mine and may(user, "topics.change"),
            "may_publish": mine and not deps.settings.live and may(user, "messages.publish") and _is_draft(newest),
            "may_train": may(user, "models.train"),
            "hours": editor.HOURS,
            "unlearned": [text for text, _ in examples if (known := model()) is None or not known.knows(intent, text)],
            "collisions": editor.collisions(examples, library=library, model=model(), own=intent) if staff_made else [],
            "row": working,
            "coming": coming,
        }
        return render("topics/topic.html", request=request, deps=deps, user=user, **values)

    @routes.post("/t/{intent}/examples")
    async def examples(request: Request, intent: str) -> Response:
        form = await fields(request)

        def store() -> Response:
            user, typed = staff_user(request, deps, "topics.change"), Typed.of(form)
            with deps.sessions.begin() as session:
                row = session.get(TopicRow, intent)
                if row is not None:
                    check_owner(user, str(row.data["owner"]))
                editor.put_examples(session, intent=intent, examples=typed.examples, seen=form.get("seen", ""), actor=user.name)
            return RedirectResponse(f"{HOME}t/{intent}", 303)

        return await run_in_threadpool(store)

    @routes.post("/t/{intent}/publish")
    async def publish(request: Request, intent: str) -> Response:
        form = await fields(request)

        def store() -> Response:
            user = staff_user(request, deps, "messages.publish")
            if deps.settings.live:
                raise Forbidden("In live mode a second person approves the text, on the page of its message.")
            with deps.sessions.begin() as session:
                version = editor.newest_version(session, intent=intent)
                if version is None or version.state != State.DRAFT.value:
                    raise NotFound("There is no draft to publish.")
                check_owner(user, version.owner)
                hours = int(form.get("hours") or 0) if form.get("hours", "").isdecimal() else 0
                editor.publish_at_once(session, version_id=version.id, actor=user.name, hours=hours)
                if may(user, "models.train"):
                    ask_for(session, kind="topics", actor=user.name)
            return RedirectResponse(f"{HOME}t/{intent}", 303)

        return await run_in_threadpool(store)

    @routes.get("/lines")
    def unclear(request: Request) -> Response:
        user = staff_user(request, deps, "topics.change")
        with reading(deps.sessions) as session:
            found = counts.unclear_lines(session)
            kept = session.scalars(select(LearningRow).order_by(LearningRow.id.desc()).limit(100)).all()
            used = {row.turn_id for row in kept}
        shown = [(turn.id, lines.redacted(turn.text), turn, talk) for turn, talk in found if turn.id not in used]
        return render(
            "topics/lines.html", request=request, deps=deps, user=user, shown=shown, kept=kept, titles=_titles(request, user)
        )

    @routes.get("/lines/{turn_id}")
    def line(request: Request, turn_id: int) -> Response:
        user = staff_user(request, deps, "topics.change")
        with reading(deps.sessions) as session:
            turn = session.get(Turn, turn_id)
            talk = session.get(Conversation, turn.conversation_id) if turn is not None else None
        if turn is None or talk is None:
            raise NotFound("There is no such line.")
        guess = None
        if (known := model()) is not None:
            guess = next((name for name, _ in known.understand(turn.text, language=turn.language).ranking), None)
        values: dict[str, Any] = {
            "turn": turn,
            "text": lines.redacted(turn.text),
            "guess": guess,
            "talk": talk,
            "titles": _titles(request, user),
        }
        return render("topics/line.html", request=request, deps=deps, user=user, **values)

    @routes.post("/lines/{turn_id}")
    async def keep(request: Request, turn_id: int) -> Response:
        form = await fields(request)

        def store() -> Response:
            user, library = staff_user(request, deps, "topics.change"), deps.library.get()
            intent = form.get("intent", "")
            if intent in library.topics:
                check_owner(user, library.topics[intent].owner)
            with deps.sessions.begin() as session:
                turn = session.get(Turn, turn_id)
                if turn is None:
                    raise NotFound("There is no such line.")
                lines.keep_line(
                    session,
                    text=form.get("text", ""),
                    language=turn.language,
                    intent=intent,
                    use=form.get("use", ""),
                    reviewed=form.get("reviewed") == "yes",
                    library=library,
                    actor=user.name,
                    turn_id=turn_id,
                )
            return RedirectResponse(f"{HOME}lines", 303)

        return await run_in_threadpool(store)

    @routes.post("/sentences/{row_id}/remove")
    def remove(request: Request, row_id: int) -> Response:
        user = staff_user(request, deps, "topics.change")
        with deps.sessions.begin() as session:
            lines.take_out(session, row_id=row_id, actor=user.name)
        return RedirectResponse(f"{HOME}lines", 303)

    def _form(request: Request, user: StaffUser, typed: Typed, *, checked: bool, status: int = 200) -> Response:
        library, language = deps.library.get(), page_language(request, user)
        owners = sorted(
            (_owner(library, name, language), name) for name in library.owners if not user.owners or name in user.owners
        )
        missing = editor.gaps(typed, library=library) if checked else []
        values: dict[str, Any] = {"typed": typed, "owners": owners, "missing": missing, **_looked(typed)}
        return render("topics/new.html", request=request, deps=deps, user=user, status=status, **values)

    def _looked(typed: Typed) -> dict[str, Any]:
        library = deps.library.get()
        examples = [(text, code) for code, texts in typed.examples.items() for text in texts]
        return {
            "findings": editor.findings(typed),
            "collisions": editor.collisions(examples, library=library, model=model()),
        }

    def _titles(request: Request, user: StaffUser) -> list[tuple[str, str]]:
        library, language = deps.library.get(), page_language(request, user)
        return sorted((library.title(intent, language), intent) for intent in library.topics)

    return routes


def _errors(typed: Typed) -> bool:
    return any(finding.level == "error" for finding in editor.findings(typed))


@dataclass(frozen=True)
class Line:
    """One topic of the list."""

    topic: Topic
    title: str
    count: counts.Count

    def fits(self, wanted: str) -> bool:
        """True when it is called so, in the language of the page or by its stable name, or belongs to such an owner."""
        return not wanted or wanted.casefold() in f"{self.title} {self.topic.intent} {self.topic.owner}".casefold()


def _line(topic: Topic, numbers: dict[str, counts.Count], language: str) -> Line:
    return Line(topic, topic.title.get(language) or topic.title["en"], numbers.get(topic.intent, counts.Count()))


def _owner(library: Library, name: str, language: str) -> str:
    names = library.owners.get(name, {})
    return names.get(language) or names.get("en") or name


def _is_draft(version: MessageVersion | None) -> bool:
    return version is not None and version.state == State.DRAFT.value
