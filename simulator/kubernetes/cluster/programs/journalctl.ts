/** journalctl: the journal of its machine, whole or of one unit, once or as it grows. */
import { civilTime } from "../../../base/clock";
import { suspend, type Task } from "../../../base/task";
import type { Process, Program } from "../../../os/process";
import type { Host } from "../host";
import type { JournalEntry } from "../journal";
import { type NodeTools, readArguments } from "./node-tools";

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const pad = (value: number): string => String(value).padStart(2, "0");

/** `Nov 23 12:02:30 node-1 kubelet[1234]: …` */
export function journalLine(host: Host, { at, source, text }: JournalEntry): string {
  const t = civilTime(at);
  return `${MONTHS[t.month - 1]} ${pad(t.day)} ${pad(t.hour)}:${pad(t.minute)}:${pad(t.second)} ${host.name} ${source}: ${text}`;
}

export const journalctl =
  (tools: NodeTools): Program =>
  (process) =>
    run(tools, process);

function* run(tools: NodeTools, process: Process): Task<number> {
  const host = tools.hostOf(process);
  if (!host) {
    yield* process.print("No journal files were found.\n-- No entries --\n");
    return 0;
  }
  const { flags, unknown } = readArguments(
    process.argv.slice(1),
    ["unit", "lines", "output", "since", "until", "priority", "grep"],
    ["no-pager", "follow", "reverse", "pager-end", "catalog", "quiet", "all", "boot", "system", "dmesg"],
    {
      u: "unit",
      n: "lines",
      o: "output",
      f: "follow",
      r: "reverse",
      e: "pager-end",
      x: "catalog",
      q: "quiet",
      a: "all",
      b: "boot",
      p: "priority",
      g: "grep",
      S: "since",
      U: "until",
    },
  );
  if (unknown) {
    yield* process.printError(`journalctl: invalid option -- '${unknown.replace(/^-+/, "")}'\n`);
    return 1;
  }
  const asked = flags.get("unit");
  const unit = asked === undefined ? undefined : asked.includes(".") ? asked : `${asked}.service`;
  const since = sinceOf(flags.get("since"), process.now());
  const pattern = flags.get("grep");
  const wanted = (entry: JournalEntry): boolean =>
    (unit === undefined || entry.unit === unit || `${entry.unit}.service` === unit) &&
    entry.at >= since &&
    (pattern === undefined || entry.text.includes(pattern));
  const isFollowed = flags.has("follow");
  const form = (entry: JournalEntry): string => (flags.get("output") === "cat" ? entry.text : journalLine(host, entry));
  let entries = host.journal.read(0).filter(wanted);
  const lines = flags.get("lines") ?? (isFollowed ? "10" : flags.has("pager-end") ? "1000" : undefined);
  if (lines !== undefined && lines !== "all")
    entries = entries.slice(-Math.max(0, Number(lines) || 0) || entries.length);
  if (lines === "0") entries = [];
  if (flags.has("reverse")) entries = [...entries].reverse();
  let position = host.journal.end;
  if (entries.length === 0 && !isFollowed) {
    yield* process.print("-- No entries --\n");
    return 0;
  }
  yield* process.print(entries.map((entry) => `${form(entry)}\n`).join(""));
  while (isFollowed) {
    yield* suspend(host.journal.changed.wait);
    const more = host.journal.read(position).filter(wanted);
    position = host.journal.end;
    yield* process.print(more.map((entry) => `${form(entry)}\n`).join(""));
  }
  return 0;
}

/** `5m ago`, `-1h`, `10 minutes ago`, `today`; anything else: everything. */
function sinceOf(text: string | undefined, now: number): number {
  if (text === undefined) return 0;
  if (text === "today") return now - (now % 86_400_000);
  const match = /^-?\s*(\d+)\s*(s|sec|seconds?|m|min|minutes?|h|hours?|d|days?)(?:\s+ago)?$/.exec(text.trim());
  if (!match) return 0;
  const unit = match[2]![0]!;
  const ms = unit === "s" ? 1000 : unit === "m" ? 60_000 : unit === "h" ? 3_600_000 : 86_400_000;
  return now - Number(match[1]) * ms;
}
