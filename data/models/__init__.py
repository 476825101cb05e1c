"""Every table, one module an aggregate. Only the modules of `data` write them."""

from data.models.alarm import Alarm, AlarmStep
from data.models.base import Base
from data.models.checkin import Checkin, CheckinPlan
from data.models.community import Community, Home
from data.models.conversation import Conversation, Message, Outgoing
from data.models.device import Device, Listener, Signal
from data.models.event import Event
from data.models.handoff import Handoff, HandoffNote
from data.models.ledger import LedgerAccount, LedgerTransfer
from data.models.reminder import Reminder
from data.models.request import NumberCounter, Request, RequestEvent
from data.models.resident import Consent, Contact, Resident
from data.models.staff import ApiToken, Audit, Shift, Staff, StaffSession
from data.models.timer import Timer
from data.models.waiting import Waiting

__all__ = [
    "Alarm",
    "AlarmStep",
    "ApiToken",
    "Audit",
    "Base",
    "Checkin",
    "CheckinPlan",
    "Community",
    "Consent",
    "Contact",
    "Conversation",
    "Device",
    "Event",
    "Handoff",
    "HandoffNote",
    "Home",
    "LedgerAccount",
    "LedgerTransfer",
    "Listener",
    "Message",
    "NumberCounter",
    "Outgoing",
    "Reminder",
    "Request",
    "RequestEvent",
    "Resident",
    "Shift",
    "Signal",
    "Staff",
    "StaffSession",
    "Timer",
    "Waiting",
]
