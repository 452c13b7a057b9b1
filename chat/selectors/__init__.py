"""Reading: rooms as lists show them, what was said, who the visitor is. All of it inside the tenant, all of it evaluated."""

from chat.selectors.messages import JoinedSnapshot, changes_after, heads, history, snapshot
from chat.selectors.rooms import summaries, summary_of

__all__ = ["JoinedSnapshot", "changes_after", "heads", "history", "snapshot", "summaries", "summary_of"]
