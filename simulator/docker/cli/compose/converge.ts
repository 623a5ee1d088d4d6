/** From what is there to what the project asks for: networks, volumes, containers; and back down. */
import { Deferred, suspend, type Task } from "../../../base/task";
import { configHash, containerBody, containerName, imageOf, label, networkBody, volumeBody } from "./bodies";
import {
  ComposeFailure,
  containersOf,
  isRunning,
  must,
  nameOf,
  numberOf,
  type OwnContainer,
  serviceOf,
  type Session,
  together,
  warn,
} from "./session";
import { dependenciesOf, type Project, type ServiceConfig, usersOf } from "./types";

export interface UpOptions {
  readonly scale: Readonly<Record<string, number>>;
  readonly forceRecreate: boolean;
  readonly noRecreate: boolean;
  readonly removeOrphans: boolean;
  readonly timeout: number | undefined;
  readonly renewVolumes?: boolean;
}

export const isOrphan = (project: Project, container: OwnContainer): boolean =>
  !(serviceOf(container) in project.services) && !(serviceOf(container) in project.disabled);

export function* ensureNetworks(session: Session, names: readonly string[]): Task<void> {
  const { client, project, progress } = session;
  const used = new Set(names.flatMap((name) => Object.keys(project.services[name]!.networks ?? {})));
  yield* together(
    client,
    [...used].sort().map(
      (key) =>
        function* (): Task<void> {
          const network = project.networks[key]!;
          const found = yield* client.get(`/networks/${network.name}`);
          if (found.ok) return;
          if (network.external)
            throw new ComposeFailure(`network ${network.name} declared as external, but could not be found`);
          yield* progress.event(`Network ${network.name}`, "Creating");
          const made = yield* client.post("/networks/create", { body: networkBody(project, key, network) });
          if (!made.ok) {
            yield* progress.event(`Network ${network.name}`, "Error", "error");
            throw new ComposeFailure(`failed to create network ${network.name}: ${made.error.message}`);
          }
          yield* progress.event(`Network ${network.name}`, "Created", "done");
        },
    ),
  );
}

export function* ensureVolumes(session: Session, names: readonly string[]): Task<void> {
  const { client, project, progress } = session;
  const used = new Set(
    names.flatMap((name) =>
      (project.services[name]!.volumes ?? []).flatMap((each) =>
        each.type === "volume" && each.source ? [each.source] : [],
      ),
    ),
  );
  for (const key of [...used].sort()) {
    const volume = project.volumes[key]!;
    const found = yield* client.get(`/volumes/${volume.name}`);
    if (found.ok) continue;
    if (volume.external) throw new ComposeFailure(`external volume ${JSON.stringify(volume.name)} not found`);
    yield* progress.event(`Volume ${volume.name}`, "Creating");
    yield* must(session, "POST", "/volumes/create", { body: volumeBody(project, key, volume) });
    yield* progress.event(`Volume ${volume.name}`, "Created", "done");
  }
}

export const scaleOf = (service: ServiceConfig): number => service.scale ?? service.deploy?.replicas ?? 1;

/** Visits each service as soon as all that it needs are done with. */
function* inDependencyOrder(
  session: Session,
  names: readonly string[],
  visit: (name: string) => Task<void>,
): Task<void> {
  const { client, project } = session;
  const done = new Set<string>();
  const isReady = (name: string): boolean =>
    dependenciesOf(project.services[name]).every((each) => done.has(each) || !names.includes(each));
  function* run(batch: readonly string[]): Task<void> {
    yield* together(
      client,
      batch.map(
        (name) =>
          function* (): Task<void> {
            yield* visit(name);
            done.add(name);
            yield* run(usersOf(project, name, names).filter(isReady));
          },
      ),
    );
  }
  yield* run([...names].sort().filter(isReady));
}

