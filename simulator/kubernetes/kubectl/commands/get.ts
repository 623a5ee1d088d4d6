/** kubectl get: asks the server for tables, or for objects where another output is wanted. */
import { parseRfc3339 } from "../../../base/clock";
import type { Task } from "../../../base/task";
import { humanDuration } from "../../../text/human-duration";
import { boolFlag, intFlag, stringFlag, stringSliceFlag } from "../../../cli/flags";
import type { KubeList, KubeObject } from "../../apimachinery/object";
import type { Table } from "../../apimachinery/table";
import { allNamespacesFlag, fieldSelectorFlag, fileFlags, selectorFlag } from "../common-flags";
import { completeResources } from "../completion";
import { apiVersionOf, resourcePath, type ResourceMapping } from "../discovery";
import type { Factory } from "../factory";
import { type AnyFailure, ApiFailure, CommandFailure, fail, throwAll } from "../failure";
import { defineKubectlCommand, factoryOf, type KubectlInvocation } from "../kubectl-command";
import { omitManagedFields, outputRequest, printFlags, printerFor } from "../output";
import { customColumns, customColumnsFile, type CustomColumns } from "../printers/custom-columns";
import type { ObjectPrinter } from "../printers/index";
import { TablePrinter, type TableOptions } from "../printers/table";
import { TABLE_ACCEPT } from "../rest";
import { interruptible } from "../signals";
import { sortedOrder } from "../sorting";
import { listFailure, type Plan, planTargets, withKinds } from "../targets";
import { watchAndPrint } from "../watch-print";
import { printRaw } from "../raw";

const flags = {
  ...fileFlags,
  ...printFlags,
  "all-namespaces": allNamespacesFlag,
  "chunk-size": intFlag(500, "Return large lists in chunks rather than all at once. Pass 0 to disable."),
  "field-selector": fieldSelectorFlag,
  "ignore-not-found": boolFlag(
    false,
    "If set to true, suppresses NotFound error for specific objects that do not exist. Using this flag with commands that query for collections of resources has no effect when no resources are found.",
  ),
  "label-columns": stringSliceFlag(
    [],
    "Accepts a comma separated list of labels that are going to be presented as columns. Names are case-sensitive. You can also use multiple flag options like -L label1 -L label2...",
    { shorthand: "L" },
  ),
  "no-headers": boolFlag(
    false,
    "When using the default or custom-column output format, don't print headers (default print headers).",
  ),
  output: stringFlag(
    "",
    "Output format. One of: (json, yaml, kyaml, name, go-template, go-template-file, template, templatefile, jsonpath, jsonpath-as-json, jsonpath-file, custom-columns, custom-columns-file, wide).",
    { shorthand: "o" },
  ),
  "output-watch-events": boolFlag(
    false,
    "Output watch event objects when --watch or --watch-only is used. Existing objects are output as initial ADDED events.",
  ),
  raw: stringFlag("", "Raw URI to request from the server. Uses the transport specified by the kubeconfig file."),
  selector: selectorFlag,
  "server-print": boolFlag(
    true,
    "If true, have the server return the appropriate table output. Supports extension APIs and CRDs.",
  ),
  "show-kind": boolFlag(false, "If present, list the resource type for the requested object(s)."),
  "show-labels": boolFlag(false, "When printing, show all labels as the last column (default hide labels column)"),
  "sort-by": stringFlag(
    "",
    "If non-empty, sort list types using this field specification. The field specification is expressed as a JSONPath expression (e.g. '{.metadata.name}'). The field in the API resource specified by this JSONPath expression must be an integer or a string.",
  ),
  subresource: stringFlag("", "If specified, gets the subresource of the requested object."),
  watch: boolFlag(false, "After listing/getting the requested object, watch for changes.", { shorthand: "w" }),
  "watch-only": boolFlag(false, "Watch for changes to the requested object(s), without listing/getting first."),
};

type GetFlags = typeof flags;
type Get = KubectlInvocation<GetFlags>;

