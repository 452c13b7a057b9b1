"""Reading: rooms as lists show them, what was said, who the visitor is. All of it inside the tenant, all of it evaluated."""

from chat.selectors.messages import JoinedSnapshot, changes_after, heads, history, messages_of, snapshot
from chat.selectors.rooms import summaries, summary_of
from chat.selectors.sites import SiteRef, first_embed_key, forget_sites, site_for
from chat.selectors.visitors import VisitorPanel, visitor_panel

__all__ = [
    "JoinedSnapshot",
    "SiteRef",
    "VisitorPanel",
    "changes_after",
    "first_embed_key",
    "forget_sites",
    "heads",
    "history",
    "messages_of",
    "site_for",
    "snapshot",
    "summaries",
    "summary_of",
    "visitor_panel",
]
