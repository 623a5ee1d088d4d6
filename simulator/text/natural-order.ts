/** facette/natsort's order: runs of digits compare by their number, everything else as text. */
import { compareStrings } from "./strconv";

export function naturalOrder(a: string, b: string): number {
  const x = a.match(/\d+|\D+/g) ?? [];
  const y = b.match(/\d+|\D+/g) ?? [];
  for (let i = 0; i < x.length && i < y.length; i++) {
    if (x[i] === y[i]) continue;
    const bothDigits = /^\d/.test(x[i]!) && /^\d/.test(y[i]!);
    if (bothDigits && Number(x[i]) !== Number(y[i])) return Number(x[i]) - Number(y[i]);
    return compareStrings(x[i]!, y[i]!);
  }
  return x.length - y.length;
}