export const get = defineKubectlCommand<GetFlags>({
  use: "get [(-o|--output=)json|yaml|kyaml|name|go-template|go-template-file|template|templatefile|jsonpath|jsonpath-as-json|jsonpath-file|custom-columns|custom-columns-file|wide] (TYPE[.VERSION][.GROUP] [NAME | -l label] | TYPE[.VERSION][.GROUP]/NAME ...) [flags]",
  short: "Display one or many resources",
  group: "Basic Commands (Intermediate)",
  long: "Display one or many resources.\n\n One line is printed for each object, with what matters most about its kind. Choose objects by name, by label (--selector) or by field (--field-selector); without a namespace, those of the current one are shown.\n\n With -o the same objects are printed whole, or any part of them.",
  example:
    "  # List the pods of the current namespace\n  kubectl get pods\n  \n  # With node and address\n  kubectl get pods -o wide\n  \n  # One deployment, whole\n  kubectl get deployment web -o yaml\n  \n  # Pods with a label, as they change\n  kubectl get pods -l app=web --watch",
  flags,
  completeArgs: completeResources,
  *run(invocation) {
    const factory = factoryOf(invocation);
    const { process, flags: given, args } = invocation;
    if (given.raw !== "") {
      if (args.length > 0 || given.filename.length > 0) fail("arguments may not be passed when --raw is specified");
      yield* printRaw(
        process,
        yield* factory.client.send("GET", given.raw.split("?")[0]!, { query: rawQuery(given.raw) }),
      );
      return 0;
    }
    const isWatch = given.watch || given["watch-only"];
    if (given["output-watch-events"] && !isWatch)
      fail("--output-watch-events option can only be used with --watch or --watch-only");
    if (isWatch && given["sort-by"] !== "")
      yield* process.printError("warning: --watch requested, --sort-by will be ignored for watch events received\n");
    if (args.length === 0 && given.filename.length === 0 && !given.kustomize) {
      yield* process.printError(
        'You must specify the type of resource to get. Use "kubectl api-resources" for a complete list of supported resources.\n\n',
      );
      return yield* invocation.usageError({
        kind: "usage",
        message:
          'Required resource not specified.\nUse "kubectl explain <resource>" for a detailed description of that resource (e.g. kubectl explain pods).',
      });
    }
    const printing = makePrinting(invocation);
    const planned = yield* planTargets(factory, {
      args,
      filenames: given.filename,
      recursive: given.recursive,
      selector: given.selector,
      fieldSelector: given["field-selector"],
      allNamespaces: given["all-namespaces"],
      typeAloneIsAll: true,
      commandPath: "kubectl",
    });
    throwAll(planned.failures);
    if (isWatch) {
      interruptible(process);
      return yield* watch(invocation, factory, planned.plans, printing);
    }
    if (printing.kind === "table") return yield* printTables(invocation, factory, planned.plans, printing.options);
    return yield* printObjects(invocation, factory, planned.plans, printing);
  },
});

/** The three ways to print: server-made tables, custom columns, whole objects. */
type Printing =
  | { readonly kind: "table"; readonly options: TableOptions }
  | { readonly kind: "columns"; readonly columns: CustomColumns }
  | { readonly kind: "objects"; readonly printer: ObjectPrinter };

function makePrinting(invocation: Get): Printing {
  const { flags: given, process } = invocation;
  const output = given.output;
  if ((output === "" && given.template === "") || output === "wide") {
    return {
      kind: "table",
      options: {
        wide: output === "wide",
        noHeaders: given["no-headers"],
        showLabels: given["show-labels"],
        labelColumns: given["label-columns"],
        withNamespace: given["all-namespaces"],
        withKind: given["show-kind"],
        withEvents: given["output-watch-events"],
      },
    };
  }
  const custom = /^(custom-columns|custom-columns-file)(?:=(.*))?$/s.exec(output);
  if (custom) {
    const argument = custom[2] ?? given.template;
    const columns =
      custom[1] === "custom-columns"
        ? customColumns(argument, given["no-headers"])
        : customColumnsFile(process.readText(argument), given["no-headers"]);
    return { kind: "columns", columns };
  }
  const printer = printerFor(process, outputRequest(given, ["custom-columns", "custom-columns-file", "wide"]));
  return { kind: "objects", printer: printer! };
}

