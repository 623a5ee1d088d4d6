/** In development: what is wrong with the content, with file, line and column. */
import type { ContentProblem } from "@/lib/lessons/problems";

export function Problems({ problems }: { readonly problems: readonly ContentProblem[] }) {
  return (
    <div role="alert" className="max-h-60 shrink-0 overflow-auto border-b border-stop bg-stop-soft px-5 py-3 text-sm">
      <ul className="space-y-1 font-mono">
        {problems.map((problem) => (
          <li key={`${problem.file}:${problem.line}:${problem.column}:${problem.message}`}>
            <strong className="font-semibold">
              {problem.file}:{problem.line}:{problem.column}
            </strong>{" "}
            {problem.message}
          </li>
        ))}
      </ul>
    </div>
  );
}
