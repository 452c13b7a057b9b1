from django.apps import AppConfig


class TenantsConfig(AppConfig):
    name = "tenants"

    def ready(self) -> None:
        from allauth.account.signals import authentication_step_completed
        from allauth.mfa.signals import authenticator_added, authenticator_removed
        from django.contrib.auth.signals import user_logged_in

        from saas.core import registry
        from tenants import browser, plans, resolve
        from tenants.services.second_factor import factor_changed

        registry.tenant_changed.fill(resolve.forget)
        registry.tenant_changed.fill(plans.forget_plan)
        registry.sessions_ended.fill(resolve.forget_sign_ins)
        user_logged_in.connect(browser.signed_in)
        authentication_step_completed.connect(browser.proven)
        authenticator_added.connect(factor_changed)
        authenticator_removed.connect(factor_changed)
