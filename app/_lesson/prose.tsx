"use client";
/** The components lessons are written with. */
import { useTranslations } from "next-intl";
import { Fragment, type ReactNode, useId, useState } from "react";
import { InlineCode } from "../_ui/inline-code";
import { GoalSign } from "./goal-sign";
import { useWorld } from "./world-context";

const textOf = (node: ReactNode): string =>
  typeof node === "string" || typeof node === "number"
    ? String(node)
    : Array.isArray(node)
      ? node.map(textOf).join("")
      : typeof node === "object" && node !== null && "props" in node
        ? textOf((node.props as { readonly children?: ReactNode }).children)
        : "";

/** A command. A click, or Enter on it, runs it. */
export function Cmd({ children, terminal }: { readonly children: ReactNode; readonly terminal?: number }) {
  const text = useTranslations("lesson");
  const { type, view } = useWorld();
  const [isCopied, setCopied] = useState(false);
  const command = textOf(children).trim();
  const copy = () => {
    void navigator.clipboard?.writeText(command).then(
      () => {
        setCopied(true);
        setTimeout(() => setCopied(false), 1600);
      },
      () => {},
    );
  };
  return (
    <span className="group/cmd flex items-stretch overflow-hidden rounded-lg border border-line bg-sea/50 font-mono text-[0.875rem] leading-[1.6] transition-colors hover:border-mark/60">
      <button
        type="button"
        aria-label={text("run", { command })}
        disabled={view.phase === "held" || view.phase === "failed"}
        onClick={() => type(command, true, terminal)}
        className="flex min-w-0 flex-1 items-start gap-3 px-3.5 py-2.5 text-left"
      >
        <span aria-hidden="true" className="text-mark select-none">
          $
        </span>
        <span className="min-w-0 flex-1 wrap-anywhere whitespace-pre-wrap">
          <Words command={command} />
        </span>
        <span
          aria-hidden="true"
          className="hidden shrink-0 self-center font-sans text-xs font-medium text-mark opacity-0 transition-opacity group-hover/cmd:opacity-100 group-focus-within/cmd:opacity-100 sm:inline"
        >
          {text("runShort")} ↵
        </span>
      </button>
      <button
        type="button"
        onClick={copy}
        aria-label={isCopied ? text("copied") : text("copy")}
        title={text("copy")}
        className="grid w-10 shrink-0 place-items-center border-l border-line text-ink-3 hover:bg-sea hover:text-ink"
      >
        <svg
          viewBox="0 0 16 16"
          className="size-4"
          fill="none"
          stroke="currentColor"
          strokeWidth="1.3"
          strokeLinejoin="round"
          strokeLinecap="round"
          aria-hidden="true"
        >
          {isCopied ? <path d="M3.5 8.5l3 3 6-7" /> : <path d="M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8z" />}
        </svg>
      </button>
    </span>
  );
}

/** Words that are broken at a hyphen only when they would not fit a line of their own. */
const UNBROKEN_MAX = 30;

function Words({ command }: { readonly command: string }) {
  return command.split(/(\s+)/).map((word, index) => {
    // A long option keeps its name in one piece: "--" alone at a line's end looks like a word.
    const head = word.length <= UNBROKEN_MAX ? word : (/^--?[^=]*=?/.exec(word)?.[0] ?? "");
    return (
      // biome-ignore lint/suspicious/noArrayIndexKey: the words of one command never move.
      <Fragment key={index}>
        {head.trim() === "" ? head : <span className="whitespace-nowrap">{head}</span>}
        {word.slice(head.length)}
      </Fragment>
    );
  });
}

export function Predict(props: {
  readonly question: string;
  readonly options: readonly string[];
  readonly answer: number;
  readonly children: ReactNode;
}) {
  const text = useTranslations("lesson");
  const [chosen, setChosen] = useState<number>();
  return (
    <Choices
      title={text("predict")}
      question={props.question}
      options={props.options}
      answer={props.answer}
      chosen={chosen}
      isFinal
      onChoose={setChosen}
    >
      <p className="font-medium">{chosen === props.answer ? text("predictRight") : text("predictWrong")}</p>
      <div className="mt-1 [&>*+*]:mt-2">{props.children}</div>
    </Choices>
  );
}

