"use client";
/** The lesson's page: text and terminals beside each other, or one behind the other where there is no room. */
import dynamic from "next/dynamic";
import { useTranslations } from "next-intl";
import { type ReactNode, useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import type { Language } from "@/lib/i18n/languages";
import type { DebriefStep, Quiz, Task } from "@/lib/lessons/schema";
import type { WorldSpec } from "@/lib/playground/protocol";
import { hostFor, NEW_VIEW, type WorldHost } from "@/lib/playground/worker-host";
import { TouchKeys } from "../_terminal/touch-keys";
import { Divider } from "../_ui/split";
import { GoalStrip } from "./goal-strip";
import { Failed, Held, Notices } from "./notices";
import { StatusBar } from "./status-bar";
import { TerminalTabs } from "./terminal-tabs";
import { type LessonWorld, WorldContext } from "./world-context";

const Terminal = dynamic(() => import("../_terminal/terminal").then((module) => module.Terminal), { ssr: false });
const Editor = dynamic(() => import("./editor").then((module) => module.Editor), { ssr: false });

interface Props {
  readonly spec: Omit<WorldSpec, "lesson">;
  readonly tasks: readonly Task[];
  readonly quiz?: readonly Quiz[];
  readonly debrief?: readonly DebriefStep[];
  readonly language: Language;
  readonly children: ReactNode;
  /** What stands below the text. */
  readonly end: ReactNode;
}

const NOTHING: readonly never[] = [];

const never = () => () => {};

export function Workspace(props: Props) {
  const { spec, tasks, quiz = NOTHING, debrief = NOTHING, language } = props;
  const text = useTranslations("lesson");
  const [host, setHost] = useState<WorldHost>();
  const view = useSyncExternalStore(host?.subscribe ?? never, host?.view ?? (() => NEW_VIEW), () => NEW_VIEW);
  const [pane, setPane] = useState<"read" | "terminal">("read");
  const [active, setActive] = useState(1);
  const [tabs, setTabs] = useState<readonly number[]>([1]);
  /** Commands for terminals that are not open yet. */
  const pending = useRef<{ terminal: number; text: string }[]>([]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a world is its key and its start; a new language is not a new world.
  useEffect(() => {
    const found = hostFor({ ...spec, lesson: { tasks: [...tasks] } });
    found.setVisible(document.visibilityState === "visible");
    setHost(found);
    const onVisible = () => found.setVisible(document.visibilityState === "visible");
    document.addEventListener("visibilitychange", onVisible);
    return () => {
      document.removeEventListener("visibilitychange", onVisible);
      found.setVisible(false);
    };
  }, [spec.key, spec.startHash]);

  // The tabs are the terminals that the world has, and always one.
  const open = view.terminals.join();
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new world, or one restored, brings its own terminals.
  useEffect(() => {
    if (view.phase !== "ready") return;
    setTabs((shown) => {
      const all = new Set([...view.terminals, ...(view.terminals.length === 0 ? [1] : shown)]);
      return [...all].sort((a, b) => a - b);
    });
  }, [open, view.phase, view.generation]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: only a new world closes them all.
  useEffect(() => {
    setTabs([1]);
    setActive(1);
  }, [view.generation]);

  useEffect(() => {
    if (host === undefined) return;
    const ready = pending.current.filter((item) => view.terminals.includes(item.terminal));
    pending.current = pending.current.filter((item) => !ready.includes(item));
    for (const item of ready) host.input({ kind: "type", terminal: item.terminal, text: item.text });
  }, [host, view.terminals]);

  const type = useCallback(
    (command: string, isRun: boolean, wanted?: number) => {
      const terminal = wanted ?? active;
      const line = command.replace(/\r?\n/g, "\r") + (isRun ? "\r" : "");
      if (!tabs.includes(terminal)) setTabs([...tabs, terminal].sort((a, b) => a - b));
      if (terminal !== active) setActive(terminal);
      setPane("terminal");
      if (host?.view().phase === "ready" && host.view().terminals.includes(terminal))
        host.input({ kind: "type", terminal, text: line });
      else pending.current.push({ terminal, text: line });
      if (!isRun) focusTerminal(terminal);
    },
    [active, host, tabs],
  );

  const isReview = spec.review !== undefined;
  const world = useMemo<LessonWorld>(
    () => ({ language, tasks, quiz, debrief, view, type, ...(isReview ? { onHint: () => host?.hint() } : {}) }),
    [language, tasks, quiz, debrief, view, type, host, isReview],
  );
  const isReady = view.phase === "ready";
  const label = (terminal: number) => text("tab", { number: terminal });

  return (
    <WorldContext value={world}>
      <div className="flex min-h-0 flex-1 flex-col">
        <div
          role="tablist"
          aria-label={text("panes")}
          className="flex shrink-0 border-b border-line bg-surface lg:hidden"
        >
          {(["read", "terminal"] as const).map((name) => (
            <button
              key={name}
              type="button"
              role="tab"
              id={`tab-${name}`}
              aria-selected={pane === name}
              aria-controls={`pane-${name}`}
              onClick={() => setPane(name)}
              className={`flex-1 border-b-2 py-2.5 text-[0.9375rem] font-medium ${pane === name ? "border-mark text-ink" : "border-transparent text-ink-3"}`}
            >
              {text(name)}
            </button>
          ))}
        </div>
        <div data-split className="split-on-wide min-h-0 flex-1">
          <main
            id="main"
            className={`relative min-h-0 overflow-y-auto overscroll-contain ${pane === "read" ? "" : "max-lg:hidden"}`}
          >
            <div id="pane-read" className="mx-auto w-full max-w-[46rem] px-5 pt-8 pb-24 sm:px-9">
              {props.children}
              {props.end}
            </div>
          </main>
          <div aria-hidden="true" className="max-lg:hidden" />
          <section
            id="pane-terminal"
            aria-label={text("terminal")}
            className={`relative flex h-full min-h-0 min-w-0 flex-col bg-term ${pane === "terminal" ? "" : "max-lg:hidden"}`}
          >
            <Divider label={text("divider")} />
            <GoalStrip onOpen={() => setPane("read")} />
            <TerminalTabs
              tabs={tabs}
              active={active}
              isEnabled={isReady}
              onPick={(terminal) => {
                setActive(terminal);
                focusTerminal(terminal);
              }}
              onNew={() => {
                const terminal = [1, 2, 3, 4, 5, 6].find((number) => !tabs.includes(number)) ?? 1;
                setTabs([...tabs, terminal].sort((a, b) => a - b));
                setActive(terminal);
                focusTerminal(terminal);
              }}
              onClose={(terminal) => {
                host?.close(terminal);
                const left = tabs.filter((tab) => tab !== terminal);
                setTabs(left);
                if (active === terminal) setActive(left[0] ?? 1);
              }}
            />
            <div className="relative min-h-0 flex-1">
              {host && view.phase !== "held"
                ? tabs.map((terminal) => (
                    <Terminal
                      key={`${view.generation}-${terminal}`}
                      host={host}
                      terminal={terminal}
                      isShown={terminal === active}
                      isReady={isReady}
                      label={label(terminal)}
                    />
                  ))
                : null}
              {view.phase === "starting" ? (
                <p className="absolute top-4 left-5 font-mono text-sm text-ink-3">{text("starting")}</p>
              ) : null}
              {host && view.phase === "held" ? <Held onTakeOver={() => host.takeOver()} /> : null}
              {view.phase === "failed" && view.failure ? <Failed failure={view.failure} /> : null}
              {host && view.editor ? (
                <Editor
                  key={view.editor.path}
                  path={view.editor.path}
                  content={view.editor.content}
                  onSave={(content) => {
                    host.input({ kind: "save", path: view.editor!.path, content });
                    host.closeEditor();
                    focusTerminal(active);
                  }}
                  onClose={() => {
                    host.input({ kind: "close-editor", path: view.editor!.path });
                    host.closeEditor();
                    focusTerminal(active);
                  }}
                />
              ) : null}
              {host ? <Notices host={host} view={view} /> : null}
            </div>
            <p id="terminal-help" className="sr-only">
              {text("terminalHelp")}
            </p>
            <TouchKeys
              label={text("keys")}
              onKey={(keys) => host?.input({ kind: "type", terminal: active, text: keys })}
            />
            {host ? <StatusBar host={host} view={view} /> : <div className="h-9 shrink-0 border-t border-line" />}
          </section>
        </div>
      </div>
      <GoalAnnouncer tasks={tasks} language={language} view={view} />
    </WorldContext>
  );
}

/** Tells screen readers of goals as they are met, and of nothing else. */
function GoalAnnouncer({ tasks, language, view }: Pick<LessonWorld, "tasks" | "language" | "view">) {
  const text = useTranslations("lesson");
  const known = useRef<ReadonlySet<string>>(undefined);
  const [message, setMessage] = useState("");
  useEffect(() => {
    if (view.phase !== "ready") return;
    const met = new Set(view.goals.filter((goal) => goal.met).map((goal) => goal.id));
    const fresh = known.current === undefined ? [] : [...met].filter((id) => !known.current?.has(id));
    known.current = met;
    if (fresh.length === 0) return;
    const titles = tasks.flatMap((task) => task.goals).filter((goal) => fresh.includes(goal.id));
    setMessage(titles.map((goal) => text("goalMet", { goal: goal.title[language] })).join(". "));
  }, [view.goals, view.phase, tasks, language, text]);
  return (
    <p role="status" className="sr-only">
      {message}
    </p>
  );
}

/** After the click's own focus change, and after a new terminal has had time to appear. */
function focusTerminal(terminal: number): void {
  setTimeout(() => {
    document.querySelector<HTMLTextAreaElement>(`[data-terminal="${terminal}"] textarea`)?.focus();
  }, 120);
}
