/**
 * A map in key order (by code unit), as a list of short sorted runs: ranges without sorting, cheap inserts anywhere. New
 * keys are put in their place when a range is next asked for: most are asked for by themselves only.
 * Our own rather than a package's, since CommonJS trees arrive differently through each bundler.
 */
const RUN_MAX = 512;

interface Run<V> {
  readonly keys: string[];
  readonly values: V[];
}

export class SortedMap<V> {
  #runs: Run<V>[] = [{ keys: [], values: [] }];
  /** How many keys are in their place. */
  #placed = 0;
  readonly #fresh = new Map<string, V>();

  get size(): number {
    return this.#placed + this.#fresh.size;
  }

  get(key: string): V | undefined {
    const fresh = this.#fresh.get(key);
    if (fresh !== undefined) return fresh;
    const run = this.#runs[this.#runOf(key)]!;
    const i = lowerBound(run.keys, key);
    return run.keys[i] === key ? run.values[i] : undefined;
  }

  /** Puts a key that is not there yet. */
  add(key: string, value: V): void {
    this.#fresh.set(key, value);
  }

  set(key: string, value: V): void {
    if (this.#fresh.has(key)) this.#fresh.set(key, value);
    else this.#place(key, value);
  }

  #place(key: string, value: V): void {
    const r = this.#runOf(key);
    const run = this.#runs[r]!;
    const i = lowerBound(run.keys, key);
    if (run.keys[i] === key) {
      run.values[i] = value;
      return;
    }
    run.keys.splice(i, 0, key);
    run.values.splice(i, 0, value);
    this.#placed++;
    if (run.keys.length > RUN_MAX) {
      const half = run.keys.length >> 1;
      this.#runs.splice(r + 1, 0, { keys: run.keys.splice(half), values: run.values.splice(half) });
    }
  }

  delete(key: string): boolean {
    if (this.#fresh.delete(key)) return true;
    const r = this.#runOf(key);
    const run = this.#runs[r]!;
    const i = lowerBound(run.keys, key);
    if (run.keys[i] !== key) return false;
    run.keys.splice(i, 1);
    run.values.splice(i, 1);
    this.#placed--;
    if (run.keys.length === 0 && this.#runs.length > 1) this.#runs.splice(r, 1);
    return true;
  }

  /** Values of keys in [from, to), in order; all of them when called without bounds. */
  range(from = "", to?: string): V[] {
    if (this.#fresh.size > 0) {
      for (const [key, value] of this.#fresh) this.#place(key, value);
      this.#fresh.clear();
    }
    const found: V[] = [];
    const first = this.#runOf(from);
    for (let r = first; r < this.#runs.length; r++) {
      const { keys, values } = this.#runs[r]!;
      for (let i = r === first ? lowerBound(keys, from) : 0; i < keys.length; i++) {
        if (to !== undefined && keys[i]! >= to) return found;
        found.push(values[i]!);
      }
    }
    return found;
  }

  /** The last run whose first key is not after `key`. */
  #runOf(key: string): number {
    let low = 0;
    let high = this.#runs.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#runs[middle]!.keys[0]! <= key) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

function lowerBound(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (keys[middle]! < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
