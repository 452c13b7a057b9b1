"""The inbox and the chat's HTTP API: on a tenant's host."""

from django.urls import path

from chat.pages import notifications, sample, start
from chat.pages.moderation.urls import urlpatterns as moderation
from chat.pages.rooms.urls import urlpatterns as rooms
from chat.pages.sites import access as site_access
from chat.pages.sites import general as site_general
from chat.pages.sites import hours as site_hours
from chat.pages.sites import install as site_install
from chat.pages.sites import listing as site_listing
from chat.pages.sites import look as site_look
from chat.views.inbox import inbox
from chat.views.invitations import InvitationsView, InvitationView
from chat.views.members import MembersView, MemberView
from chat.views.notifications import NotificationsView, SeenView, SettingsView
from chat.views.people import LiveVisitorsView, TeamView
from chat.views.pins import PinsView, PinView
from chat.views.reports import ReportsView, RoomReportsView, SettleView
from chat.views.rooms import (
    ArchiveView,
    AssignView,
    MessagesView,
    MoveView,
    ReopenView,
    ResolveView,
    RoomsView,
    RoomView,
    UnarchiveView,
)
from chat.views.sites import IdentityKeysView, IdentityKeyView, StrictView, WordsView

ROOM = "api/v1/rooms/<str:room_id>"
SITE = "api/v1/sites/<str:site_id>"

urlpatterns = [
    *rooms,
    *moderation,
    path("api/v1/notifications", NotificationsView.as_view(), name="api_notifications"),
    path("api/v1/notifications/seen", SeenView.as_view(), name="api_seen"),
    path("api/v1/notifications/settings", SettingsView.as_view(), name="api_notification_settings"),
    path("api/v1/team", TeamView.as_view(), name="api_team"),
    path("api/v1/visitors/live", LiveVisitorsView.as_view(), name="api_live_visitors"),
    path("inbox/", inbox, name="inbox"),
    path("inbox/<uuid:room_id>/", inbox, name="inbox_room"),
    path("start/", start.start, name="start"),
    path("start/steps/", start.steps, name="start_steps"),
    path("start/address/", start.address, name="start_address"),
    path("start/snippet/", start.snippet, name="start_snippet"),
    path("start/put-away/", start.put_away, name="start_put_away"),
    path("start/sample/", sample.load, name="sample_load"),
    path("start/sample/remove/", sample.remove, name="sample_remove"),
    path("notifications/", notifications.notifications, name="notifications"),
    path("notifications/bell/", notifications.bell, name="notifications_bell"),
    path("notifications/seen/", notifications.seen, name="notifications_seen"),
    path("notifications/settings/", notifications.settings, name="notification_settings"),
    path("notifications/<uuid:notification_id>/", notifications.open_notification, name="notification"),
    path("api/v1/rooms", RoomsView.as_view(), name="api_rooms"),
    path("api/v1/rooms/<str:room_id>", RoomView.as_view(), name="api_room"),
    path("api/v1/rooms/<str:room_id>/messages", MessagesView.as_view(), name="api_messages"),
    path("api/v1/rooms/<str:room_id>/resolve", ResolveView.as_view(), name="api_resolve"),
    path("api/v1/rooms/<str:room_id>/reopen", ReopenView.as_view(), name="api_reopen"),
    path(f"{ROOM}/assign", AssignView.as_view(), name="api_assign"),
    path(f"{ROOM}/archive", ArchiveView.as_view(), name="api_archive"),
    path(f"{ROOM}/unarchive", UnarchiveView.as_view(), name="api_unarchive"),
    path(f"{ROOM}/move", MoveView.as_view(), name="api_move"),
    path(f"{ROOM}/members", MembersView.as_view(), name="api_members"),
    path(f"{ROOM}/members/<str:person_id>", MemberView.as_view(), name="api_member"),
    path(f"{ROOM}/pins", PinsView.as_view(), name="api_pins"),
    path(f"{ROOM}/pins/<str:message_id>", PinView.as_view(), name="api_pin"),
    path(f"{ROOM}/reports", RoomReportsView.as_view(), name="api_room_reports"),
    path(f"{ROOM}/invitations", InvitationsView.as_view(), name="api_invitations"),
    path(f"{ROOM}/invitations/<str:invitation_id>", InvitationView.as_view(), name="api_invitation"),
    path("api/v1/reports", ReportsView.as_view(), name="api_reports"),
    path("api/v1/reports/<str:report_id>/settle", SettleView.as_view(), name="api_settle"),
    path(f"{SITE}/words", WordsView.as_view(), name="api_words"),
    path(f"{SITE}/identity-keys", IdentityKeysView.as_view(), name="api_identity_keys"),
    path(f"{SITE}/identity-keys/<str:kid>", IdentityKeyView.as_view(), name="api_identity_key"),
    path(f"{SITE}/strict", StrictView.as_view(), name="api_strict"),
    path("install/", site_install.install_first, name="install"),
    path("sites/", site_listing.listing, name="sites"),
    path("sites/new/", site_listing.new, name="site_new"),
    path("sites/<uuid:site_id>/", site_general.general, name="site"),
    path("sites/<uuid:site_id>/keys/rotate/", site_general.rotate, name="site_rotate"),
    path("sites/<uuid:site_id>/keys/<str:key>/revoke/", site_general.revoke, name="site_revoke"),
    path("sites/<uuid:site_id>/copy/", site_general.copy, name="site_copy"),
    path("sites/<uuid:site_id>/delete/", site_general.delete, name="site_delete"),
    path("sites/<uuid:site_id>/look/", site_look.look, name="site_look"),
    path("sites/<uuid:site_id>/look/logo/", site_look.logo, name="site_logo"),
    path("sites/<uuid:site_id>/look/logo/remove/", site_look.drop_logo, name="site_logo_remove"),
    path("sites/<uuid:site_id>/texts/", site_look.texts, name="site_texts"),
    path("sites/<uuid:site_id>/hours/", site_hours.hours, name="site_hours"),
    path("sites/<uuid:site_id>/preview/<str:part>/", site_look.preview, name="site_preview"),
    path("sites/<uuid:site_id>/access/", site_access.access, name="site_access"),
    path("sites/<uuid:site_id>/access/try/", site_access.attempt, name="site_attempt"),
    path("sites/<uuid:site_id>/access/allow/", site_access.allow, name="site_allow"),
    path("sites/<uuid:site_id>/access/strict/", site_access.strict, name="site_strict"),
    path("sites/<uuid:site_id>/access/identity-keys/", site_access.add_key, name="site_identity_keys"),
    path("sites/<uuid:site_id>/access/identity-keys/<str:kid>/remove/", site_access.remove_key, name="site_identity_key"),
    path("sites/<uuid:site_id>/install/", site_install.install, name="site_install"),
    path("sites/<uuid:site_id>/install/seen/", site_install.seen, name="site_seen"),
]
