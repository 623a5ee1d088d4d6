"use client";
/** Keys that phones do not have, in a row above the keyboard. */
const KEYS: readonly (readonly [string, string])[] = [
  ["Esc", "\x1b"],
  ["Tab", "\t"],
  ["Ctrl-C", "\x03"],
  ["↑", "\x1b[A"],
  ["↓", "\x1b[B"],
  ["←", "\x1b[D"],
  ["→", "\x1b[C"],
  ["-", "-"],
  ["/", "/"],
  ["|", "|"],
  ["$", "$"],
];

export function TouchKeys({ label, onKey }: { readonly label: string; readonly onKey: (text: string) => void }) {
  return (
    <div
      role="toolbar"
      aria-label={label}
      className="hidden shrink-0 gap-1.5 overflow-x-auto border-t border-line bg-surface px-2 py-1.5 pointer-coarse:flex"
    >
      {KEYS.map(([name, text]) => (
        <button
          key={name}
          type="button"
          // The terminal keeps the focus, and the phone its keyboard.
          onPointerDown={(event) => event.preventDefault()}
          onClick={() => onKey(text)}
          className="min-w-10 shrink-0 rounded-md border border-line px-2.5 py-1.5 font-mono text-sm text-ink-2 active:bg-sea"
        >
          {name}
        </button>
      ))}
    </div>
  );
}
