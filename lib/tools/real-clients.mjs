/**
 * Finds the real kubectl and docker for tests against a served machine, or fetches Debian's packages of them into
 * .cache/. Nothing is installed over the system: the packages are only unpacked.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const cache = join(root, ".cache", "real-clients");
const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

/** What tests are written against, what is good enough, and where Debian has it. */
const CLIENTS = {
  kubectl: {
    variable: "REAL_KUBECTL",
    arguments: ["version", "--client"],
    version: /v(1)\.(\d+)/,
    best: (major, minor) => major === 1 && minor === 36,
    enough: (major, minor) => major === 1 && minor >= 32,
    packages: [["forky", "kubectl"]],
  },
  docker: {
    variable: "REAL_DOCKER",
    arguments: ["--version"],
    version: /version (\d+)\.(\d+)/,
    best: (major, minor) => major > 28 || (major === 28 && minor >= 2),
    enough: (major) => major >= 26,
    packages: [
      ["forky", "docker-cli"],
      ["trixie", "docker-cli"],
    ],
  },
};

/** The path of a client. Throws an Error that says what was tried when there is none. */
export function realClient(name) {
  const client = CLIENTS[name];
  const named = process.env[client.variable];
  if (named) {
    if (fits(named, client, client.enough)) return named;
    throw new Error(`${client.variable}=${named} is no ${name} that these tests can use`);
  }
  const cached = join(cache, name, "usr", "bin", name);
  const found = onPath(name);
  for (const path of [cached, ...found]) if (fits(path, client, client.best)) return path;
  const tried = [];
  for (const [suite, packageName] of client.packages) {
    try {
      fetchPackage(name, suite, packageName);
      if (fits(cached, client, client.enough)) return cached;
      tried.push(`${packageName} of Debian ${suite}: not a version that fits`);
    } catch (error) {
      const reason = String(error.stderr || error.message)
        .trim()
        .split("\n")
        .at(-1);
      tried.push(`${packageName} of Debian ${suite}: ${reason}`);
    }
  }
  for (const path of found) if (fits(path, client, client.enough)) return path;
  throw new Error(
    `no real ${name} for these tests. On PATH: ${found.join(", ") || "none"} (none fits).\n${tried.join("\n")}\n` +
      `Install one, or name one with ${client.variable}=/path/to/${name}.`,
  );
}

function onPath(name) {
  const folders = (process.env.PATH ?? "").split(":").filter((folder) => folder !== "");
  return folders.map((folder) => join(folder, name)).filter((path) => existsSync(path));
}

function fits(path, client, isGood) {
  if (!existsSync(path)) return false;
  try {
    const text = execFileSync(path, client.arguments, {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
      timeout: 20_000,
    });
    const [, major, minor] = client.version.exec(text) ?? [];
    return major !== undefined && isGood(Number(major), Number(minor));
  } catch {
    return false;
  }
}

/** apt with lists and sources of its own, so that the system's stay as they are. */
function fetchPackage(name, suite, packageName) {
  if (!existsSync(KEYRING)) throw new Error(`no ${KEYRING} to check Debian's packages with`);
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, `${name}-`));
  try {
    for (const folder of ["parts", "state/lists/partial", "archives/partial", "out"])
      mkdirSync(join(work, folder), { recursive: true });
    writeFileSync(
      join(work, "parts", "debian.sources"),
      `Types: deb\nURIs: http://deb.debian.org/debian\nSuites: ${suite}\nComponents: main\nSigned-By: ${KEYRING}\n`,
    );
    writeFileSync(join(work, "status"), "");
    const options = [
      "Dir::Etc::sourcelist=/dev/null",
      `Dir::Etc::sourceparts=${work}/parts`,
      `Dir::State=${work}/state`,
      `Dir::State::status=${work}/status`,
      `Dir::Cache=${work}`,
      "APT::Sandbox::User=root",
      "Acquire::Languages=none",
    ].flatMap((option) => ["-o", option]);
    const apt = (...args) =>
      execFileSync("apt-get", [...options, "-q", ...args], {
        cwd: work,
        stdio: ["ignore", "ignore", "pipe"],
        encoding: "utf8",
        timeout: 120_000,
      });
    apt("update");
    apt("download", packageName);
    const file = readdirSync(work).find((entry) => entry.endsWith(".deb"));
    if (file === undefined) throw new Error("apt-get download left no package");
    execFileSync("dpkg-deb", ["-x", join(work, file), join(work, "out")], {
      stdio: ["ignore", "ignore", "pipe"],
      encoding: "utf8",
    });
    rmSync(join(cache, name), { recursive: true, force: true });
    try {
      renameSync(join(work, "out"), join(cache, name));
    } catch (error) {
      // Another test run was faster.
      if (!existsSync(join(cache, name))) throw error;
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const name of Object.keys(CLIENTS)) console.log(`${name}: ${realClient(name)}`);
}
