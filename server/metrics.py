"""What is counted, for /metrics. Labels never hold a number, a text or an address."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

TURNS = Counter("spillway_turns", "Turns by channel, outcome and what answered.", ["channel", "outcome", "engine"])
TURN_SECONDS = Histogram(
    "spillway_turn_seconds",
    "From the webhook to the reply.",
    ["channel"],
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)
TRIAGE = Counter("spillway_triage", "Triage decisions by level and category.", ["level", "category"])
DUPLICATES = Counter("spillway_duplicates", "Inbound messages that had been received before.", ["channel"])
REFUSED = Counter("spillway_refused", "Requests refused at the edge, by reason.", ["reason"])
OUTBOX = Counter("spillway_outbox", "Sends by channel and state reached.", ["channel", "state"])
ALERTS = Counter("spillway_alerts", "Alerts raised for staff.", ["kind"])
STEP = Gauge("spillway_degraded", "1 while a part has stepped down.", ["part"])
WAITING = Gauge("spillway_waiting", "Conversations waiting for a person.")
