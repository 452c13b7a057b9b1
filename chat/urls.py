"""The inbox and the chat's HTTP API: on a tenant's host."""

from django.urls import path

from chat import views
from chat.install import install

urlpatterns = [
    path("inbox/", views.inbox, name="inbox"),
    path("inbox/<uuid:room_id>/", views.inbox, name="inbox_room"),
    path("install/", install, name="install"),
    path("api/v1/rooms", views.RoomsView.as_view(), name="api_rooms"),
    path("api/v1/rooms/<str:room_id>", views.RoomView.as_view(), name="api_room"),
    path("api/v1/rooms/<str:room_id>/messages", views.MessagesView.as_view(), name="api_messages"),
    path("api/v1/rooms/<str:room_id>/resolve", views.ResolveView.as_view(), name="api_resolve"),
    path("api/v1/rooms/<str:room_id>/reopen", views.ReopenView.as_view(), name="api_reopen"),
]
