from django.apps import AppConfig


class ChatConfig(AppConfig):
    name = "chat"

    def ready(self) -> None:
        """Answer the hooks of the apps below."""
        from chat.consumers.figures import figures
        from chat.notifications import notify, unseen_of
        from chat.notifications.mentions import forget_team, tell_of_names
        from chat.notifications.unheld import tell_of_lines
        from chat.realtime.aftermath import due
        from chat.realtime.resyncs import unseen
        from chat.realtime.revocation import begin_anew, end_sessions, tell_changed
        from chat.selectors.export import export
        from chat.selectors.sites import forget_sites
        from chat.services.handing_on import hand_on, held_by
        from chat.services.sites import make_first_site
        from chat.staff.live import add_pages
        from saas.core import registry

        registry.tenant_created.fill(make_first_site)
        registry.tenant_changed.fill(forget_sites)
        registry.tenant_changed.fill(tell_changed)
        registry.tenant_restored.fill(begin_anew)
        registry.sessions_ended.fill(end_sessions)
        registry.member_left.fill(hand_on)
        registry.rooms_held.fill(held_by)
        registry.notify.fill(notify)
        registry.tenant_changed.fill(forget_team)
        registry.export_tenant.fill(export)
        registry.figures.fill(figures)
        add_pages()
        due.fill(tell_of_names)
        due.fill(tell_of_lines)
        unseen.fill(unseen_of)
