"""What one recipient must hear of: stored first, then pushed to their open sockets; what was missed comes with `welcome`.

`send_notification` and `a_send_notification` tell people; everything else here reads what they were told.
"""

from chat.notifications.categories import CATEGORIES, Category
from chat.notifications.draft import Draft, cut, draft
from chat.notifications.reading import (
    Told,
    change_settings,
    mark_seen,
    settings_of,
    told,
    unread,
    unseen_of,
    unseen_under,
    url_of,
)
from chat.notifications.sending import a_send_notification, notify, push, see, send_notification, send_to_members
from chat.notifications.storing import Sent, store_for, store_for_roles

__all__ = [
    "CATEGORIES",
    "Category",
    "Draft",
    "Sent",
    "Told",
    "a_send_notification",
    "change_settings",
    "cut",
    "draft",
    "mark_seen",
    "notify",
    "push",
    "see",
    "send_notification",
    "send_to_members",
    "settings_of",
    "store_for",
    "store_for_roles",
    "told",
    "unread",
    "unseen_of",
    "unseen_under",
    "url_of",
]
