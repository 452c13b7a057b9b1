"""An AWS that answers on this machine, and its clients."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

# Read by moto when it is imported. Policies that AWS keeps are asked for by name.
os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"

import boto3
from moto.server import ThreadedMotoServer

from tests.infra.apply import shims

REGION: Final = "eu-central-1"
EDGE_REGION: Final = "us-east-1"  # where CloudFront has its certificates and firewalls
KEYS: Final = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_EC2_METADATA_DISABLED": "true"}


class Aws:
    """The address, and a client of each service."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.environment = KEYS | {"AWS_ENDPOINT_URL": url, "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION}
        self.client = cache(self._client)

    def _client(self, service: str, region: str = REGION) -> Any:
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=self.url,
            aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
        )

    def all(self, service: str, action: str, key: str, **words: Any) -> list[Any]:
        """All pages of a list."""
        client = self.client(service)
        if client.can_paginate(action):
            return [each for page in client.get_paginator(action).paginate(**words) for each in page[key]]
        return list(getattr(client, action)(**words)[key])


@contextmanager
def local_aws() -> Iterator[Aws]:
    """One that is empty, on a free port, gone at the end."""
    shims.install()
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield Aws(f"http://{host}:{port}")
    finally:
        server.stop()