export function Quiz() {
  const text = useTranslations("lesson");
  const { quiz, language } = useWorld();
  const [chosen, setChosen] = useState<Readonly<Record<number, number>>>({});
  if (quiz.length === 0) return null;
  return (
    <section className="space-y-5">
      {quiz.map((item, index) => (
        <Choices
          key={item.question.en}
          title={quiz.length > 1 ? `${text("quiz")} ${index + 1}/${quiz.length}` : text("quiz")}
          question={item.question[language]}
          options={item.options.map((option) => option[language])}
          answer={item.answer}
          chosen={chosen[index]}
          onChoose={(option) => setChosen({ ...chosen, [index]: option })}
        >
          <p className="font-medium">{chosen[index] === item.answer ? text("quizRight") : text("quizWrong")}</p>
          {chosen[index] === item.answer ? (
            <p className="mt-1">
              <InlineCode text={item.why[language]} />
            </p>
          ) : null}
        </Choices>
      ))}
    </section>
  );
}

interface ChoicesProps {
  readonly title: string;
  readonly question: string;
  readonly options: readonly string[];
  readonly answer: number;
  readonly chosen: number | undefined;
  /** One guess, and the answer is told; else one may try on. */
  readonly isFinal?: boolean;
  readonly onChoose: (option: number) => void;
  readonly children: ReactNode;
}

function Choices({ title, question, options, answer, chosen, isFinal, onChoose, children }: ChoicesProps) {
  const name = useId();
  const isOver = chosen !== undefined && (isFinal || chosen === answer);
  return (
    <fieldset className="rounded-xl border border-buff-line bg-buff px-5 pt-4 pb-5">
      <legend className="float-left w-full text-sm text-ink-2">{title}</legend>
      <p className="clear-both pt-0.5 font-medium">
        <InlineCode text={question} />
      </p>
      <div className="mt-3 space-y-1.5">
        {options.map((option, index) => {
          const isRight = isOver && index === answer;
          const isWrong = chosen === index && index !== answer;
          return (
            <label
              key={option}
              className={`flex cursor-pointer items-start gap-3 rounded-lg border px-3.5 py-2 text-base leading-normal transition-colors has-disabled:cursor-default has-focus-visible:outline-2 has-focus-visible:outline-mark ${
                isRight
                  ? "border-go bg-go-soft"
                  : isWrong
                    ? "border-stop/60 bg-stop-soft"
                    : "border-buff-line bg-surface/60 hover:border-mark/50"
              }`}
            >
              <input
                type="radio"
                name={name}
                checked={chosen === index}
                disabled={isOver}
                onChange={() => onChoose(index)}
                className="mt-[0.32rem] accent-(--mark)"
              />
              <span>
                <InlineCode text={option} />
              </span>
            </label>
          );
        })}
      </div>
      <div aria-live="polite" className={chosen === undefined ? "" : "mt-4 text-base"}>
        {chosen === undefined ? null : children}
      </div>
    </fieldset>
  );
}

