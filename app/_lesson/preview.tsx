/** A still piece of the first lesson for the landing page: a command, what it prints, the goal it meets and the one it does not. */
import type { Language } from "@/lib/i18n/languages";
import { GoalSign } from "./goal-sign";

const WORDS = {
  vi: {
    met: "Một container đang chạy, cổng 5001 nối vào cổng 5000 của nó",
    unmet: "Ứng dụng trả lời qua cổng 5001",
    expected: "Đang chờ",
    expectedText: "một lời đáp HTTP từ localhost:5001",
    found: "Đang có",
    foundText: "chưa có lời gọi nào đến cổng ấy",
    look: "Xem bằng",
  },
  en: {
    met: "A container is running, port 5001 connected to its port 5000",
    unmet: "The application answers on port 5001",
    expected: "Expected",
    expectedText: "an HTTP answer from localhost:5001",
    found: "Found",
    foundText: "nobody has called that port yet",
    look: "Look with",
  },
} as const;

export function Preview({ language, label }: { readonly language: Language; readonly label: string }) {
  const words = WORDS[language];
  return (
    <figure aria-label={label} className="overflow-hidden rounded-2xl border border-line bg-raised shadow-chart">
      <pre className="bg-term px-5 py-4 text-[0.75rem] leading-[1.7] wrap-anywhere whitespace-pre-wrap text-term-ink sm:text-sm">
        <span className="text-mark">$</span> docker run -d -p 5001:5000 in28min/hello-world-rest-api:0.0.1.RELEASE{"\n"}
        <span className="text-ink-2">e307711ddbd6ca012d5639bf8bbe03d1eabea446df9cc17ba4c66e29a9b312d7</span>
        {"\n"}
        <span className="text-mark">$</span>{" "}
        <span className="inline-block h-[1.1em] w-[2px] translate-y-[0.2em] bg-mark" />
      </pre>
      <ul className="space-y-3 border-t border-line px-5 py-5 text-[0.9375rem]">
        <li className="flex gap-3">
          <GoalSign isMet />
          <span>{words.met}</span>
        </li>
        <li className="flex gap-3">
          <GoalSign isMet={false} />
          <div className="min-w-0">
            <span>{words.unmet}</span>
            <dl className="mt-2 grid grid-cols-[auto_1fr] gap-x-4 gap-y-1 text-sm text-ink-2">
              <dt className="text-ink-3">{words.expected}</dt>
              <dd>{words.expectedText}</dd>
              <dt className="text-ink-3">{words.found}</dt>
              <dd>{words.foundText}</dd>
              <dt className="text-ink-3">{words.look}</dt>
              <dd>
                <code className="inline-code">curl localhost:5001/hello-world</code>
              </dd>
            </dl>
          </div>
        </li>
      </ul>
    </figure>
  );
}
