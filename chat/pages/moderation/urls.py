"""Addresses of the pages of moderation."""

from django.urls import path

from chat.pages.moderation import queue, restrained, words

urlpatterns = [
    path("moderation/", queue.queue, name="moderation"),
    path("moderation/people/", restrained.people, name="moderation_people"),
    path("moderation/words/", words.first, name="moderation_words"),
    path("moderation/words/<uuid:site_id>/", words.of_site, name="moderation_words_of"),
    path("moderation/<uuid:message_id>/", queue.settle, name="moderation_settle"),
]
