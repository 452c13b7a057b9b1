"""The channel layers behind the bus: one for each Redis primary, or the one in memory of a process that is alone.

What channels_redis can be told, and what is told:

- `hosts`: one primary per layer. The bus itself spreads tenants over the layers (chat/realtime/bus.py), so that a primary that is
  stuck stops only its own; channels_redis' sharding within one layer is not used.
- `socket_timeout`: none. redis-py 8 has 5 s by default, which ends an idle subscriber of a healthy server.
- `socket_connect_timeout`: 5 s, since nothing waits for the layer, and the bus tries again.
- `health_check_interval`: 15 s, so that a connection which a firewall forgot is noticed before it is needed.
- `max_connections` of the pool: none is set. A process holds one connection per primary that listens and one that speaks; the
  layer speaks under a lock, so that the pool never grows.
- `capacity`, `channel_capacity`, `expiry`, `group_expiry`: belong to the layer that keeps messages in lists, which is not used.
  Pub/sub keeps nothing: what is not heard at once is repaired from the database. The layer would take them and do nothing. What
  bounds the memory is ours: `MAX_WAITING` of chat/realtime/line.py for what is said, and the outbox of each socket.
- `prefix`: left as it is. Pub/sub knows no database numbers, so two installations need two servers.
- `on_disconnect`, `on_reconnect`: channels_redis 4.3 calls neither. The bus listens to itself instead.
- `serializer_format`, `symmetric_encryption_keys`: MessagePack, as it is; encryption is TLS' (`rediss://`).
"""

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlsplit

Layers = dict[str, dict[str, Any]]

OF_HOST: Final[dict[str, Any]] = {"socket_timeout": None, "socket_connect_timeout": 5, "health_check_interval": 15}
ALONE: Final[Layers] = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer", "CONFIG": {"capacity": 10_000}}}


def channel_layers(urls: Sequence[str]) -> Layers:
    """`CHANNEL_LAYERS` for these primaries; the first is `default`."""
    return {
        "default" if number == 0 else f"primary{number}": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [{"address": url, **OF_HOST}]},
        }
        for number, url in enumerate(urls)
    } or ALONE


def names_of(urls: Sequence[str]) -> list[str]:
    """What each primary is called: by its address, the same for all processes.

    Neither by its password, which may change, nor by a database number, of which pub/sub knows nothing.
    """
    parts = [urlsplit(url) for url in urls]
    return [part.path if part.scheme == "unix" else f"{part.hostname}:{part.port or 6379}" for part in parts]
