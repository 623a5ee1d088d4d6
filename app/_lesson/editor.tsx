"use client";
/** The page's editor, for when a program on the machine asks for one (vi, nano, kubectl edit). */
import { useTranslations } from "next-intl";
import { type KeyboardEvent, useEffect, useRef, useState } from "react";

interface Props {
  readonly path: string;
  readonly content: string;
  readonly onSave: (content: string) => void;
  readonly onClose: () => void;
}

export function Editor({ path, content, onSave, onClose }: Props) {
  const text = useTranslations("lesson");
  const [value, setValue] = useState(content);
  const area = useRef<HTMLTextAreaElement>(null);
  const isEscaped = useRef(false);
  useEffect(() => area.current?.focus(), []);
  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if ((event.ctrlKey || event.metaKey) && event.code === "KeyS") {
      event.preventDefault();
      save();
    } else if (event.key === "Tab" && !event.shiftKey && !isEscaped.current && !event.nativeEvent.isComposing) {
      // Two blanks, as YAML wants. Escape first, and Tab leaves the editor.
      event.preventDefault();
      document.execCommand("insertText", false, "  ");
    }
    if (event.key !== "Shift") isEscaped.current = event.key === "Escape";
  };
  const save = () => {
    onSave(value.normalize("NFC"));
  };
  return (
    <div className="absolute inset-0 z-10 flex flex-col bg-term">
      <div className="flex items-center gap-2 border-b border-line bg-surface px-4 py-2 text-sm">
        <span className="min-w-0 flex-1 truncate font-mono">
          {path}
          {value === content ? "" : " •"}
        </span>
        <button type="button" onClick={onClose} className="rounded-md px-3 py-1.5 hover:bg-sea">
          {text("close")}
        </button>
        <button
          type="button"
          onClick={save}
          className="rounded-md bg-mark px-3.5 py-1.5 font-medium text-mark-ink hover:brightness-110"
        >
          {text("save")}
        </button>
      </div>
      <textarea
        ref={area}
        value={value}
        onChange={(event) => setValue(event.target.value)}
        onKeyDown={onKeyDown}
        aria-label={text("editor", { path })}
        spellCheck={false}
        autoCapitalize="off"
        autoComplete="off"
        autoCorrect="off"
        wrap="off"
        className="min-h-0 flex-1 resize-none bg-transparent px-5 py-4 font-mono text-sm leading-[1.6] outline-none"
      />
    </div>
  );
}
