/** The parts of the panel whose code comes when it is first needed, all in one file. */

import type { ComponentType } from "preact";
import { later } from "../ui/later.ts";

type Extras = typeof import("./extras.tsx");
type Props<K extends keyof Extras> = Parameters<Extras[K]>[0];

const part = <K extends keyof Extras>(name: K) =>
  later(async () => (await import("./extras.tsx"))[name] as ComponentType<Props<K>>);

export const Back = part("Back");
export const Conversation = part("Conversation");
export const Doing = part("Doing");
export const Invited = part("Invited");
export const Leave = part("Leave");
export const Opens = part("Opens");
export const Silent = part("Silent");
export const Stopped = part("Stopped");
export const RoomList = part("RoomList");
