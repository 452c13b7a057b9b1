from django.apps import AppConfig


class TenantsConfig(AppConfig):
    name = "tenants"

    def ready(self) -> None:
        from saas.core import registry
        from tenants import plans, resolve

        registry.tenant_changed.fill(resolve.forget)
        registry.tenant_changed.fill(plans.forget_plan)
        registry.sessions_ended.fill(resolve.forget_sign_ins)
