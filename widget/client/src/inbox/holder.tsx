/** Who of the team holds the open room, and giving it to another. */

import type { Id, Summary } from "../core/index.ts";
import { type Member, mayAnswer } from "./api.ts";
import { en } from "./text.ts";

interface HolderProps {
  readonly summary: Summary;
  readonly team: readonly Member[];
  readonly me: Id;
  readonly canAnswer: boolean;
  readonly onGive: (agent: Id | null) => void;
}

/** Whoever left the team holds nothing. */
export function Holder({ summary, team, me, canAnswer, onGive }: HolderProps) {
  const able = team.filter((one) => mayAnswer(one.role));
  const holder = able.find((one) => one.id === summary.assignee);
  return (
    <div class="facts holder">
      <label for="holder">{en.heldBy}</label>
      {canAnswer ? (
        <select id="holder" value={holder?.id ?? ""} onChange={(event) => onGive(event.currentTarget.value || null)}>
          <option value="">{en.nobody}</option>
          {able.map((one) => (
            <option key={one.id} value={one.id}>
              {one.id === me ? en.meToo(one.name) : one.name}
            </option>
          ))}
        </select>
      ) : (
        <output id="holder">{holder?.name ?? en.nobody}</output>
      )}
    </div>
  );
}
