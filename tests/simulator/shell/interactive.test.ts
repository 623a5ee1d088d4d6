/** The interactive shell on a terminal: keys in, screen bytes out. */
import { expect, test } from "vitest";
import type { Program } from "@/simulator/os/process";
import { makeShellPrograms } from "@/simulator/shell/index";
import { openTerminal } from "./world";

const PROMPT = "\x1b[?2004hroot@laptop:~# ";
const run = (line: string, output: string): string => `${line}\r\n\x1b[?2004l\r${output}${PROMPT}`;

test("a line is echoed, run, and the prompt comes again", () => {
  const terminal = openTerminal();
  expect(terminal.output).toBe(PROMPT);
  expect(terminal.type("echo hi\r")).toBe(run("echo hi", "hi\r\n"));
});

/** What the line holds after keys: run as an argument of `echo`. */
const edited: readonly { readonly name: string; readonly keys: string; readonly line: string }[] = [
  { name: "backspace as DEL", keys: "abx\x7fc", line: "abc" },
  { name: "backspace as BS", keys: "abx\bc", line: "abc" },
  { name: "many backspaces in one chunk with the replacement (UniKey)", keys: "truo\x7f\x7fượ", line: "trượ" },
  { name: "Windows sends BS", keys: "vie\b\bviệt", line: "việt".replace("vi", "vvi") },
  { name: "backspace takes a composed letter whole", keys: "việt\x7f\x7fx", line: "vix" },
  { name: "a decomposed letter is one character and is composed", keys: "e\u0302\u0301", line: "ế" },
  { name: "backspace over a decomposed letter", keys: "ae\u0302\u0301\x7fb", line: "ab" },
  { name: "wide characters", keys: "日本\x7f語", line: "日語" },
  { name: "an emoji of several code points is one", keys: "a👨‍👩‍👧\x7fb", line: "ab" },
  { name: "left arrow and insert", keys: "ac\x1b[Db", line: "abc" },
  { name: "Ctrl-A, Ctrl-E", keys: "b\x01\x06\x06\x06\x06\x06a\x05c", line: "abc" },
  { name: "Home and Delete through the word", keys: "xabc\x1b[H\x1b[1;5C\x1b[C\x1b[3~", line: "abc" },
  { name: "Ctrl-W then Ctrl-Y", keys: "one two\x17three \x19", line: "one three two" },
  { name: "Ctrl-K and Ctrl-Y", keys: "ab\x02\x0bc\x19", line: "acb" },
  { name: "Alt-B and Alt-D", keys: "one two\x1bb\x1bdTWO", line: "one TWO" },
  { name: "Alt-Backspace", keys: "one two\x1b\x7fx", line: "one x" },
  { name: "kills in a row join", keys: "a b c\x17\x17\x19", line: "a b c" },
  { name: "Alt-Y turns the kill ring", keys: "one\x17two\x17\x19\x1by", line: "one" },
  { name: "undo", keys: "abc def\x17\x1f", line: "abc def" },
  { name: "Ctrl-T", keys: "ba\x14", line: "ab" },
  { name: "Alt-U", keys: "abc\x1bb\x1bu", line: "ABC" },
  { name: "an escape sequence cut in two chunks is still one", keys: "ac\x1b[", line: "" },
];

test.each(edited.filter(({ line }) => line !== ""))("editing: $name", ({ keys, line }) => {
  const terminal = openTerminal();
  terminal.type("echo ");
  for (const key of [keys]) terminal.type(key);
  const output = terminal.type("\r");
  expect(output.split("\x1b[?2004l\r")[1]).toBe(`${line}\r\n${PROMPT}`);
});

test("an escape sequence may come in pieces", () => {
  const terminal = openTerminal();
  terminal.type("echo ac\x1b");
  terminal.type("[");
  terminal.type("Db\r");
  expect(terminal.output).toContain("abc\r\n");
});

test("typed text without a newline stays in the editor", () => {
  const terminal = openTerminal();
  expect(terminal.type("kubectl get pods")).toBe("kubectl get pods");
  expect(terminal.type("\x15echo ok\r")).toContain("\r\x1b[?2004l\rok\r\n".slice(1));
});

