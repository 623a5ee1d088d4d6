/** docker.container: containers the engine holds now, with the properties a lesson cares about. */
import type { Observation } from "@/simulator";
import * as z from "zod/mini";
import { type Criterion, judge } from "../criteria";
import { both, defineCheck } from "../verdict";
import { countRange, countSchema } from "./count";

const schema = z.strictObject({
  kind: z.literal("docker.container"),
  name: z.optional(z.string()),
  /** Repository with or without a tag; without one any tag fits. */
  image: z.optional(z.string()),
  state: z.optional(z.enum(["running", "paused", "exited", "created", "restarting", "dead"])),
  /** `HOST:CONTAINER`, tcp. */
  publishes: z.optional(z.string().check(z.regex(/^\d+:\d+$/))),
  /** Memory limit in bytes, or with a unit: 512m. */
  memory: z.optional(z.string().check(z.regex(/^\d+[kmg]?$/))),
  /** CPU limit, in CPUs: 0.5 for --cpus 0.5 or --cpu-quota 50000. */
  cpus: z.optional(z.number().check(z.positive())),
  exitCode: z.optional(z.int()),
  env: z.optional(z.record(z.string(), z.string())),
  restartPolicy: z.optional(z.string()),
  network: z.optional(z.string()),
  oomKilled: z.optional(z.boolean()),
  count: countSchema,
});

type Inspect = {
  readonly Id: string;
  readonly Name: string;
  readonly Config: { readonly Image: string; readonly Env?: readonly string[] };
  readonly State: { readonly Status: string; readonly ExitCode: number; readonly OOMKilled?: boolean };
  readonly HostConfig: {
    readonly Memory?: number;
    readonly NanoCpus?: number;
    readonly CpuQuota?: number;
    readonly CpuPeriod?: number;
    readonly RestartPolicy?: { readonly Name?: string };
    readonly PortBindings?: Readonly<Record<string, readonly { readonly HostPort?: string }[] | null>> | null;
  };
  readonly NetworkSettings: {
    readonly Ports?: Readonly<Record<string, readonly { readonly HostPort: string }[] | null>> | null;
    readonly Networks?: Readonly<Record<string, unknown>>;
  };
};

export const dockerContainer = defineCheck({
  kind: "docker.container",
  schema,
  names: (check) => [check.name, check.image, check.publishes].filter((name) => name !== undefined),
  evaluate(check, observation) {
    const what = check.name
      ? both(`container \`${check.name}\``)
      : check.image
        ? { vi: `container từ image \`${check.image}\``, en: `container from image \`${check.image}\`` }
        : both("container");
    const all = containers(observation);
    return judge({
      candidates: all,
      criteria: criteria(check),
      what,
      count: countRange(check.count),
      none: { vi: "Chưa có container nào.", en: "There is no container yet." },
      look: "docker ps -a",
    });
  },
});

/** Every container, oldest first, as `docker inspect` tells it. */
function containers(observation: Observation): Inspect[] {
  const list = observation.docker({ method: "GET", path: "/containers/json", query: { all: ["1"] } });
  if (list?.status !== 200) return [];
  return (list.body as readonly { readonly Id: string }[])
    .map(({ Id }) => observation.docker({ method: "GET", path: `/containers/${Id}/json` }))
    .filter((answer) => answer?.status === 200)
    .map((answer) => answer!.body as unknown as Inspect)
    .reverse();
}

