import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, mock, test } from "node:test";
import { createElement, type FunctionComponent, render } from "preact";
import { later } from "../src/ui/later.ts";

/** As much of a document as Preact needs to draw words. */
class Place {
  readonly childNodes: Place[] = [];
  parentNode: Place | null = null;
  data: string;
  readonly ownerDocument = { createTextNode: (text: string) => new Place(text) };

  constructor(text = "") {
    this.data = text;
  }

  get firstChild(): Place | null {
    return this.childNodes[0] ?? null;
  }

  get nextSibling(): Place | null {
    const beside = this.parentNode?.childNodes ?? [];
    return beside[beside.indexOf(this) + 1] ?? null;
  }

  insertBefore(child: Place, before: Place | null) {
    if (child.parentNode) child.parentNode.removeChild(child);
    const at = before ? this.childNodes.indexOf(before) : this.childNodes.length;
    this.childNodes.splice(at, 0, child);
    child.parentNode = this;
  }

  removeChild(child: Place) {
    this.childNodes.splice(this.childNodes.indexOf(child), 1);
    child.parentNode = null;
  }

  remove() {
    this.parentNode?.removeChild(this);
  }

  get words(): string {
    return this.data + this.childNodes.map((child) => child.words).join("");
  }
}

/** Effects run after the next frame, or this long after when there is none. Milliseconds. */
const FRAME = 100;

const turns = async () => {
  for (let turn = 0; turn < 5; turn++) {
    mock.timers.tick(FRAME);
    for (let more = 0; more < 5; more++) await new Promise((resolve) => setImmediate(resolve));
  }
};

describe("a component that is fetched when it is drawn", () => {
  beforeEach(() => {
    mock.timers.enable({ apis: ["setTimeout"] });
    Object.assign(globalThis, { document: new Place().ownerDocument });
  });
  afterEach(() => {
    mock.timers.reset();
    Reflect.deleteProperty(globalThis, "document");
  });

  const drawn = (load: () => Promise<FunctionComponent>) => {
    const place = new Place();
    const Later = later(load);
    render(createElement(Later, null, "bare"), place as unknown as Element);
    return place;
  };
  const whole: FunctionComponent = () => "whole";

  test("draws what it was given until its code is there", async () => {
    const place = drawn(async () => whole);
    assert.equal(place.words, "bare");
    await turns();
    assert.equal(place.words, "whole");
  });

  test("tries again after a fetch that failed, and not at once", async () => {
    let tries = 0;
    const place = drawn(async () => {
      tries += 1;
      if (tries === 1) throw new Error("no line");
      return whole;
    });
    await turns();
    assert.deepEqual([tries, place.words], [1, "bare"]);
    mock.timers.tick(5_000);
    await turns();
    assert.deepEqual([tries, place.words], [2, "whole"]);
  });
});
