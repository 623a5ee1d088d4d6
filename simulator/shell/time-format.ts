/** The lines of bash's `time`. */

const clock = (ms: number): string => {
  const seconds = Math.max(0, Math.round(ms)) / 1000;
  const minutes = Math.floor(seconds / 60);
  return `${minutes}m${(seconds - minutes * 60).toFixed(3)}s`;
};

export function formatTimes(realMs: number, userMs: number, posix: boolean, format: string | undefined): string {
  if (posix) return `real ${(realMs / 1000).toFixed(2)}\nuser ${(userMs / 1000).toFixed(2)}\nsys 0.00\n`;
  if (format === undefined) return `\nreal\t${clock(realMs)}\nuser\t${clock(userMs)}\nsys\t${clock(0)}\n`;
  if (format === "") return "";
  return `${format.replace(
    /%(?:(\d)?(l)?([RUS])|P|%)/g,
    (all, digits: string | undefined, long: string | undefined, which: string | undefined) => {
      if (all === "%%") return "%";
      if (all === "%P") return realMs > 0 ? ((userMs / realMs) * 100).toFixed(2) : "0.00";
      const ms = which === "R" ? realMs : which === "U" ? userMs : 0;
      return long ? clock(ms) : (ms / 1000).toFixed(digits === undefined ? 3 : Number(digits));
    },
  )}\n`;
}
