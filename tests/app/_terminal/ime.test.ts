/** Event streams as browsers and input methods send them, written down one event a line. */
import { describe, expect, test } from "vitest";
import { cleanPaste, InputMethod, type KeyPress } from "@/app/_terminal/ime";

interface Recorded extends Partial<KeyPress> {
  readonly type: "keydown" | "start" | "end" | "input";
  /** Of an input: the textarea's whole content after it. */
  readonly value?: string;
}

const NO_KEY: KeyPress = {
  keyCode: 0,
  code: "",
  isComposing: false,
  ctrlKey: false,
  altKey: false,
  metaKey: false,
  shiftKey: false,
};

/** What the machine is sent; keys that xterm would handle appear as [code]. */
function play(events: readonly Recorded[]): string {
  const method = new InputMethod();
  let sent = "";
  for (const event of events) {
    if (event.type === "start") method.start();
    else if (event.type === "end") method.end();
    else if (event.type === "input") sent += method.changed(event.value ?? "");
    else {
      const verdict = method.key({ ...NO_KEY, ...event });
      if (verdict.kind === "send") {
        method.cleared();
        sent += verdict.text;
      }
      if (verdict.kind === "pass") sent += `[${event.code ?? ""}]`;
    }
  }
  return sent;
}

/** What a line editor would show: backspace takes the last character. */
function shown(bytes: string): string {
  const line: string[] = [];
  for (const ch of bytes) {
    if (ch === "\x7f") line.pop();
    else line.push(ch);
  }
  return line.join("");
}

const hidden = (code: string, more: Partial<KeyPress> = {}): Recorded => ({
  type: "keydown",
  keyCode: 229,
  code,
  ...more,
});
const input = (value: string): Recorded => ({ type: "input", value });

describe("composition", () => {
  test("macOS Telex: vieetj becomes việt, each step redone in place", () => {
    const sent = play([
      hidden("KeyV"),
      { type: "start" },
      input("v"),
      hidden("KeyI", { isComposing: true }),
      input("vi"),
      hidden("KeyE", { isComposing: true }),
      input("vie"),
      hidden("KeyE", { isComposing: true }),
      input("viê"),
      hidden("KeyT", { isComposing: true }),
      input("viêt"),
      hidden("KeyJ", { isComposing: true }),
      input("việt"),
      { type: "end" },
      input("việt"),
    ]);
    expect(sent).toBe("vie\x7fêt\x7f\x7fệt");
    expect(shown(sent)).toBe("việt");
  });

  test("the same when the text comes decomposed (NFD) and after the composition's end (Safari)", () => {
    const sent = play([
      hidden("KeyE"),
      { type: "start" },
      input("e"),
      input("ê".normalize("NFD")),
      { type: "end" },
      input("ệ".normalize("NFD")),
    ]);
    expect(shown(sent)).toBe("ệ");
    expect(shown(sent).normalize("NFC")).toBe(shown(sent));
  });

  test("Backspace during composition deletes once", () => {
    const sent = play([
      { type: "start" },
      input("kub"),
      hidden("Backspace", { isComposing: true }),
      input("ku"),
      { type: "end" },
    ]);
    expect(shown(sent)).toBe("ku");
    expect(sent.split("\x7f").length - 1).toBe(1);
  });

  test("Gboard: a word is committed with the blank after it, no word twice", () => {
    const sent = play([
      hidden(""),
      { type: "start" },
      input("d"),
      hidden("", { isComposing: true }),
      input("do"),
      input("doc"),
      input("docker"),
      { type: "end" },
      input("docker "),
      hidden(""),
      { type: "start" },
      input("docker p"),
      input("docker ps"),
      { type: "end" },
    ]);
    expect(sent).toBe("docker ps");
  });

  test("Enter under 229 is a carriage return", () => {
    expect(play([{ type: "start" }, input("ls"), { type: "end" }, hidden("Enter"), input("ls\n")])).toBe("ls\r");
  });
});

describe("keys an input method hides", () => {
  test.each([
    ["Ctrl-C", hidden("KeyC", { ctrlKey: true }), "\x03"],
    ["Ctrl-D", hidden("KeyD", { ctrlKey: true }), "\x04"],
    [
      "Ctrl-L while composing",
      { type: "keydown", keyCode: 76, code: "KeyL", ctrlKey: true, isComposing: true } satisfies Recorded,
      "\x0c",
    ],
    ["Escape", hidden("Escape"), "\x1b"],
    ["Tab", hidden("Tab"), "\t"],
    ["Backspace with nothing in the textarea", hidden("Backspace"), "\x7f"],
  ])("%s", (_name, event, expected) => {
    expect(play([event])).toBe(expected);
  });

  test.each([
    ["Ctrl+Shift switches input methods", hidden("ShiftLeft", { ctrlKey: true, shiftKey: true })],
    ["Alt+Z switches UniKey off", hidden("KeyZ", { altKey: true })],
    ["Ctrl+Space", hidden("Space", { ctrlKey: true })],
  ])("%s: nothing is sent", (_name, event) => {
    expect(play([event])).toBe("");
  });

  test("Ctrl-C in the middle of a word: the word is not sent again with the next one", () => {
    const sent = play([
      { type: "start" },
      input("vie"),
      hidden("KeyC", { ctrlKey: true, isComposing: true }),
      { type: "end" },
      { type: "start" },
      input("l"),
      input("ls"),
      { type: "end" },
    ]);
    expect(sent).toBe("vie\x03ls");
  });
});

describe("backspace injection (UniKey, EVKey, OpenKey)", () => {
  test("its keys are real keys and go through xterm", () => {
    const sent = play([
      { type: "keydown", keyCode: 8, code: "Backspace" },
      { type: "keydown", keyCode: 8, code: "Backspace" },
      { type: "keydown", keyCode: 231, code: "" },
    ]);
    expect(sent).toBe("[Backspace][Backspace][]");
  });
});

test("what replaces text in the textarea without composing (autocorrect, dictation) is a diff", () => {
  expect(play([input("deplyo"), input("deploy")])).toBe("deplyo\x7f\x7foy");
});

test("a grapheme of several code points is one Backspace", () => {
  expect(play([input("a👩‍💻"), input("a")])).toBe("a👩‍💻\x7f");
});

test("pasting keeps lines and tabs, drops what could act as a key, composes", () => {
  expect(cleanPaste("kubectl\tget\r\npods\x1b[201~\x03 ệ".normalize("NFD"))).toBe("kubectl\tget\r\npods[201~ ệ");
});
