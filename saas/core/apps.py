from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "saas.core"
    label = "core"

    def ready(self) -> None:
        from saas.core import mail  # noqa: F401 - its job must be known to every worker
