/**
 * An etcd cluster: members around one replicated log. A majority must be up to elect a leader; without one nothing is
 * written and linearizable reads fail, in etcd's own words. Members that come back catch up from the leader, so one
 * store stands for the log that a quorum holds.
 */
import { failure, ok, type Result } from "../../base/result";
import { type Compare, type Operation, type RangeResult, type RevisionError, Store, type TxnResponse } from "./store";

export type EtcdError = "etcdserver: request timed out" | "etcdserver: no leader" | "etcdserver: leader changed";

export interface EtcdMember {
  readonly id: string;
  readonly name: string;
  readonly running: boolean;
  readonly isLeader: boolean;
  /** Revision that this member has applied. */
  readonly revision: number;
}

interface Member {
  readonly id: string;
  readonly name: string;
  running: boolean;
  revision: number;
}

export class EtcdCluster<V = unknown> {
  readonly store: Store<V>;
  readonly #members: Member[];
  #leader: Member | undefined;
  #term = 1;

  constructor(memberNames: readonly string[] = ["etcd"], store: Store<V> = new Store<V>()) {
    this.store = store;
    this.#members = memberNames.map((name, i) => ({
      id: (0x8e9e05c52164694dn + BigInt(i) * 0x1111n).toString(16),
      name,
      running: true,
      revision: store.revision,
    }));
    this.#elect();
  }

  get term(): number {
    return this.#term;
  }

  get members(): readonly EtcdMember[] {
    return this.#members.map((member) => ({
      id: member.id,
      name: member.name,
      running: member.running,
      isLeader: member === this.#leader,
      revision: member.running && this.hasQuorum ? this.store.revision : member.revision,
    }));
  }

  get hasQuorum(): boolean {
    return this.#members.filter((m) => m.running).length > this.#members.length / 2;
  }

  stopMember(name: string): void {
    const member = this.#members.find((m) => m.name === name);
    if (!member?.running) return;
    member.revision = this.store.revision;
    member.running = false;
    if (member === this.#leader || !this.hasQuorum) this.#elect();
  }

  startMember(name: string): void {
    const member = this.#members.find((m) => m.name === name);
    if (!member || member.running) return;
    member.running = true;
    if (!this.#leader) this.#elect();
  }

  /** Whether any member can answer at all; none means that connections are refused. */
  get reachable(): boolean {
    return this.#members.some((m) => m.running);
  }

  txn(compares: readonly Compare[], operations: readonly Operation<V>[]): Result<TxnResponse<V>, EtcdError> {
    if (!this.#leader) return failure("etcdserver: request timed out");
    return ok(this.store.txn(compares, operations));
  }

  /** A linearizable read: it needs the leader's word. */
  prefix(
    prefix: string,
    options: { readonly limit?: number; readonly revision?: number } = {},
  ): Result<RangeResult<V>, EtcdError | RevisionError> {
    if (!this.#leader) return failure("etcdserver: request timed out");
    return this.store.prefix(prefix, options);
  }

  #elect(): void {
    const before = this.#leader;
    this.#leader = this.hasQuorum ? this.#members.find((m) => m.running) : undefined;
    if (this.#leader !== before && this.#leader) this.#term++;
  }
}