/** Creates, recreates and removes containers until there are as many as asked for, all of the present configuration. */
export function* convergeContainers(
  session: Session,
  names: readonly string[],
  images: ReadonlyMap<string, string>,
  options: UpOptions,
): Task<void> {
  const { client, project, progress } = session;
  const present = yield* containersOf(client, project.name, { all: true });
  const orphans = present.filter((each) => isOrphan(project, each));
  if (orphans.length > 0) {
    if (options.removeOrphans)
      yield* together(
        client,
        orphans.map((each) => () => removeContainer(session, each, options.timeout)),
      );
    else
      yield* warn(
        client,
        `Found orphan containers ([${orphans.map(nameOf).join(" ")}]) for this project. If you removed or renamed this service in your compose file, you can run this command with the --remove-orphans flag to clean it up.`,
      );
  }
  yield* inDependencyOrder(session, names, function* (name) {
    const work: (() => Task<void>)[] = [];
    const service = project.services[name]!;
    const wanted = options.scale[name] ?? scaleOf(service);
    if (wanted > 1 && service.container_name)
      yield* warn(
        client,
        `The ${JSON.stringify(name)} service is using the custom container name ${JSON.stringify(service.container_name)}. Docker requires each container to have a unique name. Remove the custom name to scale the service`,
      );
    const own = present.filter((each) => serviceOf(each) === name).sort((a, b) => numberOf(a) - numberOf(b));
    for (const extra of own.slice(wanted)) work.push(() => removeContainer(session, extra, options.timeout));
    for (const each of own.slice(0, wanted)) {
      const isStale = each.Labels[label("config-hash")] !== configHash(service) || each.ImageID !== images.get(name);
      if (options.forceRecreate || (isStale && !options.noRecreate))
        work.push(() => recreate(session, name, each, images, options));
      else if (isRunning(each)) yield* progress.event(`Container ${nameOf(each)}`, "Running", "done");
    }
    const taken = new Set(own.slice(0, wanted).map(numberOf));
    for (let number = 1, missing = wanted - taken.size; missing > 0; number++) {
      if (taken.has(number)) continue;
      missing--;
      work.push(() => createContainer(session, name, number, images));
    }
    yield* together(client, work);
  });
}

function* createContainer(
  session: Session,
  name: string,
  number: number,
  images: ReadonlyMap<string, string>,
): Task<void> {
  const { client, project, progress } = session;
  const own = containerName(project, name, number);
  yield* progress.event(`Container ${own}`, "Creating");
  const made = yield* client.post("/containers/create", {
    query: { name: own },
    body: containerBody(project, name, { number, imageId: images.get(name) ?? "" }),
  });
  if (!made.ok) {
    yield* progress.event(`Container ${own}`, "Error", "error", made.error.message);
    throw new ComposeFailure(made.error.message);
  }
  yield* progress.event(`Container ${own}`, "Created", "done");
}

/** A new container takes the old one's place and name; anonymous volumes go over. */
function* recreate(
  session: Session,
  name: string,
  old: OwnContainer,
  images: ReadonlyMap<string, string>,
  options: UpOptions,
): Task<void> {
  const { project, progress } = session;
  const own = nameOf(old);
  yield* progress.event(`Container ${own}`, "Recreate");
  const body = containerBody(project, name, { number: numberOf(old), imageId: images.get(name) ?? "" }) as {
    readonly Volumes: Readonly<Record<string, object>>;
    readonly HostConfig: Readonly<Record<string, unknown>>;
    readonly Labels: Readonly<Record<string, string>>;
  };
  const inspected = (yield* must(session, "GET", `/containers/${old.Id}/json`)) as {
    readonly Mounts: readonly { readonly Type: string; readonly Name?: string; readonly Destination: string }[];
  };
  const bound = (body.HostConfig["Binds"] as readonly string[] | null) ?? [];
  const kept = options.renewVolumes
    ? []
    : inspected.Mounts.filter(
        (mount) =>
          mount.Type === "volume" &&
          mount.Name &&
          /^[0-9a-f]{64}$/.test(mount.Name) &&
          !bound.some((each) => each.split(":")[1] === mount.Destination),
      ).map((mount) => `${mount.Name}:${mount.Destination}:rw`);
  const binds = [...bound, ...kept];
  const temporary = `${old.Id.slice(0, 12)}_${own}`;
  const made = (yield* must(session, "POST", "/containers/create", {
    query: { name: temporary },
    body: {
      ...body,
      Labels: { ...body.Labels, [label("replace")]: old.Id },
      HostConfig: { ...body.HostConfig, Binds: binds.length > 0 ? binds : null },
    },
  })) as { readonly Id: string };
  if (isRunning(old)) yield* must(session, "POST", `/containers/${old.Id}/stop`, { query: { t: options.timeout } });
  yield* must(session, "DELETE", `/containers/${old.Id}`, {});
  yield* must(session, "POST", `/containers/${made.Id}/rename`, { query: { name: own } });
  yield* progress.event(`Container ${own}`, "Recreated", "done");
}

