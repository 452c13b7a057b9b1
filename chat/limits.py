"""Every limit of the chat, one line each. `Limit(name, times, seconds, scope)`: so many at once, and so many per that time.

`COSTS` says what a frame counts against. A tenant's limits grow with its plan. All answers carry `retry_after`. `Most` bounds how
many there are at the same time.

What the wire promises of a frame, a text, a socket (100 rooms) or a visitor (5 sockets) stands in `realtime/protocol/codes.py`.
Pings and parts of messages, of which no application hears, are counted by the kernel: `saas/core/parts.py`.
"""

from typing import Final

from chat.realtime.protocol import incoming
from saas.core.ratelimit import Limit, Most

# In process, for each socket.
FRAMES_PER_SOCKET = Limit("chat.frames", 1_000, 10, "socket")  # of any kind
SEND_PER_VISITOR_SOCKET = Limit("chat.send.visitor", 200, 10, "socket")  # messages and changes of messages
SEND_PER_AGENT_SOCKET = Limit("chat.send.agent", 1_000, 5, "socket")  # members are few and named; a script may answer for one
TYPING_PER_SOCKET = Limit("chat.typing", 2, 5, "socket")  # more are dropped: the one before says the same
TYPING_PER_CROWD = Limit("chat.typing.crowd", 10, 5, "room")  # of all who type in a crowded room; each reaches everyone there
READ_PER_SOCKET = Limit("chat.read", 100, 10, "socket")  # marks that others hear at once; of more, the newest of each room, later

REFUSED_PER_SOCKET = Limit("chat.refused", 50, 10, "socket")  # who is refused more often is not read for a while
MOST_REST: Final = 2.0  # seconds of that while; shorter than a peer's silence that would end the socket

# Over all processes, on credit. A mobile network may stand behind one address, an office behind another: it has what stands here,
# but no more than a quarter of what its tenant's plan allows to all, so that one of them shuts nobody else out.
SEND_PER_VISITOR = Limit("chat.send.person", 200, 10, "person")
SEND_PER_AGENT = Limit("chat.send.member", 2_000, 10, "person")
SEND_PER_TENANT = Limit("chat.send.tenant", 50_000, 10, "tenant")
SEND_PER_IP = Limit("chat.send.ip", 20_000, 10, "ip", SEND_PER_TENANT)
CHANGE_PER_PERSON = Limit("chat.change.person", 120, 60, "person")  # edits, deletions, reactions
JOIN_PER_PERSON = Limit("chat.join.person", 300, 60, "person")
JOIN_PER_TENANT = Limit("chat.join.tenant", 60_000, 60, "tenant")
JOIN_PER_IP = Limit("chat.join.ip", 30_000, 60, "ip", JOIN_PER_TENANT)
RESUME_PER_PERSON = Limit("chat.resume.person", 3_000, 60, "person")  # rooms that hellos name, and polls again and again
RESUME_PER_TENANT = Limit("chat.resume.tenant", 240_000, 60, "tenant")
RESUME_PER_IP = Limit("chat.resume.ip", 60_000, 60, "ip", RESUME_PER_TENANT)
HISTORY_PER_PERSON = Limit("chat.history.person", 120, 60, "person")
HISTORY_PER_TENANT = Limit("chat.history.tenant", 6_000, 60, "tenant")
HISTORY_PER_IP = Limit("chat.history.ip", 3_000, 60, "ip", HISTORY_PER_TENANT)
OPEN_PER_TENANT = Limit("chat.open.tenant", 20_000, 3_600, "tenant")
OPEN_PER_IP = Limit("chat.open.ip", 2_000, 3_600, "ip", OPEN_PER_TENANT)
PAGE_PER_PERSON = Limit("chat.page.person", 120, 60, "person")
HELLO_PER_PERSON = Limit("chat.hello.person", 120, 60, "person")
HELLO_PER_TENANT = Limit("chat.hello.tenant", 60_000, 60, "tenant")  # of those who proved who they are
HELLO_PER_IP = Limit("chat.hello.ip", 30_000, 60, "ip", HELLO_PER_TENANT)
POLL_PER_PERSON = Limit("chat.poll.person", 600, 60, "person")  # requests of those who have no socket
POLL_PER_TENANT = Limit("chat.poll.tenant", 120_000, 60, "tenant")
POLL_PER_IP = Limit("chat.poll.ip", 60_000, 60, "ip", POLL_PER_TENANT)

# Over all processes, exactly.
OPEN_PER_VISITOR = Limit("chat.open.visitor", 20, 3_600, "person")  # new support rooms
PRESENCE_PER_AGENT = Limit("chat.presence", 30, 60, "person")  # away and back, over all tabs
SEEN_PER_PERSON = Limit("chat.seen", 200, 10, "person")  # notifications, one by one or all
REPORT_PER_PERSON = Limit("chat.report.person", 20, 3_600, "person")  # messages shown to the moderators
MENTION_PER_PERSON = Limit("chat.mention.person", 30, 60, "person")  # lines that name somebody; more tell nobody
NOTIFY_PER_TENANT = Limit("chat.notify.tenant", 6_000, 60, "tenant")  # sent, to however many
MODERATION_PER_PERSON = Limit("chat.moderation.person", 300, 60, "person")  # mute, ban, pin, settle, invite

# At the same time, in one process.
WAITING_PER_IP = Most("chat.waiting.ip", 1_000, "ip")  # sockets that have not said hello; each may take 10 s
WAITING_PER_TENANT = Most("chat.waiting.tenant", 4_000, "tenant")
WAITING_IN_ALL = Most("chat.waiting", 10_000, "process")
HELD_PER_TENANT = Most("chat.held.tenant", 1_000, "tenant")  # polls of those without a socket that wait for news
HELD_IN_ALL = Most("chat.held", 2_000, "process")

# So much waits at most, in one process. Who would be more hears `busy`.
WELCOMES: Final = 128  # hellos that are being answered; the others wait for their turn
WELCOMES_EACH: Final = 64  # of one tenant: as many as two reads of the database take
WAITING_IN_JOURNAL: Final = 10_000  # messages and changes that are to be stored
JOURNAL_SHARE: Final = 0.5  # of these that one tenant may have there
WAITING_IN_LANES: Final = 500  # frames of one socket that wait for those before them

POLL: Final = (POLL_PER_PERSON, POLL_PER_IP, POLL_PER_TENANT)
CHANGE: Final = (CHANGE_PER_PERSON, SEND_PER_IP, SEND_PER_TENANT)
COSTS: Final[dict[type, tuple[Limit, ...]]] = {
    incoming.Hello: (RESUME_PER_PERSON, RESUME_PER_IP, RESUME_PER_TENANT),  # once for each room that it names
    incoming.Send: (SEND_PER_VISITOR, SEND_PER_IP, SEND_PER_TENANT),
    incoming.Edit: CHANGE,
    incoming.Delete: CHANGE,
    incoming.React: CHANGE,
    incoming.Open: (OPEN_PER_IP, OPEN_PER_TENANT),
    incoming.Join: (JOIN_PER_PERSON, JOIN_PER_IP, JOIN_PER_TENANT),
    incoming.History: (HISTORY_PER_PERSON, HISTORY_PER_IP, HISTORY_PER_TENANT),
    incoming.PageChange: (PAGE_PER_PERSON,),
}
COSTS_OF_AGENTS: Final[dict[type, tuple[Limit, ...]]] = {**COSTS, incoming.Send: (SEND_PER_AGENT, SEND_PER_IP, SEND_PER_TENANT)}
