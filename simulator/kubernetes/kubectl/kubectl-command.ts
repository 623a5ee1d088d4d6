/** How this room's commands are declared: cli's commands with a Factory as their context. */
import { type Command, type CommandDefinition, defineCommand, type Invocation } from "../../cli/command";
import type { FlagSet } from "../../cli/flags";
import type { Factory } from "./factory";

/** What a kubectl command is called with: `factory()` is made on first use, from the global flags. */
export interface KubectlContext {
  factoryFor(invocation: {
    readonly path?: readonly { readonly flags: FlagSet }[];
    readonly process: Factory["process"];
    readonly allFlags: Readonly<Record<string, unknown>>;
  }): Factory;
}

export type KubectlCommand = Command<KubectlContext>;
export type KubectlInvocation<F extends FlagSet = FlagSet> = Invocation<KubectlContext, F>;

export const defineKubectlCommand = <F extends FlagSet = Readonly<Record<never, never>>>(
  definition: CommandDefinition<KubectlContext, F>,
): KubectlCommand => defineCommand<KubectlContext, F>({ flagsInUseLine: false, ...definition });

export const factoryOf = (invocation: Pick<KubectlInvocation, "context" | "process" | "allFlags">): Factory =>
  invocation.context.factoryFor(invocation);
