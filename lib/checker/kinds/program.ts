/** program: a program was run on the laptop or a node for looking around that leaves no other trace (crictl, iptables-save). */
import * as z from "zod/mini";
import { defineCheck, met, unmet } from "../verdict";

const schema = z.strictObject({
  kind: z.literal("program"),
  /** Any of these, by the name of the executable. */
  program: z.union([z.string(), z.array(z.string()).check(z.minLength(1))]),
  /** One of the arguments must be one of these (`save`, or `--rev` for `--rev=5`): the tool's subcommand. Absent: any. */
  uses: z.optional(z.union([z.string(), z.array(z.string()).check(z.minLength(1))])),
  /** How it ended: with exit code 0, with another, or either (what is watched until Ctrl-C). */
  ended: z._default(z.enum(["well", "badly", "anyhow"]), "well"),
  /** A machine's name; absent: any node of the cluster. */
  host: z.optional(z.string()),
  count: z._default(z.int().check(z.positive()), 1),
  /** What running it does, in words; and a command that shows the subject. */
  means: z.strictObject({ vi: z.string(), en: z.string() }),
  look: z.string(),
});

const list = (value: string | readonly string[]): readonly string[] => (typeof value === "string" ? [value] : value);
const baseName = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

export const program = defineCheck({
  kind: "program",
  schema,
  names: (check) => (check.host === undefined ? [] : [check.host]),
  evaluate(check, observation) {
    const names = list(check.program);
    const runs = observation.programs().filter((run) => names.includes(baseName(run.argv[0] ?? "")));
    const isRight = (host: string): boolean =>
      check.host === undefined ? observation.node(host) !== undefined : host === check.host;
    const uses = list(check.uses ?? []);
    const fits = runs.filter(
      (run) =>
        isRight(run.host) &&
        (check.uses === undefined ||
          run.argv.slice(1).some((argument) => uses.includes(argument) || uses.includes(argument.replace(/=.*$/, "")))),
    );
    const good = fits.filter((run) => check.ended === "anyhow" || (run.exitCode === 0) === (check.ended === "well"));
    if (good.length >= check.count) return met;
    const elsewhere = runs.find((run) => !isRight(run.host));
    const failed = fits.at(-1);
    const found =
      good.length > 0
        ? {
            vi: `Mới chạy ${good.length} trên ${check.count} lần.`,
            en: `Run ${good.length} of ${check.count} times so far.`,
          }
        : failed
          ? {
              vi: `\`${names[0]}\` đã chạy nhưng kết thúc với mã thoát ${failed.exitCode}.`,
              en: `\`${names[0]}\` was run but ended with exit code ${failed.exitCode}.`,
            }
          : elsewhere
            ? {
                vi: `\`${names[0]}\` mới chạy trên máy \`${elsewhere.host}\`.`,
                en: `\`${names[0]}\` has only been run on machine \`${elsewhere.host}\`.`,
              }
            : { vi: "Chưa có lần chạy nào như vậy.", en: "It has not been run like that yet." };
    return unmet(check.means, found, check.look);
  },
});
