"""The ASGI application: health probes, then HTTP to Django and sockets to the chat. The only place where layers are stacked."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "saas.settings")

from channels.routing import ProtocolTypeRouter
from django.conf import settings
from django.core.asgi import get_asgi_application

http = get_asgi_application()  # loads the apps: what follows may import models

from chat.consumers.drain import drain  # noqa: E402
from chat.consumers.polling import chat_by_http  # noqa: E402
from chat.consumers.socket import chat_socket  # noqa: E402
from chat.realtime.presence import listen  # noqa: E402
from saas.checks import keep_the_place, refusal  # noqa: E402
from saas.core.bytecache import ByteCache  # noqa: E402
from saas.core.elsewhere import not_here  # noqa: E402
from saas.core.health import Health  # noqa: E402
from saas.core.requests import Requests  # noqa: E402
from saas.lifespan import Lifespan  # noqa: E402
from tenants.context import open_connections  # noqa: E402
from tenants.fair_http import FairHttp  # noqa: E402
from tenants.routing import FramesByHttp, TenantRouter  # noqa: E402
from widget.sightings import note_asked  # noqa: E402

__all__ = ["application", "drain"]

CACHED = r"/w/[A-Za-z0-9_-]{1,64}/config"  # every page view of every customer's site asks for it

web = Requests(ByteCache(FramesByHttp(chat_by_http, otherwise=FairHttp(http)), CACHED, heed=note_asked))
ws = TenantRouter(chat_socket)
application = Health(
    ProtocolTypeRouter(
        {
            "http": web if settings.SERVES != "ws" else not_here,
            "websocket": ws if settings.SERVES != "web" else not_here,
            "lifespan": Lifespan(refuse=refusal, keep=keep_the_place, prepare=open_connections, listen=listen, finish=drain),
        }
    )
)