const rawQuery = (uri: string): Record<string, string> => {
  const query: Record<string, string> = {};
  for (const pair of uri.split("?")[1]?.split("&") ?? []) {
    const [key = "", value = ""] = pair.split("=");
    if (key) query[decodeURIComponent(key)] = decodeURIComponent(value.replaceAll("+", " "));
  }
  return query;
};

interface Fetched {
  readonly plan: Plan;
  readonly table: Table;
}

/** Where a plan's objects are read from. */
function request(
  plan: Plan,
  given: Get["flags"],
): { readonly path: string; readonly query: Record<string, string | undefined> } {
  if (plan.kind !== "list") {
    if (plan.name === "") fail("resource name may not be empty");
    return { path: resourcePath(plan.mapping, plan.namespace, plan.name, given.subresource || undefined), query: {} };
  }
  const limit = given["chunk-size"];
  return {
    path: resourcePath(plan.mapping, plan.namespace || undefined),
    query: {
      labelSelector: plan.selector,
      fieldSelector: plan.fieldSelector,
      limit: limit > 0 ? String(limit) : undefined,
    },
  };
}

/** One table of all pages. */
function* fetchTable(factory: Factory, plan: Plan, given: Get["flags"], includeObject: boolean): Task<Table> {
  const { path, query } = request(plan, given);
  let table: Table | undefined;
  let token: string | undefined;
  do {
    const answer = yield* factory.client.get<Table | KubeObject>(
      path,
      { ...query, continue: token, includeObject: includeObject ? "Object" : undefined },
      TABLE_ACCEPT,
    );
    const page = asTable(answer, factory.process.now());
    table = table ? { ...table, rows: [...table.rows, ...page.rows] } : page;
    token = page.metadata?.continue || undefined;
  } while (token);
  return table;
}

/** What came as an object although a table was asked for is given the columns that kubectl itself knows. */
function asTable(answer: Table | KubeObject, now: number): Table {
  if (answer.kind === "Table") return answer as Table;
  const object = answer as KubeObject;
  const items = Array.isArray(object["items"]) ? (object["items"] as KubeObject[]) : [object];
  const column = (name: string, format = ""): Table["columnDefinitions"][number] => ({
    name,
    type: "string",
    format,
    description: "",
    priority: 0,
  });
  const isScale = object.kind === "Scale";
  const names = isScale ? ["Desired", "Available"] : [];
  return {
    kind: "Table",
    apiVersion: "meta.k8s.io/v1",
    metadata: object.metadata as Table["metadata"],
    columnDefinitions: [column("Name", "name"), ...names.map((name) => column(name)), column("Age")],
    rows: items.map((item) => ({
      cells: [
        item.metadata.name,
        ...(isScale ? [String(item["spec"]?.replicas ?? 0), String(item["status"]?.replicas ?? 0)] : []),
        humanDuration(now - (parseRfc3339(item.metadata.creationTimestamp ?? "") ?? now)),
      ],
      object: item,
    })),
  };
}

