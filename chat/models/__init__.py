"""Sites, visitors, rooms and messages: one set of tables in each tenant's schema.

No foreign key leaves the schema: users and tenants are plain ids. Where a foreign key has no index of its own, a constraint that
begins with it is named beside it.
"""

from chat.models.messages import Change, Message, Reaction, Report
from chat.models.notifications import Notification, NotificationSetting
from chat.models.presence import AgentState
from chat.models.rooms import Invitation, Participant, Room
from chat.models.sites import SignedIn, Site, TagSeen, Visitor

__all__ = [
    "AgentState",
    "Change",
    "Invitation",
    "Message",
    "Notification",
    "NotificationSetting",
    "Participant",
    "Reaction",
    "Report",
    "Room",
    "SignedIn",
    "Site",
    "TagSeen",
    "Visitor",
]
