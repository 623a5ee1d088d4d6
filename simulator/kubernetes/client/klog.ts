/** Lines as klog writes them: what Kubernetes' own components put into their logs. */
import { type Instant, civilTime } from "../../base/clock";

const pad = (value: number, width: number): string => String(value).padStart(width, "0");

/** klog's header: `I1123 12:02:30.156403    1234 kubelet.go:2537] `; the text brings file and message. */
export function klogLine(severity: "I" | "W" | "E", now: Instant, pid: number, text: string): string {
  const t = civilTime(now);
  const micros = Math.floor((now - Math.floor(now / 1000) * 1000) * 1000);
  const time = `${pad(t.hour, 2)}:${pad(t.minute, 2)}:${pad(t.second, 2)}.${pad(micros, 6)}`;
  return `${severity}${pad(t.month, 2)}${pad(t.day, 2)} ${time} ${String(pid).padStart(7)} ${text}`;
}
