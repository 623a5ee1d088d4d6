/** What Tab offers for kubectl: types, and names of objects asked from the server. */
import type { Task } from "../../base/task";
import type { Completion, CompletionRequest } from "../../cli/command";
import { isFailure } from "./failure";
import type { Factory } from "./factory";
import type { KubectlContext } from "./kubectl-command";
import { listObjects } from "./targets";

type Request = CompletionRequest<KubectlContext>;

/** TYPE, TYPE/NAME, then names of that type. */
export function* completeResources(request: Request): Task<Completion> {
  return yield* quietly(request, function* (factory) {
    const discovery = yield* factory.discovery();
    const { args, toComplete } = request;
    if (args.length === 0 && !toComplete.includes("/")) {
      const types = discovery.preferredResources().filter((each) => each.verbs.includes("get"));
      const names = types.map((each) =>
        each.group && ambiguous(types, each.resource) ? `${each.resource}.${each.group}` : each.resource,
      );
      return { candidates: names.sort() };
    }
    const slash = toComplete.indexOf("/");
    const type = slash >= 0 ? toComplete.slice(0, slash) : args[0]!;
    const names = yield* namesOf(factory, type);
    return {
      candidates: names.filter((name) => !args.includes(name)).map((name) => (slash >= 0 ? `${type}/${name}` : name)),
    };
  });
}

/** Names of one type: `logs POD`, `exec POD`. */
export const completeNames =
  (type: string) =>
  (request: Request): Task<Completion> =>
    quietly(request, function* (factory) {
      return { candidates: request.args.length === 0 ? yield* namesOf(factory, type) : [] };
    });

const ambiguous = (types: readonly { readonly resource: string }[], name: string): boolean =>
  types.findIndex((each) => each.resource === name) !== types.findLastIndex((each) => each.resource === name);

function* namesOf(factory: Factory, type: string): Task<string[]> {
  const mapping = (yield* factory.discovery()).forArgument(type);
  const list = yield* listObjects(factory, mapping, mapping.namespaced ? factory.namespace : "");
  return list.items.map((item) => item.metadata.name);
}

/** Completion never complains: without an answer there are no candidates. */
function* quietly(request: Request, find: (factory: Factory) => Task<Completion>): Task<Completion> {
  try {
    return yield* find(request.context.factoryFor(request));
  } catch (error) {
    if (isFailure(error)) return { candidates: [] };
    throw error;
  }
}