function* printTables(invocation: Get, factory: Factory, plans: readonly Plan[], options: TableOptions): Task<number> {
  const { flags: given, process } = invocation;
  const sortBy = given["sort-by"];
  const failures: AnyFailure[] = [];
  const fetched: Fetched[] = [];
  for (const plan of plans) {
    try {
      const table = yield* fetchTable(factory, plan, given, sortBy !== "");
      fetched.push({ plan, table });
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      if (given["ignore-not-found"] && error.isNotFound) continue;
      failures.push(
        plan.kind === "list"
          ? listFailure(error, plan.mapping, { labelSelector: plan.selector, fieldSelector: plan.fieldSelector })
          : error,
      );
    }
  }
  const sorted = sortBy === "" ? fetched : sortTables(fetched, sortBy);
  const kinds = new Set(fetched.map(({ plan }) => `${plan.mapping.kind}.${plan.mapping.group}`));
  const text = layOut(sorted, { ...options, withKind: options.withKind || kinds.size > 1 });
  yield* process.print(text);
  const isEmpty = sorted.every(({ table }) => table.rows.length === 0);
  if (isEmpty && failures.length === 0 && !(given["ignore-not-found"] && plans.some((plan) => plan.kind !== "list"))) {
    const allScoped = plans.some((plan) => plan.mapping.namespaced) && !given["all-namespaces"];
    yield* process.printError(
      allScoped ? `No resources found in ${factory.namespace} namespace.\n` : "No resources found\n",
    );
  }
  throwAll(failures);
  return 0;
}

function sortTables(fetched: readonly Fetched[], sortBy: string): readonly Fetched[] {
  const sortOne = ({ plan, table }: Fetched): Fetched => {
    const order = sortedOrder(
      table.rows.map((row) => row.object),
      sortBy,
    );
    return { plan, table: { ...table, rows: order.map((i) => table.rows[i]!) } };
  };
  if (fetched.length > 1) {
    // Tables of several kinds arrive without their objects, so that nothing can be found in them.
    const path = sortBy.startsWith("{") ? sortBy : `{${sortBy.startsWith(".") ? "" : "."}${sortBy}}`;
    if (fetched.some(({ table }) => table.rows.length > 0))
      fail(`couldn't find any field with path "${path}" in the list of objects`);
    return fetched;
  }
  try {
    return fetched.map(sortOne);
  } catch (error) {
    // A path that leads nowhere makes the list look empty.
    if (error instanceof CommandFailure) return [];
    throw error;
  }
}

/** Groups of one kind share a header; a blank line is between groups. */
function layOut(fetched: readonly Fetched[], options: TableOptions): string {
  let text = "";
  let last: ResourceMapping | undefined;
  let printer: TablePrinter | undefined;
  for (const { plan, table } of fetched) {
    if (table.rows.length === 0) continue;
    if (!printer || last !== plan.mapping) {
      if (text !== "") text += "\n";
      // Namespaces have no column where the kind has none.
      printer = new TablePrinter({ ...options, withNamespace: options.withNamespace && plan.mapping.namespaced });
      last = plan.mapping;
    }
    text += printer.print(table, plan.mapping);
  }
  return text;
}

// --- whole objects ------------------------------------------------------------------------------------------------

function* fetchObjects(factory: Factory, plan: Plan, given: Get["flags"]): Task<readonly KubeObject[]> {
  const { path, query } = request(plan, given);
  if (plan.kind !== "list") return [yield* factory.client.get<KubeObject>(path)];
  const items: KubeObject[] = [];
  let token: string | undefined;
  do {
    const page = yield* factory.client.get<KubeList>(path, { ...query, continue: token });
    items.push(...withKinds(page, plan.mapping).items);
    token = page.metadata?.continue || undefined;
  } while (token);
  return items;
}

function* printObjects(
  invocation: Get,
  factory: Factory,
  plans: readonly Plan[],
  printing: Extract<Printing, { kind: "columns" | "objects" }>,
): Task<number> {
  const { flags: given, process } = invocation;
  const failures: AnyFailure[] = [];
  let objects: KubeObject[] = [];
  for (const plan of plans) {
    try {
      objects.push(...(yield* fetchObjects(factory, plan, given)));
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      if (given["ignore-not-found"] && error.isNotFound) continue;
      failures.push(
        plan.kind === "list"
          ? listFailure(error, plan.mapping, { labelSelector: plan.selector, fieldSelector: plan.fieldSelector })
          : error,
      );
    }
  }
  const isSingle = plans.length === 1 && plans[0]!.kind !== "list";
  if (given["sort-by"] !== "" && !isSingle) objects = sortedOrder(objects, given["sort-by"]).map((i) => objects[i]!);
  if (printing.kind === "columns") {
    if (failures.length === 0 || objects.length > 0) yield* process.print(printing.columns.print(objects));
  } else if (printing.printer.perItem) {
    for (const object of objects) yield* process.print(printing.printer.print(object));
  } else if (isSingle) {
    if (objects[0]) yield* process.print(printing.printer.print(objects[0]));
  } else if (objects.length > 0 || failures.length === 0) yield* process.print(printing.printer.print(listOf(objects)));
  throwAll(failures);
  return 0;
}

