"""A chat room as most tutorials for Channels write it: every socket is its own channel and its own member of the group.

There is no sign-in, no storage and no limit here: what those cost is in the peer's favour. Served by
`daphne bench.peers.plain_consumer:application` with the settings `bench.peers.settings`.
"""

import json
from typing import Any

import django

django.setup()

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.urls import path
from django.utils import timezone


class ChatConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    """`{"message": text}` in; the same text, with who said it and when, out to everyone in the room."""

    async def connect(self) -> None:
        self.room = self.scope["url_route"]["kwargs"]["room"]
        self.group = f"chat_{self.room}"
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()

    async def disconnect(self, code: int) -> None:
        await self.channel_layer.group_discard(self.group, self.channel_name)

    async def receive(self, text_data: str) -> None:
        text = json.loads(text_data)["message"]
        message = {"message": text, "username": "Ben", "timestamp": timezone.now().isoformat()}
        await self.channel_layer.group_send(self.group, {"type": "chat.message", **message})

    async def chat_message(self, event: dict[str, Any]) -> None:
        await self.send(text_data=json.dumps({**event, "type": "message"}))


application = ProtocolTypeRouter({"websocket": URLRouter([path("ws/chat/<slug:room>/", ChatConsumer.as_asgi())])})
