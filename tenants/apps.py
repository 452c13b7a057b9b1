from django.apps import AppConfig


class TenantsConfig(AppConfig):
    name = "tenants"

    def ready(self) -> None:
        from saas.core import registry
        from tenants import resolve

        registry.tenant_changed.fill(resolve.forget)
        registry.sessions_ended.fill(resolve.forget_sign_ins)
