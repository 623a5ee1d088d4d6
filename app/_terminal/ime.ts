/**
 * Typing with an input method. xterm.js 6 guesses at what an input method did to its textarea and may send a word twice;
 * here the textarea is ours: what changed since the last look is sent as backspaces and text, in NFC, and no more.
 *
 * Two families. Composition (macOS, Gboard, ibus): keys arrive as keyCode 229 and the text in `input` events. Backspace
 * injection (UniKey, EVKey, OpenKey): real Backspace keys and real characters, which go through xterm untouched.
 */

/** What is read of a KeyboardEvent. */
export interface KeyPress {
  readonly keyCode: number;
  readonly code: string;
  readonly isComposing: boolean;
  readonly ctrlKey: boolean;
  readonly altKey: boolean;
  readonly metaKey: boolean;
  readonly shiftKey: boolean;
}

export type KeyVerdict =
  /** Not the input method's: xterm handles it. */
  | { readonly kind: "pass" }
  /** The input method's: its text comes with an `input` event. */
  | { readonly kind: "wait" }
  /** A control key that an input method hid: send this, and stop the browser. */
  | { readonly kind: "send"; readonly text: string };

const INPUT_METHOD = 229;
const graphemes = new Intl.Segmenter("vi", { granularity: "grapheme" });

export class InputMethod {
  /** The textarea's content, as far as it has been sent. */
  #sent = "";
  #isComposing = false;

  get isComposing(): boolean {
    return this.#isComposing;
  }

  key(press: KeyPress): KeyVerdict {
    const isHidden = press.keyCode === INPUT_METHOD || press.isComposing || this.#isComposing;
    if (!isHidden) return { kind: "pass" };
    if (press.ctrlKey && !press.altKey && !press.metaKey && !press.shiftKey) {
      const letter = /^Key([A-Z])$/.exec(press.code)?.[1];
      if (letter !== undefined) return { kind: "send", text: String.fromCharCode(letter.charCodeAt(0) & 31) };
    }
    if (press.code === "Escape" && press.keyCode === INPUT_METHOD && !this.#isComposing)
      return { kind: "send", text: "\x1b" };
    if (this.#isComposing || press.isComposing) return { kind: "wait" };
    // With nothing in the textarea the browser has nothing to delete or to leave, and no event would follow.
    if (this.#sent === "" && press.code === "Backspace") return { kind: "send", text: "\x7f" };
    if (press.code === "Tab") return { kind: "send", text: "\t" };
    return { kind: "wait" };
  }

  start(): void {
    this.#isComposing = true;
  }

  end(): void {
    this.#isComposing = false;
  }

  /** The textarea now holds `value`: what to send for that. */
  changed(value: string): string {
    const now = value.normalize("NFC");
    const before = [...this.#sent];
    const after = [...now];
    let same = 0;
    while (same < before.length && same < after.length && before[same] === after[same]) same++;
    const gone = before.slice(same).join("");
    this.#sent = now;
    const deleted = [...graphemes.segment(gone)].length;
    return (
      "\x7f".repeat(deleted) +
      after
        .slice(same)
        .join("")
        .replace(/\r\n?|\n/g, "\r")
    );
  }

  /** The textarea was emptied by us. */
  cleared(): void {
    this.#sent = "";
  }
}

/** Text that is pasted: NFC, and no control bytes that could end a bracketed paste or act as keys. */
export function cleanPaste(text: string): string {
  return text.normalize("NFC").replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u0080-\u009f]/g, "");
}

/** Takes the input method's events away from xterm. Returns what undoes it. */
export function attachInputMethod(
  container: HTMLElement,
  textarea: HTMLTextAreaElement,
  send: (text: string) => void,
): () => void {
  const method = new InputMethod();
  let clearing: ReturnType<typeof setTimeout> | undefined;
  /** A keypress came with this key: xterm has sent its text (it leaves Space and capitals to keypress) and lets it into the textarea. */
  let isPressed = false;
  const clear = () => {
    clearTimeout(clearing);
    if (textarea.value !== "") textarea.value = "";
    method.cleared();
  };
  /** After the events of this turn: some browsers report the committed text after the composition's end. */
  const clearSoon = () => {
    clearTimeout(clearing);
    clearing = setTimeout(() => {
      if (!method.isComposing) clear();
    }, 0);
  };
  const sendChange = () => {
    const text = method.changed(textarea.value);
    if (text !== "") send(text);
  };
  const mine = (event: Event): boolean => event.target === textarea;

  const onKeyDown = (event: KeyboardEvent) => {
    if (!mine(event)) return;
    isPressed = false;
    const verdict = method.key(event);
    if (verdict.kind === "pass") {
      if (textarea.value !== "" && event.key !== "Shift") clear();
      return;
    }
    event.stopImmediatePropagation();
    if (verdict.kind === "send") {
      event.preventDefault();
      clear();
      send(verdict.text);
    }
  };
  const onKeyPress = (event: Event) => {
    if (mine(event) && !method.isComposing) isPressed = true;
  };
  const onStart = (event: Event) => {
    if (!mine(event)) return;
    event.stopImmediatePropagation();
    clearTimeout(clearing);
    method.start();
  };
  const onUpdate = (event: Event) => {
    if (mine(event)) event.stopImmediatePropagation();
  };
  const onEnd = (event: Event) => {
    if (!mine(event)) return;
    event.stopImmediatePropagation();
    method.end();
    sendChange();
    clearSoon();
  };
  const onInput = (event: Event) => {
    if (!mine(event)) return;
    event.stopImmediatePropagation();
    if (isPressed && !method.isComposing) {
      isPressed = false;
      clear();
      return;
    }
    sendChange();
    if (/[\r\n]/.test(textarea.value)) clear();
    else if (!method.isComposing && textarea.value.length > 200) clearSoon();
  };
  const onBlur = (event: Event) => {
    if (mine(event)) clear();
  };
  const listeners: readonly [string, (event: never) => void][] = [
    ["keydown", onKeyDown],
    ["keypress", onKeyPress],
    ["compositionstart", onStart],
    ["compositionupdate", onUpdate],
    ["compositionend", onEnd],
    ["input", onInput],
    ["blur", onBlur],
  ];
  for (const [type, listener] of listeners) container.addEventListener(type, listener as EventListener, true);
  return () => {
    clearTimeout(clearing);
    for (const [type, listener] of listeners) container.removeEventListener(type, listener as EventListener, true);
  };
}
