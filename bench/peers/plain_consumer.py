"""A chat room as most tutorials for Channels write it: every socket is its own channel and its own member of the group.

The layer is the list-based one of channels_redis, kinder than its defaults: a capacity that loses nothing under the benchmark's
load, and no socket_timeout, since the 5 s of redis-py 8 cut idle sockets off. There is no sign-in, no storage and no limit here:
what those cost is in the peer's favour. Served by `daphne bench.peers.plain_consumer:application`; REDIS_URL names the Redis.
"""

import json
import os
from typing import Any

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="bench",
    ALLOWED_HOSTS=["*"],
    INSTALLED_APPS=["channels"],
    CHANNEL_LAYERS={
        "default": {
            "BACKEND": "channels_redis.core.RedisChannelLayer",
            "CONFIG": {"hosts": [{"address": os.environ["REDIS_URL"], "socket_timeout": None}], "capacity": 5_000},
        }
    },
)
django.setup()

from channels.generic.websocket import AsyncWebsocketConsumer  # noqa: E402  (needs the settings above)
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.urls import path  # noqa: E402
from django.utils import timezone  # noqa: E402


class ChatConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    """`{"message": text}` in; the same text, with who said it and when, out to everyone in the room."""

    async def connect(self) -> None:
        self.group = f"chat_{self.scope['url_route']['kwargs']['room']}"
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()

    async def disconnect(self, code: int) -> None:
        await self.channel_layer.group_discard(self.group, self.channel_name)

    async def receive(self, text_data: str) -> None:
        message = {"message": json.loads(text_data)["message"], "username": "Ben", "timestamp": timezone.now().isoformat()}
        await self.channel_layer.group_send(self.group, {"type": "chat.message", **message})

    async def chat_message(self, event: dict[str, Any]) -> None:
        await self.send(text_data=json.dumps({**event, "type": "message"}))


application = ProtocolTypeRouter({"websocket": URLRouter([path("ws/chat/<slug:room>/", ChatConsumer.as_asgi())])})
