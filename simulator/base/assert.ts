/** Claims about our own code. A failed claim is our bug: nothing inside the simulator catches it. */
export class AssertionError extends Error {
  override name = "AssertionError";
}

/** Throws when `condition` is false; `claim` says what must hold. */
export function assert(condition: unknown, claim: string): asserts condition {
  if (!condition) throw new AssertionError(`must hold: ${claim}`);
}

/** Marks a branch that the type system proves empty. */
export function unreachable(value: never): never {
  throw new AssertionError(`unreachable value: ${JSON.stringify(value)}`);
}

/** Returns `value`, claiming that it is there. */
export function present<T>(value: T | undefined | null, claim: string): T {
  if (value === undefined || value === null) throw new AssertionError(`must be present: ${claim}`);
  return value;
}
