"""The instruments of the chat: sockets, messages, the journal, the bus, repairs. `saas/core/metrics` says what they cost."""

from typing import Final

from chat.realtime.protocol.codes import Close
from saas.core.metrics import Counts, Level, Reading, Times
from saas.core.metrics.kinds import SIZES

CODES: Final = (*(str(int(code)) for code in Close), "1000", "1001", "1005", "1006", "1007", "1009")
OTHER_CODE: Final = "other"  # a peer may send any number
RESULTS: Final = ("welcomed", "refused", "limited", "busy", "silent", "gone")

SOCKETS: Final = Level("porchlight_sockets", "Open sockets.")
ROOMS: Final = Level("porchlight_rooms", "Rooms that a socket has open here.")
TENANTS: Final = Level("porchlight_tenants", "How many tenants have somebody here; none by name.")
POLLS: Final = Level("porchlight_polls", "Requests without a socket that wait for news.")
ACCEPTS: Final = Counts(
    "porchlight_socket_accepts_total", "Sockets that opened, by what became of their hello.", "result", RESULTS
)
CLOSES: Final = Counts("porchlight_socket_closes_total", "Sockets that ended, by code.", "code", (*CODES, OTHER_CODE))
WELCOME: Final = Times("porchlight_socket_welcome_seconds", "From the handshake to the end of the welcome.")
FRAMES: Final = Counts("porchlight_frames_refused_total", "Frames that were answered with an err, by its code.", "code")

OUTBOX: Final = Level("porchlight_outbox_bytes", "What waits to be sent, over all sockets.")
OUTBOX_MOST: Final = Level("porchlight_outbox_most_bytes", "What waits for the slowest socket.")
SHED: Final = Counts("porchlight_outbox_shed_total", "Sockets that were ended because their reader was too slow.")

APPEND: Final = Times("porchlight_append_seconds", "From a message's arrival to its commit.")
DELIVER: Final = Times(
    "porchlight_deliver_seconds",
    "From a message's commit to its writing to the sockets of a process: the one that stored it, or another over the bus.",
    "way",
    ("here", "bus"),
)
HERE, BUS = DELIVER.of("here"), DELIVER.of("bus")
APPENDED: Final = Reading(
    "porchlight_appended_total",
    "Messages that were stored, by whether it took half a second at most.",
    lambda: APPEND.by(0.5),
    "result",
    is_count=True,
)
DELIVERED: Final = Reading(
    "porchlight_delivered_total",
    "Messages that a process wrote to its sockets, by whether it took half a second at most from the commit on.",
    lambda: DELIVER.by(0.5),
    "result",
    is_count=True,
)
DELIVERIES: Final = Counts("porchlight_deliveries_total", "Messages times the sockets that they were written to.")
MESSAGES: Final = Counts("porchlight_messages_total", "Messages and changes that were stored.")

FLUSH_TIME: Final = Times("porchlight_journal_flush_seconds", "One round trip of the journal to the database.")
FLUSH_ROWS: Final = Times("porchlight_journal_flush_rows", "How many rows went in one.", bounds=SIZES)
WAITING: Final = Level("porchlight_journal_waiting", "Rows that wait for the journal.")
REFUSED: Final = Counts(
    "porchlight_journal_refused_total",
    "Rows that were not stored: no place in the queue, no database, tables that are held, or a fault of ours.",
    "result",
    ("full", "away", "held", "fault"),
)
ASIDE: Final = Counts("porchlight_journal_aside_total", "Times that a tenant was put aside.")

BUS_SAID: Final = Counts("porchlight_bus_publish_total", "Messages to other processes.", "result", ("sent", "failed", "dropped"))
BUS_HEARD: Final = Counts("porchlight_bus_heard_total", "Messages of other processes.")
BUS_BACK: Final = Counts("porchlight_bus_reconnects_total", "Times that a line of the bus came back.")
BUS_DOWN: Final = Level("porchlight_bus_down", "Lines of the bus that do not answer.")
OTHERS: Final = Level("porchlight_bus_others", "Other processes that are heard.")

REPAIRS: Final = Counts(
    "porchlight_repairs_total", "Rooms that were read again from the database.", "result", ("mended", "failed")
)
MISSED: Final = Counts("porchlight_repaired_messages_total", "Messages that no other process told of, found by a repair.")
HOLES: Final = Level("porchlight_holes", "Rooms that lack a message now.")
RESUMES: Final = Counts(
    "porchlight_resumes_total", "Clients that came back to a room, by how they went on.", "result", ("whole", "anew", "failed")
)
RESUMED: Final = Times("porchlight_resume_gap_messages", "How many changes a client had missed.", bounds=(0.0, *SIZES))
