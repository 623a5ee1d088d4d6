/**
 * Field sets that are equal are one object. A set is put together member by member along a trie of all the sets there
 * have been: the thousandth Pod of a template walks where the first one went, and allocates nothing.
 */
export interface FieldSet {
  readonly [element: string]: FieldSet;
}

/** A path that is owned itself, with nothing below it. */
export const MEMBER: FieldSet = Object.freeze({});

/** A set as it is being put together. */
export class Shape {
  readonly #before: Shape | undefined;
  readonly #element: string;
  readonly #part: FieldSet;
  #leaves: Map<string, Shape> | undefined;
  #parts: Map<FieldSet, Map<string, Shape>> | undefined;
  #set: FieldSet | undefined;

  constructor(before?: Shape, element = "", part: FieldSet = MEMBER) {
    this.#before = before;
    this.#element = element;
    this.#part = part;
  }

  get isEmpty(): boolean {
    return this.#before === undefined;
  }

  /** This set and one more element. */
  with(element: string, part: FieldSet): Shape {
    const next = part === MEMBER ? (this.#leaves ??= new Map()) : this.#below(part);
    let shape = next.get(element);
    if (!shape) {
      shape = new Shape(this, element, part);
      if (++count > SHAPES_MAX) forget();
      next.set(element, shape);
    }
    return shape;
  }

  #below(part: FieldSet): Map<string, Shape> {
    this.#parts ??= new Map();
    let next = this.#parts.get(part);
    if (!next) this.#parts.set(part, (next = new Map()));
    return next;
  }

  /** The finished set. An empty one is a member. */
  get set(): FieldSet {
    if (!this.#set) {
      const shapes: Shape[] = [];
      for (let at: Shape = this; at.#before !== undefined; at = at.#before) shapes.push(at);
      const set: { [element: string]: FieldSet } = {};
      for (const shape of shapes.reverse()) set[shape.#element] = shape.#part;
      this.#set = shapes.length === 0 ? MEMBER : Object.freeze(set);
    }
    return this.#set;
  }

  /** Drops what follows from here. Sets that were handed out stay good; equal ones are made anew. */
  clear(): void {
    this.#leaves = undefined;
    this.#parts = undefined;
  }
}

/** The set of nothing, and of nothing but itself: where every set begins. */
export const NOTHING = new Shape();
const SELF = ".";
let self: Shape | undefined;

/** A set that is a member itself and has parts. */
export const itself = (): Shape => (self ??= NOTHING.with(SELF, MEMBER));

/** How many there may be before they are forgotten: names in sets are the learner's to choose. */
const SHAPES_MAX = 30_000;
let count = 0;

function forget(): void {
  NOTHING.clear();
  self = undefined;
  count = 0;
}

/** Remembers what a pure function of two frozen sets gave. */
export function remembered<R extends FieldSet | undefined>(
  work: (a: FieldSet, b: FieldSet) => R,
): (a: FieldSet, b: FieldSet) => R {
  const known = new WeakMap<FieldSet, WeakMap<FieldSet, { readonly result: R }>>();
  return (a, b) => {
    if (!Object.isFrozen(a) || !Object.isFrozen(b)) return work(a, b);
    let byOther = known.get(a);
    if (!byOther) known.set(a, (byOther = new WeakMap()));
    let found = byOther.get(b);
    if (!found) {
      found = { result: freeze(work(a, b)) };
      byOther.set(b, found);
    }
    return found.result;
  };
}

function freeze<R extends FieldSet | undefined>(set: R): R {
  if (set === undefined || Object.isFrozen(set)) return set;
  for (const key in set) freeze((set as FieldSet)[key]);
  return Object.freeze(set);
}
