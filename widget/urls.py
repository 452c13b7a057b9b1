"""The widget host's addresses. What other people's pages load from us, and nothing else."""

from django.urls import path

from widget import api, views

ROOM = "w/<str:key>/rooms/<str:room_id>"

urlpatterns = [
    path("porchlight.js", views.loader, name="loader"),
    path("w/<str:key>/config", views.config, name="widget_config"),
    path("w/<str:key>/frame", views.frame, name="widget_frame"),
    path("w/<str:key>/preview", views.preview, name="widget_preview"),
    path("w/<str:key>/logo/<str:name>", views.logo, name="widget_logo"),
    path("w/<str:key>/session", views.session, name="widget_session"),
    path("w/<str:key>/rooms", api.RoomsView.as_view(), name="widget_rooms"),
    path(ROOM, api.RoomView.as_view(), name="widget_room"),
    path(f"{ROOM}/leave", api.LeaveView.as_view(), name="widget_leave"),
    path(f"{ROOM}/reports", api.ReportsView.as_view(), name="widget_reports"),
    path(f"{ROOM}/pins", api.PinsView.as_view(), name="widget_pins"),
    path(f"{ROOM}/pins/<str:message_id>", api.PinView.as_view(), name="widget_pin"),
    path(f"{ROOM}/members", api.MembersView.as_view(), name="widget_members"),
    path(f"{ROOM}/members/<str:person_id>", api.MemberView.as_view(), name="widget_member"),
    path("w/<str:key>/invitations/<str:code>", api.InvitationView.as_view(), name="widget_invitation"),
]
