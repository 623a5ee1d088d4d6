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
  "alpine:latest",
  "alpine:3.22",
  "busybox:latest",
  "busybox:1.37",
  "debian:trixie-slim",
  "hello-world:latest",
  "nginx:latest",
  "redis:latest",
  "in28min/hello-world-rest-api:0.0.2.RELEASE",
  "in28min/hello-world-rest-api:0.0.1.RELEASE",
  "minhta/hello-world-rest-api:0.0.1.RELEASE",
];

/** The application that builds of the recorded machine copy: its size shows in layers, contexts and images. */
const SERVER_BYTES = 821_992;

/**
 * The machine on which the real Docker Engine was recorded. It is offline: no name server answers, Docker Hub's names
 * lead to a stand-in by /etc/hosts, and a registry listens on its own port 5000.
 */
export const recordedDocker: Scenario = {
  ...laptop,
  name: "recorded-docker",
  description: "the machine of the Docker recordings",
  hostname: "docker-host",
  memoryBytes: 25_276_502_016,
  kernelRelease: "6.18.44-fc-v669",
  // Its busybox and alpine images were made from Debian's busybox-static.
  // The recorded project's folder had this name; here it is /root/lab, as the recordings show its path.
  standIns: { busybox: "busybox-debian" },
  environment: { COMPOSE_PROJECT_NAME: "compose" },
  docker: {},
  prepare(world) {
    const { laptop: host } = world;
    world.preloadImages(RECORDED_IMAGES);
    world.rememberPushes({
      "127.0.0.1:5000/team/app": "busybox",
      "127.0.0.1:5000/team/redis": "redis",
      "alice/demo": "busybox",
    });
    host.writeFile("/etc/resolv.conf", "nameserver 127.0.0.1\n");
    host.writeFile(
      "/etc/hosts",
      "127.0.0.1\tlocalhost\n127.0.1.1\tdocker-host\n127.0.0.1\tregistry-1.docker.io index.docker.io auth.docker.io\n",
    );
    host.mounts.makeDirs("/root/files");
    host.mounts.writeFile(
      "/root/files/server-V1",
      encodeUtf8(executable("rest-api", "V1".repeat(SERVER_BYTES / 2)).slice(0, SERVER_BYTES)),
      { mode: 0o755 },
    );
    world.serveRegistry("127.0.0.1:5000");
  },
};
