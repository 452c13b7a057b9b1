"""What agents say of themselves. Runs inside the tenant."""

from collections.abc import Sequence
from uuid import UUID

from django.db import connection

from chat.models import AgentState
from chat.realtime.here import ONLINE, Word
from chat.selectors.rows import rows

SAY = """
    INSERT INTO chat_agentstate AS said (person_id, state, rev) VALUES (%s, %s, 1)
    ON CONFLICT (person_id) DO UPDATE SET state = excluded.state, rev = said.rev + 1
    RETURNING state, rev
"""


def words_of(people: Sequence[UUID]) -> list[Word]:
    """What each of these agents said last; a new one is online."""
    found = rows("SELECT person_id, state, rev FROM chat_agentstate WHERE person_id = ANY(%(people)s)", {"people": list(people)})
    said = {who: Word(state, rev) for who, state, rev in found}
    return [said.get(who, ONLINE) for who in people]


def say(person_id: UUID, state: AgentState.State) -> Word:
    """The agent says this of themselves. Of two tabs that speak at once the one that is stored second counts."""
    with connection.cursor() as cursor:
        cursor.execute(SAY, [person_id, state])
        return Word(*cursor.fetchone())
