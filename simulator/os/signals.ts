/** Signals by name, number and default action (signal(7), x86-64). */
export type SignalName =
  | "HUP"
  | "INT"
  | "QUIT"
  | "ILL"
  | "TRAP"
  | "ABRT"
  | "BUS"
  | "FPE"
  | "KILL"
  | "USR1"
  | "SEGV"
  | "USR2"
  | "PIPE"
  | "ALRM"
  | "TERM"
  | "STKFLT"
  | "CHLD"
  | "CONT"
  | "STOP"
  | "TSTP"
  | "TTIN"
  | "TTOU"
  | "URG"
  | "XCPU"
  | "XFSZ"
  | "VTALRM"
  | "PROF"
  | "WINCH"
  | "IO"
  | "PWR"
  | "SYS";

/** In the order of their numbers, from 1. */
export const signalNames: readonly SignalName[] = [
  "HUP",
  "INT",
  "QUIT",
  "ILL",
  "TRAP",
  "ABRT",
  "BUS",
  "FPE",
  "KILL",
  "USR1",
  "SEGV",
  "USR2",
  "PIPE",
  "ALRM",
  "TERM",
  "STKFLT",
  "CHLD",
  "CONT",
  "STOP",
  "TSTP",
  "TTIN",
  "TTOU",
  "URG",
  "XCPU",
  "XFSZ",
  "VTALRM",
  "PROF",
  "WINCH",
  "IO",
  "PWR",
  "SYS",
];

export const signalNumber = (name: SignalName): number => signalNames.indexOf(name) + 1;

/** Reads `TERM`, `SIGTERM`, `sigterm` or `15`; undefined when there is no such signal. */
export function parseSignal(text: string): SignalName | undefined {
  if (/^\d+$/.test(text)) return signalNames[Number(text) - 1];
  const name = text.toUpperCase().replace(/^SIG/, "");
  return signalNames.find((candidate) => candidate === name);
}

export type DefaultAction = "terminate" | "ignore" | "stop" | "continue";

export function defaultAction(name: SignalName): DefaultAction {
  switch (name) {
    case "CHLD":
    case "URG":
    case "WINCH":
      return "ignore";
    case "STOP":
    case "TSTP":
    case "TTIN":
    case "TTOU":
      return "stop";
    case "CONT":
      return "continue";
    default:
      return "terminate";
  }
}

/** How a process ended. A shell shows a signal as 128 + its number. */
export type ExitStatus = { readonly code: number; readonly signal?: SignalName; readonly oomKilled?: boolean };

export const exitedWith = (code: number): ExitStatus => ({ code: code & 255 });

export const killedBy = (signal: SignalName, oomKilled = false): ExitStatus => ({
  code: 128 + signalNumber(signal),
  signal,
  ...(oomKilled ? { oomKilled } : {}),
});
