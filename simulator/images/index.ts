/** The shelf: what the registries of this world hold, and the programs that the images' files are. */
import { type Registries, Registry } from "../containerd/registry";
import { parseReference } from "../containerd/reference";
import type { Image } from "../containerd/api";
import { Part } from "../base/part";
import { laterProgram } from "../os/later";
import type { Program } from "../os/process";
import { alpine, busybox, debian, ubuntu } from "./bases";
import { databaseImages } from "./database-images";
import { faultyImages, faultyPrograms } from "./faulty";
import { helloProgram, helloWorld } from "./hello-world";
import type { ImageDefinition } from "./image";
import { languageImages } from "./language-images";
import { nginxImages, recordedNginx } from "./nginx-images";
import { redis } from "./redis-image";
import { restApiImages, restApiPrograms, smallBusybox, smallRestApiImages } from "./rest-api";
import type * as servers from "./servers";
import { pauseImage as pause, smallServerImages, smallServerPrograms } from "./small-servers";
import { toolImages, toolPrograms } from "./tools";

export { defineImage, type ImageDefinition } from "./image";

/** Every image of the course's own worlds. Adding an image edits this list and nothing else. */
export const images: readonly ImageDefinition[] = [
  busybox,
  alpine,
  debian,
  ubuntu,
  helloWorld,
  ...nginxImages,
  redis,
  ...restApiImages,
  ...databaseImages,
  ...smallServerImages,
  ...languageImages,
  ...toolImages,
  ...faultyImages,
  pause,
];

/** The code of the programs that a page may load later; parts/servers.ts provides it. */
export const imageServers = new Part<typeof servers>("servers");

const later = (name: Exclude<keyof typeof servers, `${string}Programs`>): Program =>
  laterProgram(imageServers, (code) => code[name]);

/** Those of them that the part keeps in a map. */
const mapped = (shelf: "databasePrograms" | "languagePrograms", names: readonly string[]): [string, Program][] =>
  names.map((name) => [name, laterProgram(imageServers, (code) => code[shelf].get(name)!)]);

/** Programs by the name that executable files carry. */
export const imagePrograms: ReadonlyMap<string, Program> = new Map<string, Program>([
  ["hello", helloProgram],
  ["apk", later("apk")],
  ["apt-get", later("aptGet")],
  ["nginx", later("nginx")],
  ["npm", later("npm")],
  ["pip", later("pip")],
  ["redis-cli", later("redisCli")],
  ["redis-server", later("redisServer")],
  ...restApiPrograms,
  ...mapped("databasePrograms", [
    "postgres",
    "mysqld",
    "mongod",
    "pg_isready",
    "mysqladmin",
    "psql",
    "mysql",
    "mongosh",
  ]),
  ...smallServerPrograms,
  ...mapped("languagePrograms", ["node", "python3"]),
  ...toolPrograms,
  ...faultyPrograms,
]);

/** The image of pod sandboxes. */
export const pauseImage: Image = pause.image();

/** Worlds that were recorded know fewer images than the course's. */
export type CatalogueName = "course" | "recorded-docker" | "recorded-kubernetes";

const recordedDocker: readonly ImageDefinition[] = [
  { ...busybox, tags: ["latest", "1.37"] },
  { ...alpine, tags: ["latest", "3.22"] },
  { ...debian, tags: ["trixie-slim"] },
  helloWorld,
  recordedNginx,
  { ...redis, tags: ["latest", "8.0"] },
  ...restApiImages,
  pause,
];

/** The same image, of which a registry sends so many bytes: the last layer has what those below it leave. */
function weighing(definition: ImageDefinition, bytes: number): ImageDefinition {
  let made: Image | undefined;
  const weigh = (image: Image): Image => {
    let left = bytes;
    const layers = image.layers.map((layer, i) => {
      const compressedSize = i === image.layers.length - 1 ? left : Math.min(layer.compressedSize, left);
      left -= compressedSize;
      return { ...layer, compressedSize };
    });
    return { ...image, layers };
  };
  return { ...definition, image: () => (made ??= weigh(definition.image())) };
}

/** Stand-ins, as small as those of the recorded machines. One image has all of nginx's tags there. */
const recordedKubernetes: readonly ImageDefinition[] = [
  weighing(smallBusybox, 1_037_097),
  weighing({ ...nginxImages[0]!, tags: ["latest", "1.25", "1.24", "1.14.2", "1.16.1", "alpine"] }, 1_037_239),
  ...smallRestApiImages.map((each) =>
    weighing(
      each,
      each.tags[0] === "0.0.2.RELEASE" ? 3_466_138 : each.tags[0] === "0.0.1.RELEASE" ? 3_466_134 : 3_466_131,
    ),
  ),
  weighing(pause, 641_241),
];

const catalogues: Readonly<Record<CatalogueName, readonly ImageDefinition[]>> = {
  course: images,
  "recorded-docker": recordedDocker,
  "recorded-kubernetes": recordedKubernetes,
};

/** Registries that the course's images come from, and those that lessons name; a private one on the laptop itself. */
const DOMAINS = ["docker.io", "registry.k8s.io", "quay.io", "ghcr.io", "gcr.io", "mcr.microsoft.com", "public.ecr.aws"];

/**
 * Fills registries with a catalogue. Any scenario's name may be given: those without a catalogue of their own get the
 * course's.
 */
export function publishImages(registries: Registries, scenario = "course"): void {
  const name: CatalogueName = scenario in catalogues ? (scenario as CatalogueName) : "course";
  for (const domain of DOMAINS)
    if (!registries.get(domain))
      registries.add(
        new Registry({
          domain,
          ...(name === "recorded-kubernetes" ? { unknownRepository: "not-found" as const } : {}),
          ...(name === "course" ? {} : { latencyMs: 20, bytesPerSecond: 400_000_000 }),
        }),
      );
  const hub = registries.get("docker.io")!;
  hub.addUser("alice", "secret");
  const mirror = new Registry({
    domain: "127.0.0.1:5000",
    latencyMs: 5,
    bytesPerSecond: 200_000_000,
    anonymousPush: true,
  });
  if (name === "recorded-docker") {
    registries.add(mirror);
    // What was pushed there before the recordings began.
    mirror.putLazy("team/app", "v1", () => busybox.image());
    mirror.putLazy("team/redis", "v1", () => redis.image());
    hub.putLazy("alice/demo", "1", () => busybox.image());
  }
  for (const definition of catalogues[name]) {
    const reference = parseReference(definition.repository);
    if (!reference.ok) throw new Error(`${definition.repository}: ${reference.error}`);
    const { domain, path } = reference.value;
    const registry = registries.get(domain)!;
    for (const tag of definition.tags) {
      registry.putLazy(path, tag, () => definition.image());
      if (name === "recorded-docker" && domain === "docker.io") mirror.putLazy(path, tag, () => definition.image());
    }
    if (definition.description !== undefined && domain === "docker.io")
      registry.describe({
        name: definition.repository,
        description: definition.description,
        star_count: definition.stars ?? 0,
        is_official: !definition.repository.includes("/"),
      });
  }
}
