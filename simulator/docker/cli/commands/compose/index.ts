/** docker compose: the shelf of its commands. */
import { docker } from "../../run-command";
import { projectFlags } from "./command";
import { build, config, pull, push, stats, version } from "./config";
import { down, kill, pause, restart, rm, stop, unpause } from "./down";
import { images, logs, ls, port, ps, top } from "./list";
import { cp, exec, run } from "./run";
import { create, scale, start, up } from "./up";

export { projectFlags };

export const compose = docker({
  use: "compose",
  short: "Define and run multi-container applications with Docker",
  group: "Management Commands",
  flags: projectFlags,
  commands: [
    build,
    config,
    cp,
    create,
    down,
    exec,
    images,
    kill,
    logs,
    ls,
    pause,
    port,
    ps,
    pull,
    push,
    restart,
    rm,
    run,
    scale,
    start,
    stats,
    stop,
    top,
    unpause,
    up,
    version,
  ],
});
