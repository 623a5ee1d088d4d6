/** kubectl events */
import type { Task } from "../../../base/task";
import { boolFlag, intFlag, stringFlag, stringSliceFlag } from "../../../cli/flags";
import { KUBECTL_TABLE, TabWriter } from "../../../text/tabwriter";
import type { KubeList, KubeObject } from "../../apimachinery/object";
import { allNamespacesFlag } from "../common-flags";
import { eventAge, sortEvents } from "../describe/events";
import type { Part } from "../describe/page";
import { fail } from "../failure";
import { defineKubectlCommand, factoryOf } from "../kubectl-command";
import { outputRequest, printFlags, printerFor } from "../output";
import { interruptible } from "../signals";
import { typesOf } from "../targets";
import { watchAndPrint } from "../watch-print";

export const events = defineKubectlCommand({
  use: "events [(-o|--output=)json|yaml|kyaml|name|go-template|go-template-file|template|templatefile|jsonpath|jsonpath-as-json|jsonpath-file] [--for TYPE/NAME] [--watch] [--types=Normal,Warning]",
  short: "List events",
  group: "Troubleshooting and Debugging Commands",
  long: "Display events, oldest first: what happened, to which object, how often.",
  flags: {
    ...printFlags,
    "all-namespaces": allNamespacesFlag,
    "chunk-size": intFlag(500, "Return large lists in chunks rather than all at once. Pass 0 to disable."),
    for: stringFlag("", "Filter events to only those pertaining to the specified resource."),
    "no-headers": boolFlag(false, "When using the default output format, don't print headers."),
    types: stringSliceFlag([], "Output only events of given types."),
    watch: boolFlag(false, "After listing the requested events, watch for more events.", { shorthand: "w" }),
  },
  *run(invocation) {
    const { flags, process } = invocation;
    const factory = factoryOf(invocation);
    for (const type of flags.types)
      if (!["normal", "warning"].includes(type.toLowerCase())) fail("valid --types are Normal or Warning");
    const printer = printerFor(process, outputRequest(flags));
    const selector = yield* objectSelector(factory, flags.for);
    const path = flags["all-namespaces"] ? "/api/v1/events" : `/api/v1/namespaces/${factory.namespace}/events`;
    const list = yield* factory.client.get<KubeList>(path, {
      fieldSelector: selector,
      limit: flags["chunk-size"] > 0 ? String(flags["chunk-size"]) : undefined,
    });
    const wanted = (event: Part): boolean =>
      flags.types.length === 0 || flags.types.some((type) => type.toLowerCase() === String(event.type).toLowerCase());
    const found = sortEvents(
      (list.items ?? []).filter(wanted).map((item) => ({ ...item, apiVersion: "v1", kind: "Event" })),
    );
    const table = new TabWriter(KUBECTL_TABLE);
    let headers = !flags["no-headers"];
    const rows = (items: readonly Part[]): string => {
      if (headers)
        table.write(`${flags["all-namespaces"] ? "NAMESPACE\t" : ""}LAST SEEN\tTYPE\tREASON\tOBJECT\tMESSAGE\n`);
      headers = false;
      for (const event of items) {
        const { kind, name } = event.involvedObject ?? {};
        table.write(
          `${flags["all-namespaces"] ? `${event.metadata.namespace}\t` : ""}${eventAge(event, process.now())}\t${event.type}\t${event.reason}\t${kind}/${name}\t${String(
            event.message ?? "",
          )
            .trim()
            .replaceAll("\n", "\\n")}\n`,
        );
      }
      return table.flush();
    };
    if (found.length === 0 && !flags.watch) {
      yield* process.printError(
        flags["all-namespaces"] ? "No events found.\n" : `No events found in ${factory.namespace} namespace.\n`,
      );
      return 0;
    }
    // The list is typed there, and the name printer passes typed lists by.
    if (flags.output === "name") return 0;
    if (!printer) {
      if (found.length > 0) yield* process.print(rows(found));
    } else if (printer.perItem) for (const event of found) yield* process.print(printer.print(event));
    else
      yield* process.print(
        printer.print({
          apiVersion: "v1",
          items: found,
          kind: "List",
          metadata: list.metadata,
        } as unknown as KubeObject),
      );
    if (!flags.watch) return 0;
    interruptible(process);
    return yield* watchAndPrint(factory, {
      path,
      query: { fieldSelector: selector, resourceVersion: list.metadata.resourceVersion },
      show: (_, object) =>
        wanted(object as Part) ? (printer ? printer.print(object as KubeObject) : rows([object as Part])) : "",
    });
  },
});

function* objectSelector(factory: ReturnType<typeof factoryOf>, argument: string): Task<string | undefined> {
  if (argument === "") return undefined;
  const [type, name, ...more] = argument.split("/");
  if (!type || !name || more.length > 0) return fail("--for must be in resource/name form");
  const [mapping] = typesOf(yield* factory.discovery(), type);
  return `involvedObject.kind=${mapping!.kind},involvedObject.name=${name}`;
}
