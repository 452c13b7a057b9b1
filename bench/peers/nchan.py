"""nchan, the pub/sub module of nginx, in C: Debian's packages, unpacked beside this file at first use.

They are not installed, for that would start a web server on port 80.
"""

import contextlib
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from bench.load import CannotMeasure, Client, Target
from bench.measure import Side
from bench.processes import server
from bench.services import Services
from saas.up import debian
from saas.up.processes import free_port

NAME = "nchan"
FOLDER = Path(__file__).parent / "nginx"  # not in git
NGINX = FOLDER / "usr/sbin/nginx"
MODULE = FOLDER / "usr/lib/nginx/modules/ngx_nchan_module.so"
PACKAGES = ("nginx", "libnginx-mod-nchan")
TEMPORARY = Path("/var/lib/nginx")  # built into Debian's nginx, and not to be configured away with this module
# One worker; no access log. 512 messages are kept for a reader that is behind, enough for all that is ever in flight.
CONFIGURATION = """\
load_module {module};
worker_processes 1; worker_rlimit_nofile {files}; daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log warn;
events {{ worker_connections {files}; }}
http {{
    access_log off;
    nchan_shared_memory_size 512M;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location ~ ^/room/(.+)$ {{
            nchan_pubsub websocket; nchan_channel_id $1; nchan_message_buffer_length 512; nchan_subscriber_first_message newest;
        }}
    }}
}}
"""


def clients(rooms: Sequence[object], *, senders: int) -> list[Client]:
    """A socket for each entry of `rooms`, in that room; the first so many write. What they send is relayed as it is."""
    message = '{"type":"message","message":"{text}","username":"Ben"}'
    return [Client(f"/room/{room}", message if number < senders else "") for number, room in enumerate(rooms)]


@contextlib.contextmanager
def serve(services: Services, *, clients: Sequence[Client]) -> Iterator[Side]:
    """nginx with nchan until the block ends."""
    if (failure := install()) is not None:
        raise CannotMeasure(failure)
    port, file = free_port(), services.folder / "nginx.conf"
    file.write_text(CONFIGURATION.format(module=MODULE, folder=services.folder, port=port, files=services.files))
    words = [str(NGINX), "-c", str(file), "-e", str(services.folder / "nginx.log")]
    with server(words, port=port, environment={}, log=services.folder / "nginx.out") as pid:
        target = Target([port], f"localhost:{port}", delivered='"type":"message"')
        yield Side(target, clients, [pid])


@cache
def install() -> str | None:
    """Fetch and unpack the packages unless they are there. Returns why it could not, or None."""
    try:
        TEMPORARY.mkdir(exist_ok=True)
    except OSError:
        return f"nchan needs the folder {TEMPORARY}, which only root can make"
    if NGINX.exists() and MODULE.exists():
        return None
    print("Fetching nginx with nchan ...", flush=True)
    failure = debian.unpack(PACKAGES, FOLDER)
    return f"nchan comes as a package of Debian's, which cannot be had here: {failure}" if failure else None
