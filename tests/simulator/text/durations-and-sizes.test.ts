import { expect, test } from "vitest";
import { formatDuration, parseDuration } from "@/simulator/text/go-duration";
import { dockerDuration, humanDuration } from "@/simulator/text/human-duration";
import { bytesSize, fromHumanSize, humanSize, humanSizeWithPrecision, ramInBytes } from "@/simulator/text/human-size";

const s = 1000;
const m = 60 * s;
const h = 60 * m;
const d = 24 * h;

test.each([
  [-2 * s, "<invalid>"],
  [-1 * s, "0s"],
  [0, "0s"],
  [119 * s, "119s"],
  [2 * m, "2m"],
  [5 * m + 12 * s, "5m12s"],
  [10 * m + 1 * s, "10m"],
  [179 * m, "179m"],
  [3 * h + 4 * m, "3h4m"],
  [8 * h + 5 * m, "8h"],
  [47 * h, "47h"],
  [2 * d + 5 * h, "2d5h"],
  [8 * d + 5 * h, "8d"],
  [3 * 365 * d + 10 * d, "3y10d"],
])("kubectl's age of %i ms is %s", (ms, expected) => {
  expect(humanDuration(ms)).toBe(expected);
});

test.each([
  [500, "Less than a second"],
  [1 * s, "1 second"],
  [59 * s, "59 seconds"],
  [60 * s, "About a minute"],
  [26 * m, "26 minutes"],
  [60 * m, "About an hour"],
  [89 * m, "About an hour"],
  [90 * m, "2 hours"],
  [47 * h, "47 hours"],
  [48 * h, "2 days"],
  [13 * d, "13 days"],
  [14 * d, "2 weeks"],
  [59 * d, "8 weeks"],
  [60 * d, "2 months"],
  [800 * d, "2 years"],
])("docker's duration of %i ms is %s", (ms, expected) => {
  expect(dockerDuration(ms)).toBe(expected);
});

test.each([
  ["1h2m3s", 3_723_000, "1h2m3s"],
  ["300ms", 300, "300ms"],
  ["1.5s", 1500, "1.5s"],
  ["0", 0, "0s"],
  ["90s", 90_000, "1m30s"],
])("Go's duration %s", (text, ms, printed) => {
  expect(parseDuration(text)).toEqual({ ok: true, value: ms });
  expect(formatDuration(ms)).toBe(printed);
});

test.each([
  ["", 'time: invalid duration ""'],
  ["3", 'time: missing unit in duration "3"'],
  ["3x", 'time: unknown unit "x" in duration "3x"'],
])("a wrong duration %j", (text, error) => {
  expect(parseDuration(text)).toEqual({ ok: false, error });
});

test("sizes, as docker prints them in its recordings", () => {
  expect(humanSizeWithPrecision(186_933_473, 3)).toBe("187MB");
  expect(humanSizeWithPrecision(2_885_000, 3)).toBe("2.88MB");
  expect(humanSize(2_063_000)).toBe("2.063MB");
  expect(humanSizeWithPrecision(683_000, 3)).toBe("683kB");
  expect(humanSize(0)).toBe("0B");
  expect(bytesSize(268_435_456)).toBe("256MiB");
  expect(bytesSize(1_065_353)).toBe("1.016MiB");
  expect(bytesSize(733_184)).toBe("716KiB");
});

test("sizes back", () => {
  expect(ramInBytes("512m")).toEqual({ ok: true, value: 512 * 1024 * 1024 });
  expect(ramInBytes("1.5GiB")).toEqual({ ok: true, value: 1.5 * 1024 ** 3 });
  expect(fromHumanSize("10MB")).toEqual({ ok: true, value: 10_000_000 });
  expect(ramInBytes("lots")).toEqual({ ok: false, error: "invalid size: 'lots'" });
});
