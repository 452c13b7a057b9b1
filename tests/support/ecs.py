"""What AWS says to a task on ECS: what its address is, and how its target stands in the groups of its load balancers."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any, Final
from urllib.parse import parse_qs

ADDRESS: Final = "10.0.1.23"  # of the task
GROUPS: Final = [f"arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/{name}/0123456789abcdef" for name in "ab"]
SAID: Final = """<DescribeTargetHealthResponse xmlns="http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/">
<DescribeTargetHealthResult><TargetHealthDescriptions><member><Target><Id>{address}</Id><Port>{port}</Port></Target>
<TargetHealth><State>{state}</State></TargetHealth></member></TargetHealthDescriptions></DescribeTargetHealthResult>
</DescribeTargetHealthResponse>"""
REFUSED: Final = """<ErrorResponse xmlns="http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"><Error><Type>Sender</Type>
<Code>{code}</Code><Message>no</Message></Error></ErrorResponse>"""


@dataclass
class Ecs:
    """The answers. `state` is the target's, in both groups; `refusal` is the code of an error in its place."""

    url: str
    port: int = 0  # of the task
    state: str = "healthy"
    refusal: str = ""
    asked: list[str] = field(default_factory=list)  # the groups, one after the other
    told: Event = field(default_factory=Event)  # whether the state was told

    @property
    def variables(self) -> dict[str, str]:
        """The environment of the task."""
        return {
            "TARGET_GROUP_ARNS": " ".join(GROUPS),
            "ECS_CONTAINER_METADATA_URI_V4": f"{self.url}/v4/container",
            "AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2": self.url,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "NO_PROXY": "127.0.0.1",
        }

    def health(self, asked: dict[str, list[str]]) -> tuple[int, str]:
        """Status and body for these words of a request. Another's target is unknown."""
        words = {name: values[0] for name, values in asked.items()}
        assert words["Action"] == "DescribeTargetHealth"
        self.asked.append(words["TargetGroupArn"])
        wanted = (words["Targets.member.1.Id"], words["Targets.member.1.Port"])
        refusal = self.refusal or ("" if wanted == (ADDRESS, str(self.port)) else "InvalidTarget")
        if refusal:
            return 400, REFUSED.format(code=refusal)
        self.told.set()
        return 200, SAID.format(address=ADDRESS, port=self.port, state=self.state)


@contextmanager
def ecs() -> Iterator[Ecs]:
    """On a free port, gone at the end."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert self.path == "/v4/container"
            self._answer(200, json.dumps({"Networks": [{"NetworkMode": "awsvpc", "IPv4Addresses": [ADDRESS]}]}))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            self._answer(*said.health(parse_qs(body)))

        def _answer(self, status: int, body: str) -> None:
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_words: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        said = Ecs(f"http://127.0.0.1:{server.server_port}")
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield said
        finally:
            server.shutdown()
