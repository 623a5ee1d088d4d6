/** Worlds with a Docker engine on the laptop. */
import { encodeUtf8 } from "../../base/bytes";
import { executable } from "../../os/kernel";
import { type Scenario, laptop } from "./scenario";

const modern = {
  version: "28.5.2",
  operatingSystem: "Debian GNU/Linux 12 (bookworm)",
  cgroupVersion: "2",
  cgroupDriver: "systemd",
  containerdVersion: "v2.1.5",
  runcVersion: "1.3.3",
  runcCommit: "v1.3.3-0-gd842d771",
} as const;

/** The course's laptop: a Docker engine with nothing in it yet. */
export const docker: Scenario = {
  ...laptop,
  name: "docker",
  description: "a laptop with a Docker engine; no images, no containers",
  docker: { facts: modern },
};

/** What was on the recorded machine, in the order in which it was pulled: oldest first. */
const RECORDED_IMAGES = [
  "busybox:latest",
  "busybox:1.37",
  "alpine:latest",
  "alpine:3.22",
  "debian:trixie-slim",
  "hello-world:latest",
  "nginx:latest",
  "redis:latest",
  "in28min/hello-world-rest-api:0.0.2.RELEASE",
  "in28min/hello-world-rest-api:0.0.1.RELEASE",
  "minhta/hello-world-rest-api:0.0.1.RELEASE",
];

/** The machine on which the real Docker Engine was recorded. */
export const recordedDocker: Scenario = {
  ...laptop,
  name: "recorded-docker",
  description: "the machine of the Docker recordings",
  hostname: "docker-host",
  memoryBytes: 25_278_502_092,
  docker: {},
  prepare(world) {
    world.preloadImages(RECORDED_IMAGES);
    world.laptop.mounts.makeDirs("/root/files");
    world.laptop.mounts.writeFile("/root/files/server-V1", encodeUtf8(executable("rest-api", "V1".repeat(200))), {
      mode: 0o755,
    });
  },
};
