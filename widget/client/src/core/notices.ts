/** Notifications for me: unread ones only, on all my tabs the same. Pure. */

import type { Id, Notice, ServerFrames } from "./protocol.ts";
import type { State } from "./state.ts";

/** More than these nobody reads in a list; the count goes on. */
const MAX_LISTED = 50;
const MAX_REMEMBERED = 200;

/** The server's list begins anew, without what I read while it could not know. */
export function welcomeNotices(state: State, { notices, unread }: ServerFrames["welcome"]): State {
  const dismissed = state.dismissed.filter((id) => notices.some((one) => one.id === id));
  const news = notices.filter((one) => !dismissed.includes(one.id));
  return { ...state, notices: news, dismissed, unreadNotices: Math.max(0, unread - dismissed.length) };
}

export function notify(state: State, notice: Notice): State {
  if (state.dismissed.includes(notice.id) || state.notices.some((one) => one.id === notice.id)) return state;
  const notices = [notice, ...state.notices].slice(0, MAX_LISTED);
  return { ...state, notices, unreadNotices: state.unreadNotices + 1 };
}

/** I read one, or all that there are, here. */
export function dismiss(state: State, what: Id | "all"): State {
  const gone = state.notices.filter((one) => what === "all" || one.id === what).map((one) => one.id);
  const notices = state.notices.filter((one) => !gone.includes(one.id));
  const unreadNotices = what === "all" ? 0 : Math.max(0, state.unreadNotices - gone.length);
  const dismissed = [...state.dismissed, ...gone].slice(-MAX_REMEMBERED);
  return { ...state, notices, unreadNotices, dismissed };
}

/** I read them on another tab. */
export function seenElsewhere(state: State, frame: ServerFrames["seen"]): State {
  const notices = frame.all ? [] : state.notices.filter((one) => one.id !== frame.notification);
  return { ...state, notices, unreadNotices: frame.unread };
}
