"""A message that people complained about."""

from chat.models import Message, Participant, Report
from chat.services.moderation import report_message
from tenants.context import TenantRef, in_tenant
from tests.support.community import community, member, message_of, place_of, tries


class Story:
    """A room in which Lou said something that two others reported, among other lines."""

    def __init__(self, tenant: TenantRef) -> None:
        self.tenant, self.room = tenant, community(tenant)
        self.lou, self.val, self.vic = (member(tenant, self.room) for _ in range(3))
        before = [tries(tenant, self.val, self.room, text) for text in ("one", "two", "three")]
        self.message = message_of(tenant, self.room, self.lou, "BUY MY LAMPS")
        after = [tries(tenant, self.vic, self.room, text) for text in ("four", "five", "six")]
        assert set(before + after) == {"stored"}
        for who, reason in ((self.val, "advertising"), (self.vic, "")):
            report_message(tenant, who, room_id=self.room, message_id=self.message, reason=reason)

    @property
    def is_open(self) -> bool:
        with in_tenant(self.tenant):
            return Report.objects.filter(message=self.message, settled_at=None).exists()

    @property
    def done(self) -> list[list[str]]:
        with in_tenant(self.tenant):
            return list(Report.objects.filter(message=self.message).values_list("done", flat=True))

    @property
    def is_deleted(self) -> bool:
        with in_tenant(self.tenant):
            return Message.objects.get(id=self.message).deleted_at is not None

    def place(self) -> Participant:
        found = place_of(self.tenant, self.room, self.lou)
        assert found
        return found
