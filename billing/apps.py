from django.apps import AppConfig


class BillingConfig(AppConfig):
    name = "billing"

    def ready(self) -> None:
        """Answer the hooks of the apps below."""
        from billing.services.accounts import open_account
        from billing.services.visits import visitor
        from saas.core import registry

        registry.tenant_created.fill(open_account)
        registry.support_visit.fill(visitor)