/** Starts what does not run, after what it needs has started, become healthy or ended well. */
export function* startServices(
  session: Session,
  names: readonly string[],
  options: { readonly wait?: boolean; readonly onlyExisting?: boolean } = {},
): Task<void> {
  const { client, project } = session;
  function* startOne(name: string): Task<void> {
    const present = yield* containersOf(client, project.name, { all: true, newestFirst: true });
    const waits: (() => Task<void>)[] = [];
    for (const needed of dependenciesOf(project.services[name])) {
      const { condition, required } = project.services[name]!.depends_on![needed]!;
      if (condition === "service_started" || !names.includes(needed)) continue;
      for (const each of present.filter((one) => serviceOf(one) === needed))
        waits.push(() => waitFor(session, each, condition, required));
    }
    yield* together(client, waits);
    for (const each of present) if (serviceOf(each) === name && !isRunning(each)) yield* startContainer(session, each);
  }
  yield* inDependencyOrder(session, names, startOne);
  if (options.wait) {
    const present = yield* containersOf(client, project.name, { all: true, services: names });
    yield* together(
      client,
      present.map((each) => () => waitFor(session, each, "running_or_healthy", true)),
    );
  }
}

function* startContainer({ client, progress }: Session, container: OwnContainer): Task<void> {
  const id = `Container ${nameOf(container)}`;
  yield* progress.event(id, "Starting");
  const started = yield* client.post(`/containers/${container.Id}/start`);
  if (!started.ok) {
    yield* progress.event(id, "Error", "error", started.error.message);
    throw new ComposeFailure(started.error.message);
  }
  yield* progress.event(id, "Started", "done");
}

function* waitFor(session: Session, container: OwnContainer, condition: string, required: boolean): Task<void> {
  const { client, progress } = session;
  const id = `Container ${nameOf(container)}`;
  yield* progress.event(id, "Waiting");
  for (;;) {
    yield* client.process.sleep(500);
    const { State: state } = (yield* must(session, "GET", `/containers/${container.Id}/json`)) as {
      readonly State: {
        readonly Status: string;
        readonly Running: boolean;
        readonly ExitCode: number;
        readonly Health?: { readonly Status: string };
      };
    };
    const health = state.Health?.Status;
    let problem: string | undefined;
    if (condition === "service_completed_successfully") {
      if (state.Status === "exited" && state.ExitCode === 0) {
        yield* progress.event(id, "Exited", "done");
        return;
      }
      if (state.Status === "exited")
        problem = `service ${JSON.stringify(serviceOf(container))} didn't complete successfully: exit ${state.ExitCode}`;
    } else {
      if (health === "healthy" || (health === undefined && state.Running && condition === "running_or_healthy")) {
        yield* progress.event(id, "Healthy", "done");
        return;
      }
      if (health === undefined && condition === "service_healthy" && state.Running)
        problem = `container ${nameOf(container)} has no healthcheck configured`;
      if (health === "unhealthy") problem = `container ${nameOf(container)} is unhealthy`;
      if (state.Status === "exited") problem = `container ${nameOf(container)} exited (${state.ExitCode})`;
    }
    if (problem !== undefined) {
      if (!required) {
        yield* warn(client, `optional dependency ${JSON.stringify(serviceOf(container))} failed to start: ${problem}`);
        return;
      }
      yield* progress.event(id, "Error", "error");
      throw new ComposeFailure(`dependency failed to start: ${problem}`);
    }
  }
}

export function* stopContainer(
  { client, progress }: Session,
  container: OwnContainer,
  timeout: number | undefined,
): Task<void> {
  const id = `Container ${nameOf(container)}`;
  yield* progress.event(id, "Stopping");
  const stopped = yield* client.post(`/containers/${container.Id}/stop`, { query: { t: timeout } });
  if (!stopped.ok) {
    yield* progress.event(id, "Error while Stopping", "error");
    throw new ComposeFailure(stopped.error.message);
  }
  yield* progress.event(id, "Stopped", "done");
}

function* removeContainer(
  session: Session,
  container: OwnContainer,
  timeout: number | undefined,
  volumes = false,
): Task<void> {
  yield* stopContainer(session, container, timeout);
  yield* removeOnly(session, container, { force: true, volumes });
}

export function* removeOnly(
  { client, progress }: Session,
  container: OwnContainer,
  options: { readonly force: boolean; readonly volumes: boolean },
): Task<void> {
  const id = `Container ${nameOf(container)}`;
  yield* progress.event(id, "Removing");
  const removed = yield* client.delete(`/containers/${container.Id}`, {
    force: options.force || undefined,
    v: options.volumes || undefined,
  });
  if (!removed.ok && removed.error.status !== 404) {
    yield* progress.event(id, "Error while Removing", "error");
    throw new ComposeFailure(removed.error.message);
  }
  yield* progress.event(id, "Removed", "done");
}

