"""From a number on an invoice down to each thing that it counts, as pages and as CSV."""

import csv
import io
import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.clock import now
from billing.metering import record, record_storage
from billing.models import BillingAccount, Meter, StorageSample
from tenants.context import in_tenant
from tests.billing.pages.conftest import BuildHouse, House, text_of
from tests.support.money import paying
from tests.support.usage import id_at, use

HOUR = timedelta(hours=1)


@pytest.fixture
def month(house: House) -> House:
    """A house that came ten days ago, in Berlin."""
    begun = now() - timedelta(days=10)
    zone = "Europe/Berlin"
    BillingAccount.objects.filter(pk=house.tenant.id).update(created_at=begun, anchor=begun, time_zone=zone)
    return house


def rows_of(answer: object) -> list[list[str]]:
    return list(csv.reader(io.StringIO(answer.getvalue().decode())))  # type: ignore[attr-defined]


def test_an_invoices_line_leads_down_to_each_message(month: House) -> None:
    hour = now().replace(minute=0, second=0, microsecond=0) - 2 * HOUR
    sources = use(month.tenant, hour, hour + timedelta(minutes=5), hour + timedelta(minutes=9))
    batch = month.batch(hour, quantity=3)
    invoice = month.invoice(period_start=hour - HOUR)
    page = text_of(month.get(f"invoices/{invoice.id}/"))
    assert "/billing/usage/message/?at=" in page
    meter = text_of(month.get(re.findall(r'href="/billing/(usage/message/[^"]*)"', page)[0]))
    assert f"/billing/usage/message/batches/{batch.id}/" in meter
    each = text_of(month.get(f"usage/message/batches/{batch.id}/"))
    assert all(str(source) in each for source in sources)


def test_what_is_in_no_batch_yet_is_shown_too(month: House) -> None:
    (source,) = use(month.tenant, now())
    assert "1 of them is in no batch yet" in text_of(month.get("usage/message/"))
    assert str(source) in text_of(month.get("usage/message/open/"))


def test_the_rows_of_a_batch_come_in_pages(month: House) -> None:
    hour = now().replace(minute=0, second=0, microsecond=0) - 2 * HOUR
    moments = [hour + timedelta(seconds=place) for place in range(150)]
    with in_tenant(month.tenant):
        record(Meter.MESSAGE, sources := [id_at(moment) for moment in moments], occurred_at=hour)
    batch = month.batch(hour, quantity=150)
    first = text_of(month.get(f"usage/message/batches/{batch.id}/"))
    assert first.count("<code ") == 100
    assert str(sources[99]) in first
    assert str(sources[100]) not in first
    second = text_of(month.get(f"usage/message/batches/{batch.id}/?after={sources[99]}"))
    assert str(sources[100]) in second
    assert str(sources[149]) in second


def test_the_days_as_csv_add_up(month: House) -> None:
    use(month.tenant, now() - timedelta(days=2), now() - timedelta(days=1), now() - timedelta(days=1))
    head, *lines = rows_of(month.get("usage/days.csv"))
    assert head == ["meter", "unit", "day", "time zone", "used", "used since the period began"]
    messages = [line for line in lines if line[0] == "message"]
    assert sum(int(line[4]) for line in messages) == 3 == int(messages[-1][5])
    assert {line[3] for line in messages} == {"Europe/Berlin"}


def test_the_rows_as_csv_are_each_thing_that_was_counted(month: House) -> None:
    moment = now() - timedelta(days=2)
    sources = use(month.tenant, moment, moment + HOUR)
    answer = month.get("usage/message/rows.csv")
    assert answer["Content-Disposition"].endswith('.csv"')
    head, *lines = rows_of(answer)
    assert head == ["meter", "id", "quantity", "occurred at", "recorded at", "bytes of tables", "bytes of files"]
    assert [line[:3] for line in lines] == [["message", str(source), "1"] for source in sources]
    assert lines[0][3] == moment.isoformat()


def test_an_earlier_period_shows_its_own_numbers(month: House) -> None:
    begun = now() - timedelta(days=40)
    BillingAccount.objects.filter(pk=month.tenant.id).update(created_at=begun, anchor=begun)
    use(month.tenant, begun + HOUR, begun + 2 * HOUR)
    assert "<strong>2</strong>" not in text_of(month.get("usage/"))
    assert "<strong>2</strong>" in text_of(month.get(f"usage/?at={begun + HOUR:%Y-%m-%dT%H:%M:%SZ}"))


NO_MOMENTS = ["yesterday", "2026-13-45", "2999-01-01T00:00:00Z", "2026-11-01", "9999-12-31T23:59:59-14:00"]
BEFORE_IT_CAME = ["1960-01-01T00:00:00Z", "0001-01-01T00:00:00%2B14:00", "2020-01-01T00:00:00Z"]


@pytest.mark.parametrize("at", NO_MOMENTS + BEFORE_IT_CAME)
def test_a_moment_that_is_none_means_now(month: House, at: str) -> None:
    assert "now</a>" in text_of(month.get(f"usage/?at={at}"))
    for path in ("usage/message/", "usage/days.csv", "usage/message/rows.csv"):
        assert month.get(f"{path}?at={at}").status_code == 200, path


def test_the_chart_says_in_words_what_it_draws(month: House) -> None:
    use(month.tenant, now() - HOUR)
    page = text_of(month.get())
    assert '<title id="curve-message-title">Messages, day by day</title>' in page
    assert "1 messages used since the period began; 1,000 included." in page
    assert "<summary>The same as a table</summary>" in page
    assert "style=" not in page, "the policy of these pages lets no style through that stands in an attribute"


@pytest.mark.usefixtures("nothing_grows_old")
def test_a_page_asks_the_database_the_same_number_of_questions_whatever_was_used(build_house: BuildHouse) -> None:
    def asked(house: House, path: str) -> int:
        house.get(path)  # sign in, and what is cached
        with CaptureQueriesContext(connection) as questions:
            assert house.get(path).status_code == 200
        return len(questions)

    small, large = build_house(), build_house()
    for house in (small, large):
        paying(house.tenant)
    hour = now().replace(minute=0, second=0, microsecond=0) - 3 * HOUR
    with in_tenant(large.tenant):
        record(Meter.MESSAGE, [id_at(hour) for _ in range(500)], occurred_at=hour)
    for place in range(30):
        large.batch(hour - place * HOUR)
        large.invoice()
    for path in ("", "usage/", "usage/message/", "invoices/", "plans/", "seats/", "settings/"):
        assert asked(large, path) == asked(small, path) <= 40, path


def test_a_row_of_storage_says_what_was_found(month: House) -> None:
    record_storage(month.tenant.id, now().date())
    sample = StorageSample.for_tenant(month.tenant.id).get()
    _, line = rows_of(month.get("usage/storage/rows.csv"))
    assert line[1:3] == [str(sample.id), str(sample.megabytes)]
    assert line[5:] == [str(sample.tables_bytes), str(sample.files_bytes)]
    assert "Tables" in text_of(month.get("usage/storage/open/"))
