/** The parts of the panel whose code comes when it is first needed, all in one file. */

import { later } from "../ui/later.ts";

const extras = () => import("./extras.tsx");

export const Back = later(async () => (await extras()).Back);
export const Conversation = later(async () => (await extras()).Conversation);
export const Doing = later(async () => (await extras()).Doing);
export const Invited = later(async () => (await extras()).Invited);
export const Leave = later(async () => (await extras()).Leave);
export const Opens = later(async () => (await extras()).Opens);
export const Silent = later(async () => (await extras()).Silent);
export const Stopped = later(async () => (await extras()).Stopped);
export const RoomList = later(async () => (await extras()).RoomList);
