"use client";
/** The divider between lesson and terminal: by pointer, by arrow keys, remembered. */
import { type KeyboardEvent, type PointerEvent, useRef, useState } from "react";

const MIN = 25;
const MAX = 70;
const START = 46;

export function Divider({ label }: { readonly label: string }) {
  const [value, setValue] = useState(START);
  const isDragging = useRef(false);
  const set = (percent: number) => {
    const next = Math.min(MAX, Math.max(MIN, Math.round(percent * 10) / 10));
    document.documentElement.style.setProperty("--split", `${next}%`);
    setValue(Math.round(next));
    try {
      localStorage.setItem("split", `${next}%`);
    } catch {
      // No storage: it lasts as long as the page.
    }
  };
  const current = () => Number.parseFloat(document.documentElement.style.getPropertyValue("--split")) || START;
  const onPointerMove = (event: PointerEvent<HTMLElement>) => {
    if (!isDragging.current) return;
    const frame = event.currentTarget.closest("[data-split]")?.getBoundingClientRect();
    if (frame) set(((event.clientX - frame.left) / frame.width) * 100);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowLeft: -2, ArrowRight: 2, Home: -100, End: 100 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    set(current() + step);
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: a divider that moves has no element of its own.
    <div
      role="separator"
      aria-orientation="vertical"
      aria-label={label}
      aria-valuenow={value}
      aria-valuemin={MIN}
      aria-valuemax={MAX}
      tabIndex={0}
      onKeyDown={onKeyDown}
      onDoubleClick={() => set(START)}
      onPointerDown={(event) => {
        isDragging.current = true;
        event.currentTarget.setPointerCapture(event.pointerId);
        event.preventDefault();
      }}
      onPointerMove={onPointerMove}
      onPointerUp={() => {
        isDragging.current = false;
      }}
      className="group absolute inset-y-0 -left-[9px] hidden w-[9px] cursor-col-resize touch-none justify-center lg:flex"
    >
      <span className="w-px bg-line group-hover:w-[3px] group-hover:bg-mark group-focus-visible:w-[3px] group-focus-visible:bg-mark" />
    </div>
  );
}