export interface DownOptions {
  readonly volumes: boolean;
  readonly images: string;
  readonly removeOrphans: boolean;
  readonly timeout: number | undefined;
  readonly services: readonly string[];
}

/** Stops and removes: users before what they use, then networks, volumes and images. */
export function* takeDown(session: Session, options: DownOptions): Task<void> {
  const { client, project } = session;
  const present = yield* containersOf(client, project.name, {
    all: true,
    oneOffs: true,
    services: options.services,
    newestFirst: true,
  });
  const orphans = present.filter((each) => isOrphan(project, each));
  const own = present.filter((each) => !orphans.includes(each));
  const services = [...new Set(own.map(serviceOf))].sort();
  const users = (name: string): string[] => usersOf(project, name, services);
  const gone = new Map(services.map((name) => [name, new Deferred<void>()]));
  // Each service goes as soon as all that use it are gone.
  yield* together(
    client,
    services.map(
      (name) =>
        function* (): Task<void> {
          for (const user of users(name)) yield* suspend(gone.get(user)!.wait);
          try {
            const going = own.filter((each) => serviceOf(each) === name);
            yield* together(
              client,
              going.map((each) => () => removeContainer(session, each, options.timeout, options.volumes)),
            );
          } finally {
            gone.get(name)!.resolve();
          }
        },
    ),
    "as-given",
  );
  if (orphans.length > 0 && options.removeOrphans)
    yield* together(
      client,
      orphans.map((each) => () => removeContainer(session, each, options.timeout, options.volumes)),
    );
  if (options.services.length > 0) return;
  const work: (() => Task<void>)[] = [];
  const networks = yield* client.fetch<readonly { Name: string; Id: string }[]>("/networks", {
    filters: JSON.stringify({ label: { [`${label("project")}=${project.name}`]: true } }),
  });
  if (networks.ok) for (const network of networks.value) work.push(() => removeNetwork(session, network.Name));
  if (options.images !== "") {
    const names = Object.keys(project.services).filter(
      (name) => options.images === "all" || !project.services[name]!.image,
    );
    for (const image of new Set(names.map((name) => imageOf(project, name))))
      work.push(() => removeImage(session, image));
  }
  if (options.volumes)
    for (const volume of Object.values(project.volumes))
      if (!volume.external) work.push(() => removeVolume(session, volume.name));
  yield* together(client, work);
}

function* removeImage({ client, progress }: Session, image: string): Task<void> {
  const name = /:[^/]+$/.test(image) ? image : `${image}:latest`;
  const found = yield* client.get(`/images/${name}/json`);
  if (!found.ok) return;
  yield* progress.event(`Image ${name}`, "Removing");
  const removed = yield* client.delete(`/images/${name}`);
  if (removed.ok) yield* progress.event(`Image ${name}`, "Removed", "done");
  else if (removed.error.status === 409) yield* progress.event(`Image ${name}`, "Resource is still in use", "warning");
  else throw new ComposeFailure(removed.error.message);
}

function* removeVolume({ client, progress }: Session, name: string): Task<void> {
  const found = yield* client.get(`/volumes/${name}`);
  if (!found.ok) return;
  yield* progress.event(`Volume ${name}`, "Removing");
  const removed = yield* client.delete(`/volumes/${name}`, { force: true });
  if (removed.ok) yield* progress.event(`Volume ${name}`, "Removed", "done");
  else if (removed.error.status === 409) yield* progress.event(`Volume ${name}`, "Resource is still in use", "warning");
  else throw new ComposeFailure(removed.error.message);
}

function* removeNetwork({ client, progress }: Session, name: string): Task<void> {
  yield* progress.event(`Network ${name}`, "Removing");
  const removed = yield* client.delete(`/networks/${name}`);
  if (removed.ok || removed.error.status === 404) yield* progress.event(`Network ${name}`, "Removed", "done");
  else if (/active endpoints/.test(removed.error.message))
    yield* progress.event(`Network ${name}`, "Resource is still in use", "warning");
  else {
    yield* progress.event(`Network ${name}`, "Error", "error", removed.error.message);
    throw new ComposeFailure(`failed to remove network ${name}: ${removed.error.message}`);
  }
}
