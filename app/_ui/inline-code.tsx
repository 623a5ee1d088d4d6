/** Text of lesson.yaml with `code` between backticks, as elements. */
import { Fragment } from "react";

/** As in lib/lessons/prose.ts, which marks the code of a lesson's text. */
const SHORT_MAX = 24;

export function InlineCode({ text }: { readonly text: string }) {
  return text.split(/`([^`]+)`/).map((part, index) =>
    index % 2 === 1 ? (
      // biome-ignore lint/suspicious/noArrayIndexKey: the parts of one text never move.
      <code key={index} className={part.length <= SHORT_MAX ? "inline-code short" : "inline-code"}>
        {part}
      </code>
    ) : (
      // biome-ignore lint/suspicious/noArrayIndexKey: the parts of one text never move.
      <Fragment key={index}>{part}</Fragment>
    ),
  );
}
