import { expect, test } from "vitest";
import {
  boolFlag,
  countFlag,
  durationFlag,
  intFlag,
  stringArrayFlag,
  stringFlag,
  stringSliceFlag,
  stringToStringFlag,
} from "@/simulator/cli/flags";
import { parseFlags } from "@/simulator/cli/parse-flags";

const flags = {
  all: boolFlag(false, "", { shorthand: "a" }),
  interactive: boolFlag(false, "", { shorthand: "i" }),
  tty: boolFlag(false, "", { shorthand: "t" }),
  env: stringArrayFlag([], "", { shorthand: "e" }),
  label: stringSliceFlag([], ""),
  last: intFlag(-1, "", { shorthand: "n" }),
  name: stringFlag("", ""),
  "dry-run": stringFlag("none", "", { noOptDefVal: "unchanged" }),
  timeout: durationFlag(0, ""),
  set: stringToStringFlag(""),
  verbose: countFlag("", { shorthand: "v" }),
  old: boolFlag(false, "", { deprecated: "use --all" }),
};

const parse = (line: string, interspersed = true) =>
  parseFlags(flags, line.split(" ").filter(Boolean), { interspersed });

test.each([
  { line: "--name=a=b x", values: { name: "a=b" }, args: ["x"] },
  { line: "--name a x", values: { name: "a" }, args: ["x"] },
  { line: "-it x", values: { interactive: true, tty: true }, args: ["x"] },
  { line: "-n5 -a", values: { last: 5, all: true }, args: [] },
  { line: "-n=5", values: { last: 5 }, args: [] },
  { line: "-an 5", values: { last: 5, all: true }, args: [] },
  { line: "-e A=1,2 -e B=2", values: { env: ["A=1,2", "B=2"] }, args: [] },
  { line: "--label a,b --label c", values: { label: ["a", "b", "c"] }, args: [] },
  { line: "--dry-run x", values: { "dry-run": "unchanged" }, args: ["x"] },
  { line: "--dry-run=client", values: { "dry-run": "client" }, args: [] },
  { line: "--all=false", values: { all: false }, args: [] },
  { line: "--timeout 1m30s", values: { timeout: 90_000 }, args: [] },
  { line: "--set a=1,b=2", values: { set: { a: "1", b: "2" } }, args: [] },
  { line: "-vvv --verbose", values: { verbose: 4 }, args: [] },
  { line: "- -a", values: { all: true }, args: ["-"] },
])("$line", ({ line, values, args }) => {
  const parsed = parse(line);
  expect(parsed).toMatchObject({ ok: true, value: { values, args } });
});

test("-- ends the flags and is remembered", () => {
  expect(parse("x -a -- -b")).toMatchObject({ ok: true, value: { args: ["x", "-b"], argsLenAtDash: 1 } });
});

test("without interspersed flags the first argument ends them", () => {
  expect(parse("-a busybox -it sh", false)).toMatchObject({
    ok: true,
    value: { args: ["busybox", "-it", "sh"], values: { tty: false } },
  });
});

test("a deprecated flag says so", () => {
  expect(parse("--old").partial.notices).toEqual(["Flag --old has been deprecated, use --all"]);
});

test.each([
  ["--bad", "unknown flag: --bad"],
  ["-z", "unknown shorthand flag: 'z' in -z"],
  ["-az", "unknown shorthand flag: 'z' in -z"],
  ["--name", "flag needs an argument: --name"],
  ["-n", "flag needs an argument: 'n' in -n"],
  ["-n x", 'invalid argument "x" for "-n, --last" flag: strconv.ParseInt: parsing "x": invalid syntax'],
  ["--all=maybe", 'invalid argument "maybe" for "-a, --all" flag: strconv.ParseBool: parsing "maybe": invalid syntax'],
  ["--timeout 3", 'invalid argument "3" for "--timeout" flag: time: missing unit in duration "3"'],
  ["--set a", 'invalid argument "a" for "--set" flag: a must be formatted as key=value'],
  ["---x", "bad flag syntax: ---x"],
])("%s: %s", (line, message) => {
  expect(parse(line)).toMatchObject({ ok: false, error: { kind: "error", message } });
});

test.each(["--help", "-h"])("%s asks for help", (line) => {
  expect(parse(line)).toMatchObject({ ok: false, error: { kind: "help" } });
});
