"""The widget host's addresses. What other people's pages load from us, and nothing else."""

from django.urls import path

from widget import views

urlpatterns = [
    path("porchlight.js", views.loader, name="loader"),
    path("w/<str:key>/config", views.config, name="widget_config"),
    path("w/<str:key>/frame", views.frame, name="widget_frame"),
    path("w/<str:key>/session", views.session, name="widget_session"),
]
