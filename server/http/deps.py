"""What the routes of every channel are given."""

from __future__ import annotations

from dataclasses import dataclass, field

from knowledge.library import LiveLibrary
from server.conversations.signs import Signs
from server.conversations.spine import Spine
from server.conversations.wake import Wake
from server.database.engine import Sessions
from server.identity.keys import Keys
from server.settings import Settings
from server.twilio.ports import CallControl, NoCallControl, NoRecordings, Recordings


@dataclass(frozen=True)
class ChannelDeps:
    """The parts of one process that a channel speaks with."""

    settings: Settings
    spine: Spine
    library: LiveLibrary
    keys: Keys
    sessions: Sessions
    wake: Wake = field(default_factory=Wake)
    """The one that the spine's `stored` calls, so that open chats see what is said at once."""
    calls: CallControl = field(default_factory=NoCallControl)
    """Changes calls that are going on."""
    recordings: Recordings = field(default_factory=NoRecordings)
    """Fetches what callers recorded."""
    signs: Signs = field(default_factory=Signs)
    """Who is writing just now, in this process."""
