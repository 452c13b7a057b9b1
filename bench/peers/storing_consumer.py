"""The plain consumer with a database: each message is stored, under a number without holes in its room, before it is relayed.

Served by `daphne bench.peers.storing_consumer:application` with the settings `bench.peers.settings`.
"""

import json
from typing import Any

import django

django.setup()

from channels.db import database_sync_to_async  # noqa: TID251  it is what tutorials use
from channels.routing import ProtocolTypeRouter, URLRouter
from django.db import transaction
from django.urls import path

from bench.peers.models import Message, Room
from bench.peers.plain_consumer import ChatConsumer


class StoringConsumer(ChatConsumer):
    """The same frames as `ChatConsumer`, with the number."""

    async def connect(self) -> None:
        await database_sync_to_async(Room.objects.get_or_create)(name=self.scope["url_route"]["kwargs"]["room"])
        await super().connect()

    async def receive(self, text_data: str) -> None:
        stored = await database_sync_to_async(store)(self.room, json.loads(text_data)["message"])
        await self.channel_layer.group_send(self.group, {"type": "chat.message", **stored})


def store(name: str, text: str) -> dict[str, Any]:
    """The message under the room's next number, committed."""
    with transaction.atomic():
        room = Room.objects.select_for_update().get(name=name)
        room.last_seq += 1
        room.save(update_fields=["last_seq"])
        message = Message.objects.create(room=room, seq=room.last_seq, text=text)
    return {"message": text, "seq": message.seq, "username": "Ben", "timestamp": message.timestamp.isoformat()}


application = ProtocolTypeRouter({"websocket": URLRouter([path("ws/chat/<slug:room>/", StoringConsumer.as_asgi())])})
