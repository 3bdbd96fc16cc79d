"""What the pages of facts need to know of the city."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from server.http.deps import ChannelDeps


def zone_of_city(deps: ChannelDeps) -> ZoneInfo:
    """The zone in which staff read and write times."""
    return ZoneInfo(str(deps.library.last_good.city.get("time_zone") or "UTC"))
