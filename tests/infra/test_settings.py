"""The settings that Terraform gives are those that the server reads, and its metrics those that the server tells."""

import re

from saas.core.server import KEEP_ALIVE_SECONDS
from tests.infra.names import LIBRARIES, ROOT, names_given, names_read, names_told, number_of

TERRAFORM = ROOT / "infra/terraform"
# Read by the server, and of no use here.
NOT_HERE = {
    *("DEBUG", "PORCHLIGHT_DEMO", "PORCHLIGHT_DEVELOPMENT"),  # never in production
    *("STRIPE_API_BASE", "STRIPE_CLOCK_FILE", "STRIPE_PAY_ORIGIN"),  # of the stand-in for Stripe
    "STATIC_ROOT",  # the image says where its own files are
    "METRICS_HOST",  # the agent is beside the server
    "WEB_CONCURRENCY",  # a task is one process
}


def test_every_setting_that_terraform_gives_is_read_by_the_server() -> None:
    unknown = names_given() - names_read() - LIBRARIES
    assert not unknown, f"infra/terraform gives what nobody reads: {unknown}"


def test_every_setting_that_operators_are_told_of_can_be_given() -> None:
    missing = (names_told() & names_read()) - names_given() - NOT_HERE
    assert not missing, f"put {missing} into infra/terraform/settings.tf: into `settable`, or where it is given"


def test_the_servers_own_idle_time_is_longer_than_the_load_balancers() -> None:
    """The other way round the load balancer writes into a connection that the server has just closed."""
    words = (TERRAFORM / "variables_network.tf").read_text()
    least, most = map(int, re.findall(r"var\.idle_timeout_seconds [<>]= (\d+)", words))
    assert 2 * number_of("PING_SECONDS", "chat/realtime/protocol/codes.py") < least < most < KEEP_ALIVE_SECONDS


def test_a_server_of_sockets_has_time_to_see_that_it_drains_and_to_drain() -> None:
    """Also where the first look fails: each is up to a quarter late, and asks twice."""
    target, drain = "saas/core/target.py", "chat/consumers/drain.py"
    look = number_of("LOOK_SECONDS", target) * 1.25 + 2 * number_of("ANSWER_SECONDS", target)
    leave = 2 * number_of("FLUSH_SECONDS", drain) + number_of("BATCHES", drain) * 0.1
    (delay,) = re.findall(r"deregistration_seconds = (\d+)", (TERRAFORM / "edge.tf").read_text())
    assert 2 * look + leave < int(delay)


def test_every_metric_that_scaling_alarms_and_charts_use_is_told_by_the_server() -> None:
    words = "".join(path.read_text() for path in TERRAFORM.glob("*.tf"))
    used = set(re.findall(r'"(porchlight_[a-z_]+)"', words))
    told = "".join((ROOT / path).read_text() for path in ("saas/core/metrics/kernel.py", "chat/metrics.py", "billing/metrics.py"))
    assert len(used) >= 5
    assert used <= set(re.findall(r'"(porchlight_[a-z_]+)"', told))


def test_every_page_of_the_runbook_that_alarms_lead_to_is_there() -> None:
    headings = re.findall(r"^#+ ([\w ]+)$", (ROOT / "docs/operations.md").read_text(), re.MULTILINE)
    led = re.findall(r"docs/operations\.md#([\w-]+)", (TERRAFORM / "README.md").read_text())
    assert len(led) > 10
    assert set(led) <= {heading.lower().replace(" ", "-") for heading in headings}


def test_numbers_that_are_told_in_two_places_agree() -> None:
    readme, operations = (TERRAFORM / "README.md").read_text(), (ROOT / "docs/operations.md").read_text()
    dollars = re.findall(r"about (\d+)", (TERRAFORM / "environments/staging.tfvars").read_text())
    assert dollars == re.findall(r"Staging .* is about (\d+)\.", readme)
    of_large = re.findall(r"^\| 100,000 \| (\d+) \| (\d+) \|", operations, re.MULTILINE)
    assert of_large == [(ws, web) for ws, web, _ in re.findall(r"(\d+) / (\d+) / (\d+): \d+ \|$", readme, re.MULTILINE)]


def test_the_database_has_a_place_for_each_connection_of_the_journal_too() -> None:
    """Beside the pool of each process; a job worker's two are fewer."""
    (beside,) = re.findall(r"var\.database_pool \+ (\d+)\)", (TERRAFORM / "variables_data.tf").read_text())
    assert int(beside) == 2 + number_of("BESIDE", "chat/realtime/journal.py")  # the main one, and the one aside


def test_what_it_costs_is_the_same_where_it_is_reckoned_and_where_operators_read_it() -> None:
    """Row by row, but for what costs nothing; and the parts come to the sum."""
    readme, operations = (TERRAFORM / "README.md").read_text(), (ROOT / "docs/operations.md").read_text()
    (reckoned,) = re.findall(r"^\| \| 10,000 sockets .*\n(?:\|.*\n)+", readme, re.MULTILINE)
    (read,) = re.findall(r"^\| A month, for so many sockets .*\n(?:\|.*\n)+", operations, re.MULTILINE)
    wanted = [(first, large) for first, *_, large in _dollars(reckoned) if first]
    assert _dollars(read) == wanted, "bring the table under Capacity in docs/operations.md to what infra/terraform/README.md says"
    *parts, whole, _ = _dollars(read)
    assert [sum(column) for column in zip(*parts, strict=True)] == list(whole)


def _dollars(table: str) -> list[tuple[int, ...]]:
    """The number at the end of each cell, row by row."""
    rows = [row.strip("| ").split("|")[1:] for row in table.splitlines()[2:]]
    return [tuple(int(re.findall(r"[\d,]+", cell)[-1].replace(",", "")) for cell in row) for row in rows]


def test_the_recipe_for_one_host_gives_the_database_what_compose_gives_it() -> None:
    """Locks for all tenants at once, and a log without what people write."""
    compose = (ROOT / "compose.yaml").read_text()
    given = re.findall(r"-c(max_locks_per_transaction|log_\w+)=(\w+)", compose)
    assert len(given) == 3
    assert given == re.findall(r"ALTER SYSTEM SET (\w+) = (\w+)'", (ROOT / "docs/deployment.md").read_text())
