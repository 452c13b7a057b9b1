/** Named events with typed payloads. A listener that throws does not silence the others. */

export type Listener<T> = (event: T) => void;

export interface Emitter<Events> {
  /** Calls `fn` at each event; the answer ends it. */
  on<K extends keyof Events>(name: K, fn: Listener<Events[K]>): () => void;
  emit<K extends keyof Events>(name: K, event: Events[K]): void;
}

export function createEmitter<Events>(): Emitter<Events> {
  const listeners: { [K in keyof Events]?: Set<Listener<Events[K]>> } = {};
  return {
    on(name, fn) {
      const set = listeners[name] ?? new Set();
      listeners[name] = set.add(fn);
      return () => void set.delete(fn);
    },
    emit(name, event) {
      for (const fn of [...(listeners[name] ?? [])]) {
        try {
          fn(event);
        } catch (error) {
          queueMicrotask(() => {
            throw error;
          });
        }
      }
    },
  };
}
