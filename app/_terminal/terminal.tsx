"use client";
/** One terminal on the page: xterm.js, loaded after the first paint. It knows bytes, not commands. */
import "@xterm/xterm/css/xterm.css";
import type { FitAddon } from "@xterm/addon-fit";
import type { Terminal as Xterm } from "@xterm/xterm";
import { useEffect, useRef } from "react";
import type { TerminalChunk } from "@/lib/playground/protocol";
import type { WorldHost } from "@/lib/playground/worker-host";
import { attachInputMethod, cleanPaste } from "./ime";
import { terminalTheme } from "./theme";

interface Props {
  readonly host: WorldHost;
  readonly terminal: number;
  readonly isShown: boolean;
  /** The world is replaying: what is shown is the past, and terminals do not answer it. */
  readonly isReady: boolean;
  readonly label: string;
}

/** How long after Escape a Tab leaves the terminal. */
const LEAVE_MS = 1500;

export function Terminal({ host, terminal, isShown, isReady, label }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const xterm = useRef<Xterm>(undefined);
  const fit = useRef<() => void>(undefined);
  const ready = useRef(isReady);
  ready.current = isReady;

  useEffect(() => {
    let isGone = false;
    const cleanups: (() => void)[] = [];
    void load().then((parts) => {
      if (isGone || !box.current) return;
      const { term, fitAddon } = open(parts, box.current, label);
      xterm.current = term;
      cleanups.push(connect(host, terminal, term, fitAddon, box.current, ready, fit));
    });
    return () => {
      isGone = true;
      for (const cleanup of cleanups) cleanup();
      xterm.current = undefined;
      fit.current = undefined;
    };
  }, [host, terminal, label]);

  useEffect(() => {
    if (!isReady) return;
    fit.current?.();
    if (isShown && !matchMedia("(pointer: coarse)").matches && document.activeElement === document.body)
      xterm.current?.focus();
  }, [isReady, isShown]);

  return (
    <div
      ref={box}
      data-terminal={terminal}
      className="absolute inset-0 overflow-hidden"
      style={{ visibility: isShown ? "visible" : "hidden" }}
    />
  );
}

interface Parts {
  readonly Terminal: typeof Xterm;
  readonly FitAddon: typeof FitAddon;
  readonly UnicodeGraphemesAddon: typeof import("@xterm/addon-unicode-graphemes").UnicodeGraphemesAddon;
}

/** The code, and the font: cells are measured once, and must not be measured on a fallback. */
async function load(): Promise<Parts> {
  const [core, fitting, graphemes] = await Promise.all([
    import("@xterm/xterm"),
    import("@xterm/addon-fit"),
    import("@xterm/addon-unicode-graphemes"),
    Promise.race([
      document.fonts.load('14px "JetBrains Mono Variable"', "mMệ"),
      new Promise((late) => setTimeout(late, 1500)),
    ]),
  ]);
  return {
    Terminal: core.Terminal,
    FitAddon: fitting.FitAddon,
    UnicodeGraphemesAddon: graphemes.UnicodeGraphemesAddon,
  };
}

function open(parts: Parts, box: HTMLElement, label: string) {
  const term = new parts.Terminal({
    fontFamily: '"JetBrains Mono Variable", "DejaVu Sans Mono", Menlo, Consolas, "Liberation Mono", monospace',
    fontSize: Number(localStorage.getItem("terminal-font")) || (innerWidth < 500 ? 12.5 : 14 * rootScale()),
    // Ễ and ặ are as tall as a letter and a half.
    lineHeight: 1.38,
    letterSpacing: 0,
    cursorBlink: !matchMedia("(prefers-reduced-motion: reduce)").matches,
    cursorStyle: "bar",
    cursorWidth: 2,
    scrollback: 5000,
    theme: terminalTheme(),
    allowProposedApi: true,
    macOptionIsMeta: true,
    rightClickSelectsWord: false,
  });
  const fitAddon = new parts.FitAddon();
  term.loadAddon(fitAddon);
  term.loadAddon(new parts.UnicodeGraphemesAddon());
  term.open(box);
  term.textarea?.setAttribute("aria-label", label);
  term.textarea?.setAttribute("aria-describedby", "terminal-help");
  return { term, fitAddon };
}

function connect(
  host: WorldHost,
  terminal: number,
  term: Xterm,
  fitAddon: FitAddon,
  box: HTMLElement,
  ready: { readonly current: boolean },
  fitNow: { current: (() => void) | undefined },
): () => void {
  /** Writes of the past under way. Their questions (where is the cursor?) were answered when they were asked. */
  let past = 0;
  const send = (text: string) => host.input({ kind: "type", terminal, text: text.normalize("NFC") });
  const write = (chunk: TerminalChunk, isPast: boolean) => {
    if (!("bytes" in chunk)) {
      term.resize(chunk.columns, chunk.rows);
      return;
    }
    if (!isPast) {
      term.write(chunk.bytes);
      return;
    }
    past++;
    term.write(chunk.bytes, () => {
      past--;
    });
  };
  let isDrawingPast = true;
  const unlisten = host.listen(terminal, (chunk) => write(chunk, isDrawingPast || !ready.current));
  isDrawingPast = false;

  const onData = term.onData((text) => {
    if (past === 0) send(text);
  });
  const detach = term.textarea ? attachInputMethod(box, term.textarea, send) : () => {};

  let escapedAt = Number.NEGATIVE_INFINITY;
  term.attachCustomKeyEventHandler((event) => {
    if (event.type !== "keydown") return true;
    const isTabAway = event.key === "Tab" && event.timeStamp - escapedAt < LEAVE_MS;
    if (event.key !== "Shift") escapedAt = event.key === "Escape" ? event.timeStamp : Number.NEGATIVE_INFINITY;
    // Left to the browser: Tab after Escape, paste, and the keys that switch input methods.
    if (isTabAway) return false;
    const isCtrl = event.ctrlKey && !event.altKey && !event.metaKey;
    if (isCtrl && event.code === "KeyV") return false;
    if (isCtrl && event.code === "KeyC" && (event.shiftKey || term.hasSelection())) {
      copySelection(term);
      event.preventDefault();
      return false;
    }
    if (event.ctrlKey && event.code === "Space") return false;
    return true;
  });
  const onPaste = (event: ClipboardEvent) => {
    event.preventDefault();
    event.stopImmediatePropagation();
    const text = cleanPaste(event.clipboardData?.getData("text/plain") ?? "");
    if (text !== "") term.paste(text);
  };
  box.addEventListener("paste", onPaste, true);

  const measure = () => {
    if (!ready.current || box.clientWidth < 40 || box.clientHeight < 40) return;
    fitAddon.fit();
    host.size(terminal, term.cols, term.rows);
  };
  fitNow.current = measure;
  let waiting: ReturnType<typeof setTimeout> | undefined;
  const resized = new ResizeObserver(() => {
    clearTimeout(waiting);
    waiting = setTimeout(measure, 60);
  });
  resized.observe(box);
  measure();

  const themed = new MutationObserver(() => {
    term.options.theme = terminalTheme();
  });
  themed.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  return () => {
    clearTimeout(waiting);
    unlisten();
    onData.dispose();
    detach();
    box.removeEventListener("paste", onPaste, true);
    resized.disconnect();
    themed.disconnect();
    term.dispose();
  };
}

function copySelection(term: Xterm): void {
  const text = term.getSelection();
  if (text !== "") void navigator.clipboard?.writeText(text).catch(() => {});
  term.clearSelection();
}

/** How much larger than usual the page's own text is (globals.css makes it so on very wide screens). */
const rootScale = (): number => Number.parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