/** A task of the lesson where the text sets it: goals with the reason for each that is not met, and hints. */
export function TaskCard({ id }: { readonly id: string }) {
  const text = useTranslations("lesson");
  const { tasks, view, language, type, onHint } = useWorld();
  const [shown, setShown] = useState(0);
  const index = tasks.findIndex((task) => task.id === id);
  const task = tasks[index];
  if (task === undefined) return null;
  const states = task.goals.map((goal) => view.goals.find((state) => state.id === goal.id));
  const isDone = states.every((state) => state?.met);
  return (
    <section
      id={`task-${id}`}
      aria-label={`${text("task", { number: index + 1 })}: ${task.title[language]}`}
      className={`scroll-mt-6 rounded-xl border bg-raised shadow-chart ${isDone ? "border-go/50" : "border-line"}`}
    >
      <header className="flex items-baseline gap-3 px-5 pt-4">
        <span className="text-sm text-ink-3 tabular-nums">{text("task", { number: index + 1 })}</span>
        <span className="flex-1 font-semibold">{task.title[language]}</span>
        {isDone ? <span className="text-sm font-medium text-go">{text("taskDone")}</span> : null}
      </header>
      <ul className="space-y-3 px-5 pt-3 pb-4 text-base leading-normal">
        {task.goals.map((goal, place) => (
          <GoalLine key={goal.id} title={goal.title[language]} state={states[place]} />
        ))}
      </ul>
      {task.hints.length > 0 && !isDone ? (
        <div className="border-t border-line-2 px-5 py-3 text-base">
          <ol className="space-y-2.5">
            {task.hints.slice(0, shown).map((hint, place) => (
              <li key={hint.en} className="text-ink-2">
                <span className="block text-sm text-ink-3">
                  {text("hintOf", { number: place + 1, total: task.hints.length })}
                </span>
                <InlineCode text={hint[language]} />
                {hint.command ? (
                  <button
                    type="button"
                    onClick={() => type(hint.command!, false)}
                    className="mt-2 block rounded-md border border-line px-3 py-1.5 text-sm font-medium text-ink hover:border-mark hover:text-mark"
                  >
                    {text("hintCommand")}
                  </button>
                ) : null}
              </li>
            ))}
          </ol>
          {shown < task.hints.length ? (
            <button
              type="button"
              onClick={() => {
                setShown(shown + 1);
                onHint?.();
              }}
              className={`text-[0.9375rem] font-medium text-mark hover:underline ${shown > 0 ? "mt-3" : ""}`}
            >
              {shown === 0 ? text("hint") : text("hintMore")}
            </button>
          ) : null}
        </div>
      ) : null}
    </section>
  );
}

function GoalLine({
  title,
  state,
}: {
  readonly title: string;
  readonly state: ReturnType<typeof useWorld>["view"]["goals"][number] | undefined;
}) {
  const text = useTranslations("lesson");
  const { language, type } = useWorld();
  const why = state?.met ? undefined : state?.explanation;
  return (
    <li className="flex gap-3">
      <GoalSign isMet={state?.met ?? false} />
      <div className="min-w-0 flex-1">
        <p>
          <InlineCode text={title} />
          <span className="sr-only"> ({state?.met ? text("met") : text("unmet")})</span>
        </p>
        {why ? (
          <details className="group/why mt-0.5">
            <summary className="w-fit cursor-pointer list-none text-sm text-ink-3 hover:text-ink [&::-webkit-details-marker]:hidden">
              <span aria-hidden="true" className="mr-1 inline-block transition-transform group-open/why:rotate-90">
                ›
              </span>
              {text("why")}
            </summary>
            <dl className="mt-1.5 grid grid-cols-[auto_1fr] gap-x-4 gap-y-1 text-[0.9375rem] text-ink-2">
              <dt className="text-ink-3">{text("expected")}</dt>
              <dd>
                <InlineCode text={why.expected[language]} />
              </dd>
              <dt className="text-ink-3">{text("found")}</dt>
              <dd>
                <InlineCode text={why.found[language]} />
              </dd>
              {why.look ? (
                <>
                  <dt className="text-ink-3">{text("look")}</dt>
                  <dd>
                    <button
                      type="button"
                      onClick={() => type(why.look, true)}
                      className="inline-code text-left font-mono hover:text-mark"
                      aria-label={text("run", { command: why.look })}
                    >
                      {why.look}
                    </button>
                  </dd>
                </>
              ) : null}
            </dl>
          </details>
        ) : null}
      </div>
    </li>
  );
}
