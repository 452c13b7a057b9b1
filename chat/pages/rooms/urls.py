"""Addresses of the pages of rooms."""

from django.urls import path

from chat.pages.rooms import calm, deletion, editing, embedding, invitations, listing, people

ROOM = "rooms/<uuid:room_id>"
PERSON = f"{ROOM}/people/<uuid:person_id>"

urlpatterns = [
    path("rooms/", listing.listing, name="rooms"),
    path("rooms/new/", listing.new, name="room_new"),
    path(f"{ROOM}/", editing.room, name="room"),
    path(f"{ROOM}/archive/", editing.archive, name="room_archive"),
    path(f"{ROOM}/move/", listing.move, name="room_move"),
    path(f"{ROOM}/people/", people.people, name="room_people"),
    path(f"{PERSON}/", people.person, name="room_person"),
    path(f"{PERSON}/lift/", people.lift, name="room_lift"),
    path(f"{PERSON}/role/", people.appoint, name="room_appoint"),
    path(f"{PERSON}/in/", people.take_in, name="room_take_in"),
    path(f"{PERSON}/remove/", people.remove, name="room_remove"),
    path(f"{ROOM}/invitations/", invitations.invitations_of, name="room_invitations"),
    path(f"{ROOM}/invitations/<uuid:invitation_id>/withdraw/", invitations.withdraw, name="room_withdraw"),
    path(f"{ROOM}/moderation/", calm.moderation, name="room_moderation"),
    path(f"{ROOM}/moderation/pins/<uuid:message_id>/", calm.unpin, name="room_unpin"),
    path(f"{ROOM}/embed/", embedding.embed, name="room_embed"),
    path(f"{ROOM}/delete/", deletion.delete, name="room_delete"),
]
