"""What staff see of the usage."""

from uuid import uuid4

from django.contrib.auth import get_user_model
from django.utils import timezone

from billing.models import Meter, UsageEvent
from tests.support.cast import MakeTenant, make_user
from tests.support.web import PLATFORM, Browser


def test_usage_names_its_tenant_and_keeps_the_id_of_one_that_is_gone(browser: Browser, make_tenant: MakeTenant) -> None:
    staff, tenant, gone = make_user(f"{uuid4().hex}@staff.example", "Sam"), make_tenant(), uuid4()
    get_user_model().objects.filter(id=staff.id).update(is_staff=True, is_superuser=True)
    for owner in (tenant.id, gone):
        UsageEvent.objects.create(tenant_id=owner, meter=Meter.MESSAGE, source_id=uuid4(), occurred_at=timezone.now())
    page = browser.sign_in(f"{PLATFORM}/staff/billing/usageevent/", staff.email).content.decode()
    assert tenant.name in page
    assert str(gone) in page
