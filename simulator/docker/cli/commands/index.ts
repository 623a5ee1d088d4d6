/** The shelf of docker commands: top-level ones in the order of help pages, then groups. */
import { alias, docker, type DockerCommand } from "../run-command";
import { buildx } from "./builder/buildx";
import { classicBuild } from "./builder/classic";
import { compose } from "./compose";
import { attach } from "./container/attach";
import { create } from "./container/create";
import { kill, pause, restart, rm, stop, unpause, wait } from "./container/each";
import { exec } from "./container/exec";
import { cp, exportContainer } from "./container/files";
import { inspect, inspectContainer, inspectImage } from "./container/inspect";
import { logs } from "./container/logs";
import { commit, diff, port, prune, rename, top, update } from "./container/more";
import { ps } from "./container/ps";
import { run } from "./container/run";
import { start } from "./container/start";
import { stats } from "./container/stats";
import { imageLs } from "./image/ls";
import { history, importImage, imagePrune, load, pull, push, rmi, save, tag } from "./image/more";
import { network } from "./network";
import { context } from "./context";
import { df } from "./system/df";
import { info } from "./system/info";
import { events, login, logout, search, systemPrune } from "./system/more";
import { version } from "./system/version";
import { manifest } from "./manifest";
import { swarmCommands } from "./swarm";
import { volume } from "./volume";

const COMMON = "Common Commands";
const MANAGEMENT = "Management Commands";

const container = docker({
  use: "container",
  short: "Manage containers",
  group: MANAGEMENT,
  commands: [
    attach,
    commit,
    cp,
    create,
    diff,
    exec,
    exportContainer,
    inspectContainer,
    kill,
    logs,
    ps,
    pause,
    port,
    prune,
    rename,
    restart,
    rm,
    run,
    start,
    stats,
    stop,
    top,
    unpause,
    update,
    wait,
  ],
});

const builder = docker({
  use: "builder",
  short: "Manage builds",
  group: MANAGEMENT,
  commands: [classicBuild, ...buildx.commands.filter((each) => each.use === "prune")],
});

const image = docker({
  use: "image",
  short: "Manage images",
  group: MANAGEMENT,
  commands: [classicBuild, history, importImage, inspectImage, load, imageLs, imagePrune, pull, push, rmi, save, tag],
});

const system = docker({
  use: "system",
  short: "Manage Docker",
  group: MANAGEMENT,
  commands: [df, events, info, systemPrune],
});

const common = (command: DockerCommand): DockerCommand => ({ ...command, group: COMMON });

export const commands: readonly DockerCommand[] = [
  common(run),
  common(exec),
  common(alias(ps, "ps", { aliases: ["docker container ls, docker container list, docker container ps, docker ps"] })),
  common(classicBuild),
  common(pull),
  common(push),
  common(alias(imageLs, "images", { aliases: ["docker image ls, docker image list, docker images"] })),
  common(login),
  common(logout),
  common(search),
  common(version),
  common(info),
  builder,
  buildx,
  compose,
  container,
  image,
  { ...network, group: MANAGEMENT },
  { ...context, group: MANAGEMENT },
  manifest,
  ...swarmCommands,
  system,
  { ...volume, group: MANAGEMENT },
  attach,
  commit,
  cp,
  create,
  diff,
  events,
  exportContainer,
  history,
  importImage,
  inspect,
  kill,
  load,
  logs,
  pause,
  port,
  rename,
  restart,
  rm,
  alias(rmi, "rmi", { aliases: ["docker image rm, docker image remove, docker rmi"] }),
  save,
  start,
  stats,
  stop,
  tag,
  top,
  unpause,
  update,
  wait,
];
