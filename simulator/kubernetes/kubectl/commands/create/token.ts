/** kubectl create token */
import { durationFlag, stringArrayFlag, stringFlag } from "../../../../cli/flags";
import type { KubeObject } from "../../../apimachinery/object";
import { nameArgument } from "../../create-object";
import { ApiFailure, CommandFailure, fail } from "../../failure";
import { defineKubectlCommand, factoryOf } from "../../kubectl-command";
import { outputRequest, printFlags, printerFor } from "../../output";

export const createToken = defineKubectlCommand({
  use: "token SERVICE_ACCOUNT_NAME",
  short: "Request a service account token",
  flags: {
    ...printFlags,
    audience: stringArrayFlag(
      [],
      "Audience of the requested token. If unset, defaults to requesting a token for use with the Kubernetes API server. May be repeated to request a token valid for multiple audiences.",
    ),
    "bound-object-kind": stringFlag("", "Kind of an object to bind the token to."),
    "bound-object-name": stringFlag(
      "",
      "Name of an object to bind the token to. The token will expire when the object is deleted. Requires --bound-object-kind.",
    ),
    "bound-object-uid": stringFlag("", "UID of an object to bind the token to."),
    duration: durationFlag(
      0,
      "Requested lifetime of the issued token. If not set or if set to 0, the lifetime will be determined by the server automatically. The server may return a token with a longer or shorter lifetime.",
    ),
  },
  *run(invocation) {
    const { flags, process, allFlags } = invocation;
    const factory = factoryOf(invocation);
    const name = nameArgument(invocation);
    if (flags.duration < 0) fail("--duration must be greater than or equal to 0");
    if (flags.duration % 1000 !== 0) fail("--duration cannot be expressed in units less than seconds");
    const printer = printerFor(process, outputRequest(allFlags));
    const request = {
      kind: "TokenRequest",
      apiVersion: "authentication.k8s.io/v1",
      metadata: {},
      spec: {
        audiences: flags.audience.length > 0 ? flags.audience : null,
        ...(flags.duration > 0 ? { expirationSeconds: flags.duration / 1000 } : {}),
        ...(flags["bound-object-kind"]
          ? {
              boundObjectRef: {
                kind: flags["bound-object-kind"],
                apiVersion: "v1",
                name: flags["bound-object-name"],
                uid: flags["bound-object-uid"],
              },
            }
          : {}),
      },
    };
    let answer: KubeObject;
    try {
      answer = yield* factory.client.json<KubeObject>(
        "POST",
        `/api/v1/namespaces/${factory.namespace}/serviceaccounts/${name}/token`,
        { body: request },
      );
    } catch (error) {
      if (error instanceof ApiFailure) throw new CommandFailure(`failed to create token: ${error.message}`);
      throw error;
    }
    if (printer) yield* process.print(printer.print(answer));
    else {
      // A newline follows only on a terminal, so that `TOKEN=$(kubectl create token …)` is exact either way.
      yield* process.print(answer["status"].token + (process.ttyOf(1) ? "\n" : ""));
    }
    return 0;
  },
});
