"""The staff console's lists of tenants, users and memberships, at /staff/ on the platform host."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from unfold.admin import ModelAdmin, TabularInline

from saas.core.staff import LookOnlyAdmin, staff
from tenants.models import Domain, EmbedKey, Membership, Tenant, User
from tenants.selectors import tenant_url
from tenants.services import end_sign_ins_of, rename_by_staff


class LookOnlyInline(TabularInline):  # type: ignore[misc]
    """Rows of a tenant, to look at."""

    extra = 0
    can_delete = False
    show_change_link = True
    tab = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class MembershipInline(LookOnlyInline):
    model = Membership
    fields = ("user", "role", "disabled_at", "created_at")


class DomainInline(LookOnlyInline):
    model = Domain
    fields = ("domain", "is_primary")


class EmbedKeyInline(LookOnlyInline):
    model = EmbedKey
    fields = ("key", "site_id", "revoked_at", "created_at")


@admin.register(Tenant, site=staff)
class TenantAdmin(ModelAdmin):  # type: ignore[misc]
    """Tenants are made by sign-up and never deleted by hand: staff rename and look. Suspending one is a matter of its billing."""

    list_display = ("name", "slug", "status", "members", "sites", "created_at")
    list_filter = ("status", "created_at")
    search_fields = ("name", "slug", "domains__domain", "memberships__user__email")
    ordering = ("-created_at",)
    date_hierarchy = "created_at"
    list_per_page = 50
    fields = ("name", "slug", "status", "schema_name", "inbox", "money", "created_at")
    readonly_fields = ("slug", "status", "schema_name", "inbox", "money", "created_at")
    inlines: ClassVar[list[type[LookOnlyInline]]] = [MembershipInline, DomainInline, EmbedKeyInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tenant]:
        active = Count("memberships", filter=Q(memberships__disabled_at=None), distinct=True)
        keys = Count("embed_keys", filter=Q(embed_keys__revoked_at=None), distinct=True)
        found: QuerySet[Tenant] = super().get_queryset(request).annotate(members=active, sites=keys)
        return found

    @admin.display(description="Members", ordering="members")
    def members(self, tenant: Any) -> int:
        return int(tenant.members)

    @admin.display(description="Embed keys", ordering="sites")
    def sites(self, tenant: Any) -> int:
        return int(tenant.sites)

    @admin.display(description="Inbox")
    def inbox(self, tenant: Tenant) -> str:
        return tenant_url(tenant.slug, "/inbox/")

    @admin.display(description="Billing and access")
    def money(self, tenant: Tenant) -> str:
        return format_html('<a href="{}">Plan, payments, suspend and resume</a>', reverse("admin:money_tenant", args=[tenant.id]))

    def save_model(self, request: HttpRequest, obj: Tenant, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        rename_by_staff(obj.id, name=obj.name)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(User, site=staff)
class UserAdmin(ModelAdmin):  # type: ignore[misc]
    """People who sign in. Switching one off ends all that they have open."""

    list_display = ("name", "email", "tenants", "is_active", "is_staff", "last_login", "created_at")
    list_filter = ("is_active", "is_staff", "created_at")
    search_fields = ("name", "email")
    ordering = ("-created_at",)
    list_per_page = 50
    fields = ("name", "email", "signing_in", "is_active", "is_staff", "is_superuser", "groups", "last_login", "created_at")
    readonly_fields = ("email", "signing_in", "last_login", "created_at")
    filter_horizontal = ("groups",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        found: QuerySet[User] = super().get_queryset(request).annotate(tenants=Count("memberships"))
        return found

    @admin.display(description="Tenants", ordering="tenants")
    def tenants(self, user: Any) -> int:
        return int(user.tenants)

    @admin.display(description="Signing in")
    def signing_in(self, user: User) -> str:
        return format_html('<a href="{}">Second factors, and help for who lost them</a>', reverse("admin:person", args=[user.id]))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        mine = self.readonly_fields
        return mine if request.user.is_superuser else (*mine, "is_staff", "is_superuser", "groups")

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        super().save_model(request, obj, form, change)
        if not obj.is_active:
            end_sign_ins_of(obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Membership, site=staff)
class MembershipAdmin(LookOnlyAdmin):
    """Who is in which tenant; the tenant's own people change it."""

    list_display = ("user", "tenant", "role", "disabled_at", "created_at")
    list_filter = ("role", "created_at")
    list_select_related = ("user", "tenant")
    search_fields = ("user__email", "user__name", "tenant__name", "tenant__slug")
    ordering = ("-created_at",)
    list_per_page = 50