/** The List that kubectl makes around several objects. */
const listOf = (items: readonly KubeObject[]): KubeObject =>
  ({ apiVersion: "v1", items, kind: "List", metadata: { resourceVersion: "" } }) as unknown as KubeObject;

// --- watch --------------------------------------------------------------------------------------------------------

function* watch(invocation: Get, factory: Factory, plans: readonly Plan[], printing: Printing): Task<number> {
  const { flags: given, process } = invocation;
  if (plans.length !== 1)
    fail("watch is only supported on individual resources and resource collections - more than 1 resource was found");
  const plan = plans[0]!;
  const { path } = request(plan, given);
  const listPath = resourcePath(plan.mapping, plan.namespace || undefined);
  const selectors =
    plan.kind === "list"
      ? { labelSelector: plan.selector, fieldSelector: plan.fieldSelector }
      : { fieldSelector: `metadata.name=${plan.name}` };
  const printEvents = given["output-watch-events"];
  let resourceVersion: string;
  let show: (type: string, object: unknown) => string;
  if (printing.kind === "table") {
    const printer = new TablePrinter({
      ...printing.options,
      withNamespace: printing.options.withNamespace && plan.mapping.namespaced,
    });
    const table = yield* fetchTable(factory, plan, given, false);
    resourceVersion = tableVersion(table, plan);
    if (!given["watch-only"] && table.rows.length > 0)
      yield* process.print(printer.print(table, plan.mapping, "ADDED"));
    // The event's table has no columns after the first one of the stream; the printer keeps those it has seen.
    show = (type, object) => printer.print(object as Table, plan.mapping, type);
  } else {
    const first = yield* factory.client.get<KubeObject>(path, selectorsOf(plan, selectors));
    const items = plan.kind === "list" ? withKinds(first as unknown as KubeList, plan.mapping).items : [first];
    resourceVersion = String(first.metadata?.resourceVersion ?? "");
    show = (type, object) =>
      printWatched(
        printing,
        object as KubeObject,
        plan.mapping,
        printEvents ? type : undefined,
        given["show-managed-fields"],
      );
    if (!given["watch-only"]) for (const item of items) yield* process.print(show("ADDED", item));
  }
  return yield* watchAndPrint(factory, {
    path: listPath,
    query: { ...selectors, resourceVersion },
    accept: printing.kind === "table" ? TABLE_ACCEPT : undefined,
    show,
  });
}

const selectorsOf = (plan: Plan, selectors: Record<string, string | undefined>): Record<string, string | undefined> =>
  plan.kind === "list" ? selectors : {};

function tableVersion(table: Table, plan: Plan): string {
  const own = table.metadata?.resourceVersion;
  if (plan.kind === "list" || own) return String(own ?? "");
  return String(table.rows[0]?.object?.metadata.resourceVersion ?? "");
}

function printWatched(
  printing: Extract<Printing, { kind: "columns" | "objects" }>,
  object: KubeObject,
  mapping: ResourceMapping,
  event: string | undefined,
  showManagedFields: boolean,
): string {
  const named = object.kind ? object : { ...object, apiVersion: apiVersionOf(mapping), kind: mapping.kind };
  if (printing.kind === "columns") return printing.columns.print([named]);
  if (event === undefined) return printing.printer.print(named);
  const inner = showManagedFields ? named : omitManagedFields(named);
  return printing.printer.print({ object: inner, type: event } as unknown as KubeObject);
}
