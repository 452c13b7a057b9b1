"""How often, and how many at the same time: signing in and up, and requests of all kinds. `saas/core/ratelimit` counts."""

from typing import Final

from saas.core.ratelimit import Limit, Most

SIGN_UP_IP = Limit("sign_up_ip", times=10, per=3600, scope="ip")
TOKEN_IP = Limit("token_ip", times=30, per=60, scope="ip")
TOKEN_EMAIL = Limit("token_email", times=10, per=300, scope="person")
REFRESH_IP = Limit("refresh_ip", times=120, per=60, scope="ip")
SOCKET_TICKET_USER = Limit("socket_ticket_user", times=60, per=60, scope="person")
HAND_OVER_USER = Limit("hand_over_user", times=30, per=60, scope="person")
INVITATIONS = Limit("invitations", times=100, per=3600, scope="tenant")  # mails of one tenant to people who did not ask for them
INVITATION_AGAIN = Limit("invitation_again", times=5, per=3600, scope="invitation")
ACCEPT_IP = Limit("accept_ip", times=30, per=600, scope="ip")

# Every request that Django answers, on a tenant's host or under its embed keys. Over all processes, on credit.
HTTP_PER_TENANT = Limit("http.tenant", 12_000, 60, "tenant")
# For each tenant, and no more than a quarter of what its plan allows to all: an office may stand behind one address.
HTTP_PER_IP = Limit("http.ip", 6_000, 60, "ip", HTTP_PER_TENANT)

# At the same time, in one process.
HTTP_THREADS: Final = 4  # that Django works on: they share the interpreter with the sockets, and the connections with their reads
HTTP_SHARE: Final = 0.5  # of these threads that one tenant may hold
HTTP_PATIENCE: Final = 0.05  # seconds: a tenant's next thread comes when its last call has run for so long
HTTP_WAITING: Final = 200  # requests of one tenant that wait for a thread; the others hear `busy`
REFUSED_PER_TENANT = Most("http.refused.tenant", 2_000, "tenant")  # requests whose refusal is held back for a moment
REFUSED_IN_ALL = Most("http.refused", 5_000, "process")
