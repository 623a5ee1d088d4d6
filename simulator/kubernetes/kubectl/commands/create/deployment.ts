/** kubectl create deployment */
import { int32Flag, stringSliceFlag } from "../../../../cli/flags";
import { defineCreateCommand } from "../../create-object";
import { fail } from "../../failure";
import { DEPLOYMENT } from "./made-kinds";

export const createDeployment = defineCreateCommand({
  use: "deployment NAME --image=image -- [COMMAND] [args...]",
  aliases: ["deploy"],
  short: "Create a deployment with the specified name",
  example:
    "  # A deployment that runs nginx\n  kubectl create deployment web --image=nginx\n  \n  # With three replicas\n  kubectl create deployment web --image=nginx --replicas=3",
  made: DEPLOYMENT,
  failure: "failed to create deployment",
  flags: {
    image: stringSliceFlag(
      [],
      "Image names to run. A deployment can have multiple images set for multi-container pod.",
      { required: true },
    ),
    port: int32Flag(-1, "The containerPort that this deployment exposes."),
    replicas: int32Flag(1, "Number of replicas to create. Default is 1.", { shorthand: "r" }),
  },
  *build({ flags, args, argsLenAtDash }, name, { process }) {
    const command = argsLenAtDash >= 0 ? args.slice(argsLenAtDash) : args.slice(1);
    if (flags.image.length > 1 && command.length > 0) fail("cannot specify multiple --image options and command");
    const labels = { app: name };
    const random = process.kernel.random.stream("kubectl");
    return {
      kind: "Deployment",
      apiVersion: "apps/v1",
      metadata: { name, labels },
      spec: {
        replicas: flags.replicas,
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            containers: flags.image.map((image) => ({
              name: containerName(image, () => random.suffix(5)),
              image,
              ...(command.length > 0 ? { command } : {}),
              ...(flags.port >= 0 ? { ports: [{ containerPort: flags.port }] } : {}),
              resources: {},
            })),
          },
        },
        strategy: {},
      },
      status: {},
    };
  },
});

/** The image's last word; where characters had to be replaced, a suffix keeps names apart. */
function containerName(image: string, suffix: () => string): string {
  const name = image
    .slice(image.lastIndexOf("/") + 1)
    .split(":")[0]!
    .split("@")[0]!;
  return /[_.]/.test(name) ? `${name.replace(/[_.]/g, "-")}-${suffix()}` : name;
}
