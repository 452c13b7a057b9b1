"""Two admins who change sites at the same moment."""

from functools import partial

from chat.services.sites import copy_settings, create_site
from tests.support.cast import MakeTenant
from tests.support.order import at_once


def test_copies_crosswise_wait_for_each_other(make_tenant: MakeTenant) -> None:
    tenant = make_tenant()
    one, other = (
        create_site(tenant, name=name, look={"color": color}).site_id for name, color in (("A", "#111111"), ("B", "#222222"))
    )
    crosswise = [partial(copy_settings, tenant, one, source_id=other), partial(copy_settings, tenant, other, source_id=one)]
    assert at_once([partial(copy, parts=["look"]) for copy in crosswise * 5]) == [None] * 10
