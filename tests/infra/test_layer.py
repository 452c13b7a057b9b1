"""Each setting of the channel layer is set, or said not to apply; a new one of channels_redis fails here until it was read."""

import inspect

import pytest
from channels_redis.pubsub import RedisPubSubChannelLayer, RedisPubSubLoopLayer
from channels_redis.utils import create_pool

from saas import layers
from saas.layers import channel_layers
from saas.up.redis import RedisServer

DOES_NOTHING = ("capacity", "channel_capacity", "expiry", "group_expiry")


def named(kind: type) -> set[str]:
    """What its constructor names."""
    parameters = inspect.signature(kind).parameters.values()
    return {one.name for one in parameters if one.kind not in {one.VAR_POSITIONAL, one.VAR_KEYWORD}}


def test_the_layer_takes_what_is_explained_and_no_more() -> None:
    known = {"hosts", "prefix", "on_disconnect", "on_reconnect", "serializer_format", "symmetric_encryption_keys"}
    assert named(RedisPubSubChannelLayer) | named(RedisPubSubLoopLayer) - {"channel_layer"} == known
    words = layers.__doc__ or ""
    for name in (*known, *DOES_NOTHING, "socket_timeout", "socket_connect_timeout", "health_check_interval", "max_connections"):
        assert f"`{name}`" in words


def test_each_primary_is_a_layer_of_its_own() -> None:
    made = channel_layers(["redis://one:6379/0", "redis://two:6379/0"])
    assert [(name, len(layer["CONFIG"]["hosts"])) for name, layer in made.items()] == [("default", 1), ("primary1", 1)]
    assert channel_layers([])["default"]["BACKEND"] == "channels.layers.InMemoryChannelLayer"


def test_a_connection_is_as_it_was_asked_for() -> None:
    """Not as redis-py would have it: its five seconds end an idle subscriber."""
    (host,) = channel_layers(["redis://localhost:6379/0"])["default"]["CONFIG"]["hosts"]
    asked = create_pool(dict(host)).connection_kwargs
    assert {name: asked[name] for name in layers.OF_HOST} == layers.OF_HOST


@pytest.mark.parametrize("extra", [{}, dict.fromkeys(DOES_NOTHING, 1)])
async def test_what_is_said_not_to_apply_changes_nothing(extra: dict[str, int]) -> None:
    """With room for one message, five come through all the same."""
    with RedisServer() as url:
        layer = RedisPubSubChannelLayer(**channel_layers([url])["default"]["CONFIG"], **extra)
        channel = await layer.new_channel()
        await layer.group_add("place", channel)
        for number in range(5):
            await layer.group_send("place", {"type": "said", "number": number})
        assert [(await layer.receive(channel))["number"] for _ in range(5)] == [0, 1, 2, 3, 4]
        await layer.flush()
