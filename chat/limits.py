"""Every limit of the chat, one line each. `Limit(name, times, seconds)`: so many at once, and so many per that time."""

from saas.core.ratelimit import Limit

FRAMES_PER_SOCKET = Limit("chat.frames", 1_000, 10)  # of any kind, in process
SEND_PER_VISITOR_SOCKET = Limit("chat.send.visitor", 200, 10)  # messages, in process
SEND_PER_AGENT_SOCKET = Limit("chat.send.agent", 1_000, 5)  # members are few and named; a script may answer for one
TYPING_PER_SOCKET = Limit("chat.typing", 2, 5)  # more are dropped: the one before says the same
TYPING_PER_CROWD = Limit("chat.typing.crowd", 10, 5)  # of all who type in a crowded room; each reaches everyone there
OPEN_PER_VISITOR = Limit("chat.open.visitor", 20, 3_600)  # new support rooms
PRESENCE_PER_AGENT = Limit("chat.presence", 30, 60)  # away and back, over all tabs
SEEN_PER_PERSON = Limit("chat.seen", 200, 10)  # notifications, one by one or all
HELLO_PER_IP = Limit("chat.hello.ip", 30_000, 60)  # a mobile network may stand behind one address
