/** kubectl create job and kubectl create cronjob */
import { stringFlag } from "../../../../cli/flags";
import { defineCreateCommand } from "../../create-object";
import { fail } from "../../failure";
import { CRON_JOB, JOB } from "./made-kinds";

export const createJob = defineCreateCommand({
  use: "job NAME --image=image [--from=cronjob/name] -- [COMMAND] [args...]",
  short: "Create a job with the specified name",
  example:
    "  # Run a command once\n  kubectl create job hello --image=busybox -- echo hello\n  \n  # Run what a cron job would run\n  kubectl create job manual --from=cronjob/backup",
  made: JOB,
  failure: "failed to create job",
  flags: {
    from: stringFlag("", "The name of the resource to create a Job from (only cronjob is supported)."),
    image: stringFlag("", "Image name to run."),
  },
  *build({ flags, args }, name, factory) {
    if ((flags.image === "") === (flags.from === "")) fail("either --image or --from must be specified");
    const command = args.slice(1);
    if (command.length > 0 && flags.from !== "") fail("cannot specify --from and command");
    if (flags.from === "") {
      return {
        kind: "Job",
        apiVersion: "batch/v1",
        metadata: { name },
        spec: {
          template: {
            metadata: {},
            spec: { containers: [container(name, flags.image, command)], restartPolicy: "Never" },
          },
        },
        status: {},
      };
    }
    const [type = "", cronName] = flags.from.split("/");
    const mapping = (yield* factory.discovery()).forArgument(cronName === undefined ? "cronjobs" : type);
    if (mapping.kind !== "CronJob") fail("from must be an existing cronjob");
    const cron = yield* factory.client.get(
      `/apis/batch/v1/namespaces/${factory.namespace}/cronjobs/${cronName ?? type}`,
    );
    const template = cron["spec"].jobTemplate;
    return {
      kind: "Job",
      apiVersion: "batch/v1",
      metadata: {
        name,
        ...(template.metadata?.labels ? { labels: template.metadata.labels } : {}),
        annotations: { ...template.metadata?.annotations, "cronjob.kubernetes.io/instantiate": "manual" },
        ownerReferences: [
          {
            apiVersion: "batch/v1",
            kind: "CronJob",
            name: cron.metadata.name,
            uid: cron.metadata.uid,
            controller: true,
          },
        ],
      },
      spec: template.spec,
      status: {},
    };
  },
});

export const createCronJob = defineCreateCommand({
  use: "cronjob NAME --image=image --schedule='0/5 * * * ?' -- [COMMAND] [args...] [flags]",
  aliases: ["cj"],
  short: "Create a cron job with the specified name",
  made: CRON_JOB,
  failure: "failed to create cronjob",
  flags: {
    image: stringFlag("", "Image name to run.", { required: true }),
    restart: stringFlag("OnFailure", "job's restart policy. supported values: OnFailure, Never"),
    schedule: stringFlag("", "A schedule in the Cron format the job should be run with.", { required: true }),
  },
  *build({ flags, args }, name) {
    return {
      kind: "CronJob",
      apiVersion: "batch/v1",
      metadata: { name },
      spec: {
        schedule: flags.schedule,
        jobTemplate: {
          metadata: { name },
          spec: {
            template: {
              metadata: {},
              spec: { containers: [container(name, flags.image, args.slice(1))], restartPolicy: flags.restart },
            },
          },
        },
      },
      status: {},
    };
  },
});

const container = (name: string, image: string, command: readonly string[]): Record<string, unknown> => ({
  name,
  image,
  ...(command.length > 0 ? { command } : {}),
  resources: {},
});
