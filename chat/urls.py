"""The inbox and the chat's HTTP API: on a tenant's host."""

from django.urls import path

from chat.install import install
from chat.views.inbox import inbox
from chat.views.rooms import MessagesView, ReopenView, ResolveView, RoomsView, RoomView

urlpatterns = [
    path("inbox/", inbox, name="inbox"),
    path("inbox/<uuid:room_id>/", inbox, name="inbox_room"),
    path("install/", install, name="install"),
    path("api/v1/rooms", RoomsView.as_view(), name="api_rooms"),
    path("api/v1/rooms/<str:room_id>", RoomView.as_view(), name="api_room"),
    path("api/v1/rooms/<str:room_id>/messages", MessagesView.as_view(), name="api_messages"),
    path("api/v1/rooms/<str:room_id>/resolve", ResolveView.as_view(), name="api_resolve"),
    path("api/v1/rooms/<str:room_id>/reopen", ReopenView.as_view(), name="api_reopen"),
]
