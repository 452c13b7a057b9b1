"""The ASGI application: health probes, then HTTP to Django and sockets to the chat. The only place where layers are stacked."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "saas.settings")

from channels.routing import ProtocolTypeRouter
from django.conf import settings
from django.core.asgi import get_asgi_application

http = get_asgi_application()  # loads the apps: what follows may import models

from chat.consumers.drain import drain
from chat.consumers.polling import chat_by_http
from chat.consumers.socket import chat_socket
from chat.realtime.presence import listen
from saas.checks import keep_the_place, refusal
from saas.core.bytecache import ByteCache
from saas.core.elsewhere import not_here
from saas.core.health import Health
from saas.core.requests import Requests
from saas.lifespan import Lifespan
from tenants.context import open_connections
from tenants.fair_http import FairHttp
from tenants.routing import FramesByHttp, TenantRouter
from widget.sightings import note_asked

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
