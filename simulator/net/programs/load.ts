/** ab and hey: small load generators, bounded. */
import type { Task } from "../../base/task";
import type { Process, Program } from "../../os/process";
import { type Header, headerOf, hostHeader, parseUrl } from "../http";
import { parseOptions } from "./options";
import { newTimes, transfer } from "./transfer";

const REQUESTS_MAX = 20_000;
const WORKERS_MAX = 200;

interface Sample {
  readonly ms: number;
  readonly status: number;
  readonly size: number;
  readonly server: string;
}

/** `count` requests by `workers` at a time, or as many as fit into `limitMs`. */
function* load(
  process: Process,
  url: string,
  count: number,
  workers: number,
  limitMs: number,
  headers: readonly Header[],
): Task<{ samples: Sample[]; failed: number; ms: number }> {
  const parsed = parseUrl(url)!;
  const samples: Sample[] = [];
  let failed = 0;
  let started = 0;
  let running = 0;
  const began = process.now();
  function* worker(): Task<void> {
    running++;
    while (started < count && process.now() - began < limitMs) {
      started++;
      const at = process.now();
      const result = yield* transfer(
        process,
        { url: parsed, method: "GET", headers: [["Host", hostHeader(parsed)], ...headers], insecure: true },
        newTimes(),
        {},
      );
      if (result.ok)
        samples.push({
          ms: process.now() - at,
          status: result.status,
          size: result.size,
          server: headerOf(result.headers, "server") ?? "",
        });
      else failed++;
      // A client takes some time of its own, too: this also ends a loop on refused connections.
      yield* process.sleep(0.1);
    }
    running--;
  }
  for (let i = 0; i < workers; i++) process.thread(worker());
  while (running > 0) yield* process.sleep(1);
  return { samples, failed, ms: process.now() - began };
}

const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? 0;

export const ab: Program = function* (process) {
  const parsed = parseOptions(process.argv.slice(1), { short: "n:c:t:kqH:s:p:T:rlv:" });
  const target = parsed.operands[0];
  const url = target === undefined ? undefined : parseUrl(target);
  if (!url || parsed.error) {
    yield* process.printError(`ab: wrong number of arguments\nUsage: ab [options] [http[s]://]hostname[:port]/path\n`);
    return 22;
  }
  const count = Math.min(Number(parsed.value("n") ?? (parsed.has("t") ? REQUESTS_MAX : 1)), REQUESTS_MAX);
  const workers = Math.min(Number(parsed.value("c") ?? 1), WORKERS_MAX);
  if (workers > count) {
    yield* process.printError("ab: Cannot use concurrency level greater than total number of requests\n");
    return 22;
  }
  yield* process.print(
    `This is ApacheBench, Version 2.3 <$Revision: 1923142 $>\nCopyright 1996 Adam Twiss, Zeus Technology Ltd, http://www.zeustech.net/\nLicensed to The Apache Software Foundation, http://www.apache.org/\n\nBenchmarking ${url.host} (be patient).....`,
  );
  const { samples, failed, ms } = yield* load(
    process,
    target!,
    count,
    workers,
    Number(parsed.value("t") ?? 1e6) * 1000,
    [
      ["User-Agent", "ApacheBench/2.3"],
      ["Accept", "*/*"],
    ],
  );
  if (samples.length === 0) {
    yield* process.print("\n");
    yield* process.printError("apr_socket_recv: Connection refused (111)\n");
    return 111;
  }
  const sorted = samples.map((sample) => sample.ms).sort((a, b) => a - b);
  const bytes = samples.reduce((sum, sample) => sum + sample.size, 0);
  const non2xx = samples.filter((sample) => sample.status < 200 || sample.status > 299).length;
  const mean = sorted.reduce((sum, time) => sum + time, 0) / sorted.length;
  yield* process.print(
    `done\n\n\nServer Software:        ${samples[0]!.server}\nServer Hostname:        ${url.host}\nServer Port:            ${url.port}\n\nDocument Path:          ${url.path}\nDocument Length:        ${samples[0]!.size} bytes\n\n` +
      `Concurrency Level:      ${workers}\nTime taken for tests:   ${(ms / 1000).toFixed(3)} seconds\nComplete requests:      ${samples.length + failed}\nFailed requests:        ${failed}\n${non2xx > 0 ? `Non-2xx responses:      ${non2xx}\n` : ""}` +
      `Total transferred:      ${bytes} bytes\nHTML transferred:       ${bytes} bytes\nRequests per second:    ${((samples.length * 1000) / ms).toFixed(2)} [#/sec] (mean)\nTime per request:       ${mean.toFixed(3)} [ms] (mean)\nTime per request:       ${(ms / samples.length).toFixed(3)} [ms] (mean, across all concurrent requests)\n\n` +
      `Percentage of the requests served within a certain time (ms)\n${[50, 66, 75, 80, 90, 95, 98, 99].map((share) => `  ${share}%  ${String(Math.round(percentile(sorted, share / 100))).padStart(5)}\n`).join("")} 100%  ${String(Math.round(sorted.at(-1)!)).padStart(5)} (longest request)\n`,
  );
  return 0;
};

export const hey: Program = function* (process) {
  const parsed = parseOptions(process.argv.slice(1), { short: "n:c:z:q:m:H:t:" });
  const target = parsed.operands[0];
  if (target === undefined || !parseUrl(target)) {
    yield* process.printError(
      "Usage: hey [options...] <url>\n\nOptions:\n  -n  Number of requests to run. Default is 200.\n  -c  Number of workers to run concurrently. Default is 50.\n  -z  Duration of application to send requests.\n",
    );
    return 1;
  }
  const duration = /^(\d+)(ms|s|m)$/.exec(parsed.value("z") ?? "");
  const limitMs = duration
    ? Number(duration[1]) * { ms: 1, s: 1000, m: 60_000 }[duration[2] as "s"]
    : Number.POSITIVE_INFINITY;
  const count = duration ? REQUESTS_MAX : Math.min(Number(parsed.value("n") ?? 200), REQUESTS_MAX);
  const { samples, failed, ms } = yield* load(
    process,
    target,
    count,
    Math.min(Number(parsed.value("c") ?? 50), WORKERS_MAX),
    limitMs,
    [["User-Agent", "hey/0.0.1"]],
  );
  const sorted = samples.map((sample) => sample.ms).sort((a, b) => a - b);
  const mean = sorted.reduce((sum, time) => sum + time, 0) / Math.max(1, sorted.length);
  const seconds = (value: number): string => (value / 1000).toFixed(4);
  const codes = new Map<number, number>();
  for (const sample of samples) codes.set(sample.status, (codes.get(sample.status) ?? 0) + 1);
  yield* process.print(
    `\nSummary:\n  Total:\t${seconds(ms)} secs\n  Slowest:\t${seconds(sorted.at(-1) ?? 0)} secs\n  Fastest:\t${seconds(sorted[0] ?? 0)} secs\n  Average:\t${seconds(mean)} secs\n  Requests/sec:\t${((samples.length * 1000) / ms).toFixed(4)}\n\n` +
      `Latency distribution:\n${[10, 25, 50, 75, 90, 95, 99].map((share) => `  ${share}% in ${seconds(percentile(sorted, share / 100))} secs\n`).join("")}\nStatus code distribution:\n${[
        ...codes,
      ]
        .sort((a, b) => a[0] - b[0])
        .map(([code, times]) => `  [${code}]\t${times} responses\n`)
        .join("")}` +
      (failed > 0
        ? `\nError distribution:\n  [${failed}]\tGet "${target}": dial tcp: connect: connection refused\n`
        : ""),
  );
  return 0;
};
