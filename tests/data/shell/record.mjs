// Records what the real bash does with each case: node tests/data/shell/record.mjs. Cases are the blocks of cases/*.txt,
// split at lines that hold only %%; each runs with `bash -c` in an empty /tmp/case with a fixed environment.
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const env = { PATH: "/usr/bin:/bin", HOME: "/root", LC_ALL: "C.UTF-8", TZ: "UTC", SHLVL: "0" };
const recorded = [];
for (const file of readdirSync(join(here, "cases")).sort()) {
  const blocks = readFileSync(join(here, "cases", file), "utf8").split(/^%%\n/m).map((block) => block.replace(/\n$/, "")).filter((block) => block !== "");
  blocks.forEach((script, index) => {
    rmSync("/tmp/case", { recursive: true, force: true });
    mkdirSync("/tmp/case");
    // Files named dash… are played by dash, called sh as Debian does.
    const shell = file.startsWith("dash") ? "sh" : "bash";
    const run = spawnSync(shell === "sh" ? "/bin/dash" : "/bin/bash", ["-c", script], { cwd: "/tmp/case", env, argv0: shell, stdio: ["ignore", "pipe", "pipe"], timeout: 20_000, umask: 0o022 });
    recorded.push({ name: `${file.replace(".txt", "")} ${index + 1}`, shell, script, stdout: run.stdout.toString("utf8"), stderr: run.stderr.toString("utf8"), exit: run.status });
  });
}
rmSync("/tmp/case", { recursive: true, force: true });
writeFileSync(join(here, "cases.json"), `[\n${recorded.map((each) => JSON.stringify(each)).join(",\n")}\n]\n`);
console.log(`${recorded.length} cases recorded`);
