/** The parts of the panel whose code comes when it is first needed, all in one file. */

import { later } from "../ui/later.ts";

const extras = () => import("./extras.tsx");

export const SaidLine = later(async () => (await extras()).SaidLine);
export const Answered = later(async () => (await extras()).Answered);
export const Doing = later(async () => (await extras()).Doing);
export const Silent = later(async () => (await extras()).Silent);
export const RoomList = later(async () => (await extras()).RoomList);
