/** http.exchange: programs on the laptop had an HTTP answer (curl, wget), as the network saw it. */
import * as z from "zod/mini";
import { plural } from "../plural";
import { type Text, defineCheck, met, unmet } from "../verdict";

const schema = z.strictObject({
  kind: z.literal("http.exchange"),
  /** Host or address as it was called; absent: any. */
  host: z.optional(z.string()),
  port: z.optional(z.int()),
  /** A regular expression over the path. */
  path: z.optional(z.string()),
  status: z._default(z.int(), 200),
  /** Text the answer must hold. */
  body: z.optional(z.string()),
  /** How many such answers. */
  count: z._default(z.int().check(z.positive()), 1),
  /** How many different bodies among them (different Pods answer with their own names). */
  distinct: z.optional(z.int().check(z.positive())),
});

export const httpExchange = defineCheck({
  kind: "http.exchange",
  schema,
  names: (check) => (check.port === undefined ? [] : [String(check.port)]),
  evaluate(check, observation) {
    const target = `${check.host ?? "…"}${check.port === undefined ? "" : `:${check.port}`}`;
    const all = observation.exchanges().filter((exchange) => addressed(check, exchange.url));
    const good = all.filter(
      (exchange) =>
        exchange.status === check.status && (check.body === undefined || exchange.body.includes(check.body)),
    );
    const bodies = new Set(good.map((exchange) => exchange.body)).size;
    if (good.length >= check.count && bodies >= (check.distinct ?? 1)) return met;
    const wantsBody: Text =
      check.body === undefined
        ? { vi: "", en: "" }
        : { vi: `, có \`${check.body}\``, en: `, holding \`${check.body}\`` };
    const wantsMany: Text =
      check.distinct !== undefined
        ? {
            vi: `, từ ít nhất ${check.distinct} Pod khác nhau`,
            en: `, from at least ${plural(check.distinct, "different Pod")}`,
          }
        : check.count > 1
          ? { vi: `, ${check.count} lần`, en: `, ${check.count} times` }
          : { vi: "", en: "" };
    const last = all.at(-1);
    const found: Text =
      good.length > 0
        ? check.distinct !== undefined && bodies < check.distinct
          ? {
              vi: `${good.length} câu trả lời, từ ${bodies} Pod.`,
              en: `${plural(good.length, "answer")}, from ${plural(bodies, "Pod")}.`,
            }
          : {
              vi: `Mới có ${good.length} trên ${check.count} câu trả lời.`,
              en: `${good.length} of ${plural(check.count, "answer")} so far.`,
            }
        : last === undefined
          ? { vi: "Chưa có lời gọi HTTP nào tới đó được trả lời.", en: "No HTTP call to it has been answered yet." }
          : {
              vi: `Lần gọi gần nhất trả về ${last.status}: \`${excerpt(last.body)}\`.`,
              en: `The last call answered ${last.status}: \`${excerpt(last.body)}\`.`,
            };
    return unmet(
      {
        vi: `HTTP ${check.status} từ \`${target}\`${wantsBody.vi}${wantsMany.vi}.`,
        en: `HTTP ${check.status} from \`${target}\`${wantsBody.en}${wantsMany.en}.`,
      },
      found,
      `curl -i http://${check.host ?? "localhost"}${check.port === undefined ? "" : `:${check.port}`}/`,
    );
  },
});

function addressed(check: z.infer<typeof schema>, url: string): boolean {
  const match = /^(https?):\/\/([^/:]+)(?::(\d+))?(\/[^?]*)?/.exec(url);
  if (!match) return false;
  const port = match[3] ? Number(match[3]) : match[1] === "https" ? 443 : 80;
  if (check.host !== undefined && !sameHost(check.host, match[2]!)) return false;
  if (check.port !== undefined && port !== check.port) return false;
  return check.path === undefined || new RegExp(check.path).test(match[4] ?? "/");
}

const loopback = new Set(["localhost", "127.0.0.1", "0.0.0.0"]);
const sameHost = (a: string, b: string): boolean => a === b || (loopback.has(a) && loopback.has(b));

const excerpt = (body: string): string => {
  const line = body.trim().split("\n")[0] ?? "";
  return line.length > 60 ? `${line.slice(0, 60)}…` : line;
};
