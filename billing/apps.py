from django.apps import AppConfig


class BillingConfig(AppConfig):
    name = "billing"

    def ready(self) -> None:
        """Answer the hooks of the apps below."""
        from billing.selectors.audit import act_names, acts
        from billing.services.accounts import open_account, reopen_account
        from billing.services.seating import give_seat
        from billing.services.visits import visitor
        from billing.staff.pages import add_pages
        from billing.standing import factors, forget_standing
        from saas.core import registry

        add_pages()
        registry.tenant_created.fill(open_account)
        registry.tenant_restored.fill(reopen_account)
        registry.support_visit.fill(visitor)
        registry.seat_wanted.fill(give_seat)
        registry.limits_of_plan.fill(factors)
        registry.acts_elsewhere.fill(acts)
        registry.act_names.fill(act_names)
        registry.tenant_changed.fill(forget_standing)