const shortName = (one: Inspect): string => one.Name.replace(/^\//, "");

export function imageFits(wanted: string, actual: string): boolean {
  const plain = (image: string): string => image.replace(/^docker\.io\/(library\/)?/, "");
  const bare = plain(actual);
  if (plain(wanted) === bare) return true;
  const tag = /:([^/:]+)$/.exec(wanted);
  if (tag) return tag[1] === "latest" && plain(wanted).slice(0, -":latest".length) === bare;
  return bare.replace(/[:@][^/]*$/, "") === plain(wanted);
}

function bytes(text: string): number {
  const unit = { k: 1024, m: 1024 ** 2, g: 1024 ** 3 }[text.at(-1) as "k" | "m" | "g"] ?? 1;
  return Number.parseInt(text, 10) * unit;
}

function publishedPorts(one: Inspect): string[] {
  const ports = Object.entries(one.NetworkSettings.Ports ?? {}).flatMap(([port, bindings]) =>
    (bindings ?? []).map(({ HostPort }) => `${HostPort}:${port.replace(/\/tcp$/, "")}`),
  );
  // A container that is not running keeps its wish in HostConfig.
  const wished = Object.entries(one.HostConfig.PortBindings ?? {}).flatMap(([port, bindings]) =>
    (bindings ?? []).map(({ HostPort }) => `${HostPort ?? ""}:${port.replace(/\/tcp$/, "")}`),
  );
  return [...new Set(ports.length > 0 ? ports : wished)];
}

function cpus(one: Inspect): number | undefined {
  const { NanoCpus, CpuQuota, CpuPeriod } = one.HostConfig;
  if (NanoCpus) return NanoCpus / 1e9;
  if (CpuQuota) return CpuQuota / (CpuPeriod || 100_000);
  return undefined;
}

function criteria(check: z.infer<typeof schema>): Criterion<Inspect>[] {
  const list: Criterion<Inspect>[] = [];
  const inspect = (one: Inspect): string => `docker inspect ${shortName(one)}`;
  const add = (criterion: Criterion<Inspect>): void => void list.push(criterion);

  if (check.image !== undefined) {
    const { image } = check;
    add({
      matches: (one) => imageFits(image, one.Config.Image),
      expected: check.name
        ? { vi: `tạo từ image \`${image}\``, en: `made from image \`${image}\`` }
        : { vi: "", en: "" },
      found: (one) => ({
        vi: `Container \`${shortName(one)}\` được tạo từ image \`${one.Config.Image}\`.`,
        en: `Container \`${shortName(one)}\` was made from image \`${one.Config.Image}\`.`,
      }),
      look: () => "docker ps -a",
    });
  }
  if (check.name !== undefined) {
    const { name } = check;
    add({
      matches: (one) => shortName(one) === name,
      expected: { vi: "", en: "" },
      found: (one) => ({
        vi: `Chưa có container tên \`${name}\`; gần nhất là \`${shortName(one)}\`.`,
        en: `No container is called \`${name}\`; the nearest is \`${shortName(one)}\`.`,
      }),
      look: () => "docker ps -a",
    });
  }
  if (check.publishes !== undefined) {
    const { publishes } = check;
    const [host, inside] = publishes.split(":");
    add({
      matches: (one) => publishedPorts(one).includes(publishes),
      expected: {
        vi: `có cổng ${host} của máy nối vào cổng ${inside} trong container`,
        en: `with port ${host} of the machine published to port ${inside} in the container`,
      },
      found: (one) => {
        const ports = publishedPorts(one).map((port) => `\`${port}\``);
        return ports.length === 0
          ? {
              vi: `Container \`${shortName(one)}\` không mở cổng nào ra ngoài.`,
              en: `Container \`${shortName(one)}\` publishes no port.`,
            }
          : {
              vi: `Container \`${shortName(one)}\` đang nối ${ports.join(", ")}.`,
              en: `Container \`${shortName(one)}\` publishes ${ports.join(", ")}.`,
            };
      },
      look: (one) => `docker port ${shortName(one)}`,
    });
  }
  if (check.state !== undefined) {
    const { state } = check;
    add({
      matches: (one) => one.State.Status === state,
      expected: { vi: `ở trạng thái \`${state}\``, en: `in state \`${state}\`` },
      found: (one) => ({
        vi: `Container \`${shortName(one)}\` đang ở trạng thái \`${one.State.Status}\`.`,
        en: `Container \`${shortName(one)}\` is in state \`${one.State.Status}\`.`,
      }),
      look: () => "docker ps -a",
    });
  }
  if (check.exitCode !== undefined) {
    const { exitCode } = check;
    add({
      matches: (one) => one.State.Status === "exited" && one.State.ExitCode === exitCode,
      expected: { vi: `kết thúc với mã thoát ${exitCode}`, en: `ended with exit code ${exitCode}` },
      found: (one) => ({
        vi: `Container \`${shortName(one)}\`: trạng thái \`${one.State.Status}\`, mã thoát ${one.State.ExitCode}.`,
        en: `Container \`${shortName(one)}\`: state \`${one.State.Status}\`, exit code ${one.State.ExitCode}.`,
      }),
      look: () => "docker ps -a",
    });
  }
  if (check.memory !== undefined) {
    const limit = bytes(check.memory);
    add({
      matches: (one) => one.HostConfig.Memory === limit,
      expected: { vi: `giới hạn bộ nhớ ${check.memory}`, en: `with a memory limit of ${check.memory}` },
      found: (one) => {
        const now = one.HostConfig.Memory;
        return now
          ? {
              vi: `Container \`${shortName(one)}\` có giới hạn ${now / 1024 ** 2} MiB.`,
              en: `Container \`${shortName(one)}\` has a limit of ${now / 1024 ** 2} MiB.`,
            }
          : {
              vi: `Container \`${shortName(one)}\` không có giới hạn bộ nhớ.`,
              en: `Container \`${shortName(one)}\` has no memory limit.`,
            };
      },
      look: inspect,
    });
  }
  if (check.cpus !== undefined) {
    const limit = check.cpus;
    add({
      matches: (one) => cpus(one) === limit,
      expected: { vi: `giới hạn ${limit} CPU`, en: `limited to ${limit} CPU` },
      found: (one) => {
        const now = cpus(one);
        return now === undefined
          ? {
              vi: `Container \`${shortName(one)}\` không có giới hạn CPU.`,
              en: `Container \`${shortName(one)}\` has no CPU limit.`,
            }
          : {
              vi: `Container \`${shortName(one)}\` được ${now} CPU.`,
              en: `Container \`${shortName(one)}\` may use ${now} CPU.`,
            };
      },
      look: inspect,
    });
  }
  for (const [key, value] of Object.entries(check.env ?? {})) {
    add({
      matches: (one) => one.Config.Env?.includes(`${key}=${value}`) ?? false,
      expected: { vi: `có biến môi trường \`${key}=${value}\``, en: `with environment variable \`${key}=${value}\`` },
      found: (one) => {
        const now = one.Config.Env?.find((entry) => entry.startsWith(`${key}=`));
        return now
          ? {
              vi: `Container \`${shortName(one)}\` có \`${now}\`.`,
              en: `Container \`${shortName(one)}\` has \`${now}\`.`,
            }
          : {
              vi: `Container \`${shortName(one)}\` không có biến \`${key}\`.`,
              en: `Container \`${shortName(one)}\` has no variable \`${key}\`.`,
            };
      },
      look: inspect,
    });
  }
  if (check.restartPolicy !== undefined) {
    const policy = check.restartPolicy;
    add({
      matches: (one) => (one.HostConfig.RestartPolicy?.Name || "no") === policy,
      expected: { vi: `có restart policy \`${policy}\``, en: `with restart policy \`${policy}\`` },
      found: (one) => both(`\`${shortName(one)}\`: restart policy \`${one.HostConfig.RestartPolicy?.Name || "no"}\`.`),
      look: inspect,
    });
  }
  if (check.network !== undefined) {
    const network = check.network;
    add({
      matches: (one) => network in (one.NetworkSettings.Networks ?? {}),
      expected: { vi: `nối vào network \`${network}\``, en: `on network \`${network}\`` },
      found: (one) =>
        both(`\`${shortName(one)}\`: ${Object.keys(one.NetworkSettings.Networks ?? {}).join(", ") || "–"}.`),
      look: inspect,
    });
  }
  if (check.oomKilled !== undefined) {
    const wanted = check.oomKilled;
    add({
      matches: (one) => (one.State.OOMKilled ?? false) === wanted,
      expected: wanted
        ? { vi: "bị kernel dừng vì hết bộ nhớ (OOMKilled)", en: "killed for running out of memory (OOMKilled)" }
        : { vi: "không bị OOMKilled", en: "not OOMKilled" },
      found: (one) => both(`\`${shortName(one)}\`: OOMKilled=${one.State.OOMKilled ?? false}.`),
      look: inspect,
    });
  }
  return list;
}
