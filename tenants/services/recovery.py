"""For somebody who lost everything that proves who they are, but for their password: their second factors go."""

from uuid import UUID

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import transaction

from saas.core import mail
from saas.core.errors import Conflict
from tenants.audit import Thing, record
from tenants.models import Membership, User
from tenants.selectors import factors_of, platform_url
from tenants.services.second_factor import second_factor_changed
from tenants.services.sign_ins import close_sockets, end_sign_ins_of
from tenants.source import Source, arriving


def remove_second_factors(user_id: UUID) -> list[str]:
    """Take a person's authenticator app, passkeys and recovery codes away; what that was, in words.

    They are signed out everywhere, their sockets close, each tenant in which they are active has it in its audit log, and a mail
    goes to every address that is theirs. A tenant that asks for two-factor opens again once they have set it up anew. Make sure
    first that it is them: from now on the password alone lets them in. Raises Conflict for somebody who has none.
    """
    with transaction.atomic():
        user = User.objects.select_for_update(no_key=True).get(id=user_id)
        names = [factor.what for factor in factors_of(user.id)]
        if not names:
            raise Conflict(f"{user.email} has no second factor: the password alone lets them in.")
        Authenticator.objects.filter(user=user).delete()
        second_factor_changed(user)
        end_sign_ins_of(user)
        active = list(Membership.objects.filter(user=user, disabled_at=None).select_related("tenant").order_by("tenant__name"))
        for membership in active:
            close_sockets(membership.tenant_id, user.id)
            _write_down(membership, user, names)
        _tell(user, names, [one.tenant.name for one in active if one.tenant.needs_two_factor])
    return names


def _write_down(membership: Membership, user: User, names: list[str]) -> None:
    """As Porchlight's own act: staff are not named to tenants, nor where they sat."""
    with arriving(Source()):
        on = Thing("member", user.id, str(user))
        record(membership.tenant_id, by=None, act="member.factor_removed", on=on, before={"second_factor": names})


def _tell(user: User, names: list[str], asking: list[str]) -> None:
    """At every address that they have verified; at the one with which they sign in, if there is none."""
    verified = EmailAddress.objects.filter(user=user, verified=True).order_by("id").values_list("email", flat=True)
    context = {
        "user": user,
        "names": names,
        "asking": asking,
        "set_up": platform_url("/you/two-factor/"),
        "new_password": platform_url("/you/password/reset/"),
        "support": settings.SUPPORT_EMAIL,
        "host": settings.BASE_HOST,
    }
    for address in list(verified) or [user.email]:
        mail.send("second_factor_removed", to=address, context=context)