test("history: arrows, Ctrl-R, !!", () => {
  const terminal = openTerminal();
  terminal.type("echo one\r");
  terminal.type("echo two\r");
  expect(terminal.type("\x1b[A\x1b[A\r")).toContain("one\r\n");
  expect(terminal.type("\x12tw\r")).toContain("two\r\n");
  expect(terminal.type("!!\r")).toContain("echo two\r\ntwo\r\n");
  expect(terminal.type("!nosuch\r")).toContain("bash: !nosuch: event not found\r\n");
});

test("several lines: PS2, here-document, backslash, quote", () => {
  const terminal = openTerminal();
  terminal.type("for i in 1 2\r");
  expect(terminal.type("do echo $i; done\r")).toContain("\r1\r\n2\r\n");
  terminal.type("cat <<E\r");
  terminal.type("a $HOME\r");
  expect(terminal.type("E\r")).toContain("\ra /root\r\n");
  terminal.type("echo a\\\r");
  expect(terminal.type("b\r")).toContain("\rab\r\n");
  terminal.type("echo 'x\r");
  expect(terminal.type("y'\r")).toContain("\rx\r\ny\r\n");
});

test("bracketed paste is text until Enter", () => {
  const terminal = openTerminal();
  expect(terminal.type("\x1b[200~echo a\necho b\n\x1b[201~")).not.toContain("\x1b[?2004l");
  expect(terminal.type("\r")).toContain("a\r\nb\r\n");
});

test("completion: command, file, variable, list on the second Tab", () => {
  const terminal = openTerminal({ files: { "/root/alpha.txt": "x", "/root/alps.txt": "y", "/root/with space": "z" } });
  expect(terminal.type("ech\t")).toBe("echo ");
  expect(terminal.type("al\t")).toBe("alp");
  expect(terminal.type("\t")).toBe("\x07");
  expect(terminal.type("\t")).toContain("alpha.txt  alps.txt\r\n");
  expect(terminal.type("s\t")).toBe("s.txt ");
  expect(terminal.type("wi\t")).toBe("with\\ space ");
  expect(terminal.type("$HOM\t")).toBe("$HOME ");
});

test("programs may bring their own completion", () => {
  const programs = makeShellPrograms({
    completers: new Map([
      [
        "docker",
        function* ({ index }) {
          return index === 1 ? ["ps", "pull", "logs"] : undefined;
        },
      ],
    ]),
  });
  const docker: Program = function* (process) {
    yield* process.print(`docker ${process.argv.slice(1).join(" ")}\n`);
    return process.argv[1] === "logs" ? 0 : 1;
  };
  const terminal = openTerminal({ extra: { ...Object.fromEntries(programs), docker } });
  expect(terminal.type("docker l\t")).toBe("docker logs ");
  terminal.type("\x15");
  // Telex typed by accident: the sub-command is not known as typed; the line meant is one key away.
  expect(terminal.type("docker lóg web\r")).toContain(
    "A Vietnamese input method is on. Press Up for: docker logs web\r\n",
  );
  expect(terminal.type("\x1b[A\r")).toContain("docker logs web\r\n");
});

test("job control: stop, list, background, foreground, interrupt", () => {
  const terminal = openTerminal();
  terminal.type("sleep 100\r");
  expect(terminal.type("\x1a")).toBe(`^Z\r\n[1]+  Stopped                 sleep 100\r\n${PROMPT}`);
  expect(terminal.type("jobs\r")).toBe(run("jobs", "[1]+  Stopped                 sleep 100\r\n"));
  expect(terminal.type("bg\r")).toBe(run("bg", "[1]+ sleep 100 &\r\n"));
  expect(terminal.type("fg\r")).toBe("fg\r\n\x1b[?2004l\rsleep 100\r\n");
  expect(terminal.type("\x03")).toBe(`^C\r\n${PROMPT}`);
  expect(terminal.type("sleep 0.5 &\r", 100)).toMatch(/\[1\] \d+\r\n/);
  terminal.settle(1000);
  expect(terminal.type("\r")).toBe(`\r\n\x1b[?2004l\r[1]+  Done                    sleep 0.5\r\n${PROMPT}`);
  terminal.type("sleep 100 &\r");
  expect(terminal.type("kill %1\r") + terminal.type("\r")).toContain("[1]+  Terminated              sleep 100\r\n");
});

