"""Twilio's side of the house, on this machine: a carrier for texts and a telephone network for calls.

Tests, the simulator and training mode speak with it as with Twilio: it signs and posts the same webhooks, walks the TwiML that
comes back, keeps the carrier's list of who said STOP, and speaks the REST format of messages and calls."""

from __future__ import annotations

from server.twilio.standin.calls import Call, CallError
from server.twilio.standin.core import Callbacks, OptOuts, Phone, StandIn
from server.twilio.standin.outbound import OutboundCall
from server.twilio.standin.records import Message, Refusal
from server.twilio.standin.sender import (
    StandInCallControl,
    StandInRecordings,
    StandInSender,
    make_call_control,
    make_recordings,
    make_sender,
    standin_of,
)
from server.twilio.standin.webhooks import Answer, Post, WebhookFailed, post_to, post_to_app

__all__ = [
    "Answer",
    "Call",
    "CallError",
    "Callbacks",
    "Message",
    "OptOuts",
    "OutboundCall",
    "Phone",
    "Post",
    "Refusal",
    "StandIn",
    "StandInCallControl",
    "StandInRecordings",
    "StandInSender",
    "WebhookFailed",
    "make_call_control",
    "make_recordings",
    "make_sender",
    "post_to",
    "post_to_app",
    "standin_of",
]
