"""Changes to who owns what, who is a member and who is signed in where. Each runs on the platform's role."""

from tenants.services.announcing import announce_change
from tenants.services.founding import forget_tenant, found_tenant, sign_up
from tenants.services.members import Gone, add_member, change_role, disable, enable, remove, transfer
from tenants.services.recovery import remove_second_factors
from tenants.services.second_factor import refuse_locked, second_factor_changed, use_code
from tenants.services.sign_ins import (
    end_of_member,
    end_one,
    end_others,
    end_sign_in,
    end_sign_ins_of,
    end_sign_ins_through,
    hold_door,
    hold_door_by_password,
    is_noted,
    issue_sign_in_code,
    must_prove,
    note_browser,
    record_sign_in,
    saw,
    use_sign_in_code,
)
from tenants.services.tenancy import change_security, rename_by_staff, rename_tenant

__all__ = [
    "Gone",
    "add_member",
    "announce_change",
    "change_role",
    "change_security",
    "disable",
    "enable",
    "end_of_member",
    "end_one",
    "end_others",
    "end_sign_in",
    "end_sign_ins_of",
    "end_sign_ins_through",
    "forget_tenant",
    "found_tenant",
    "hold_door",
    "hold_door_by_password",
    "is_noted",
    "issue_sign_in_code",
    "must_prove",
    "note_browser",
    "record_sign_in",
    "refuse_locked",
    "remove",
    "remove_second_factors",
    "rename_by_staff",
    "rename_tenant",
    "saw",
    "second_factor_changed",
    "sign_up",
    "transfer",
    "use_code",
    "use_sign_in_code",
]