test.each([
  "while :; do :; done",
  "while true; do echo x > /dev/null; done",
  "for ((;;)); do x=1; done",
  "yes > /dev/null",
  "cat /dev/zero > /dev/null",
  "f() { while :; do sleep 1; done; }; f",
  "sleep 50; echo never",
  "cat",
])("Ctrl-C stops %s", (command) => {
  const terminal = openTerminal();
  terminal.type(`${command}\r`, 300);
  const output = terminal.type("\x03");
  expect(output).toBe(`^C\r\n${PROMPT}`);
  expect(terminal.type("echo $?\r")).toContain("\r130\r\n");
});

test("a program in the background that reads the terminal stops", () => {
  const terminal = openTerminal();
  terminal.type("cat &\r");
  expect(terminal.type("\r")).toContain("[1]+  Stopped                 cat\r\n");
});

test("Ctrl-D leaves, but tells of stopped jobs first", () => {
  const terminal = openTerminal();
  terminal.type("sleep 100\r");
  terminal.type("\x1a");
  expect(terminal.type("\x04")).toContain("exit\r\nThere are stopped jobs.\r\n");
  terminal.type("\x04");
  expect(terminal.process.alive).toBe(false);
});

test("Ctrl-C at the prompt drops the line", () => {
  const terminal = openTerminal();
  expect(terminal.type("abc\x03")).toContain("abc^C\r\n");
  expect(terminal.type("echo $?\r")).toContain("130\r\n");
});

test("long lines wrap, and editing in the middle redraws them", () => {
  const terminal = openTerminal({ columns: 30 });
  terminal.type(`echo ${"x".repeat(40)}`);
  terminal.type("\x01\x1b[Cy");
  expect(terminal.type("\x01\x04\x04echo \x1b[F\r")).toBeTruthy();
});

test("what is typed while a command runs reaches the next prompt", () => {
  const terminal = openTerminal();
  expect(terminal.type("sleep 1\recho later\r", 5000)).toContain("later\r\n");
});

test("read takes its line from the terminal, hidden with -s", () => {
  const terminal = openTerminal();
  terminal.type("read -p 'name? ' n; echo hi $n\r");
  expect(terminal.type("Lan\r")).toBe(`Lan\r\nhi Lan\r\n${PROMPT}`);
  terminal.type("read -s p; echo; echo len ${#p}\r");
  expect(terminal.type("secret\r")).toBe(`\r\nlen 6\r\n${PROMPT}`);
});

test("prompt escapes and exit status", () => {
  const terminal = openTerminal({ env: { PS1: "[\\u@\\h \\W $?]\\$ " } });
  expect(terminal.output).toContain("[root@laptop ~ 0]# ");
  expect(terminal.type("false\r")).toContain("[root@laptop ~ 1]# ");
});

test("sh is dash, ash is BusyBox's: their prompts and words", () => {
  const dash = openTerminal({ argv: ["sh"] });
  expect(dash.output).toBe("# ");
  expect(dash.type("foo\r")).toBe("foo\r\nsh: 1: foo: not found\r\n# ");
  const ash = openTerminal({ argv: ["/busybox/bin/sh"], env: { PATH: "/busybox/bin" } });
  expect(ash.output).toBe("~ # ");
  expect(ash.type("foo\r")).toBe("foo\r\n/busybox/bin/sh: foo: not found\r\n~ # ");
});

test("a second exit in a row leaves although jobs are stopped", () => {
  const terminal = openTerminal();
  terminal.type("sleep 100\r");
  terminal.type("\x1a");
  expect(terminal.type("exit\r")).toContain("There are stopped jobs.\r\n");
  terminal.type("exit\r");
  expect(terminal.process.alive).toBe(false);
});
