/** What unwinds the interpreter: break, continue, return, exit, and errors that end a command or the shell. */

export class BreakLoop {
  constructor(public levels: number) {}
}

export class ContinueLoop {
  constructor(public levels: number) {}
}

export class ReturnFromFunction {
  constructor(readonly status: number) {}
}

/** `exit`, `set -e`, or a fatal error of a shell that is not interactive. */
export class ShellExit {
  constructor(readonly status: number) {}
}

/** A failed expansion or special builtin: the message is printed already. Ends the command line. */
export class CommandAborted {
  constructor(
    readonly status: number,
    /** A shell that is not interactive ends. */
    readonly fatal: boolean,
  ) {}
}

/** An expansion that cannot be done; the text is worded for the shell's message. */
export class ExpansionError {
  constructor(
    readonly message: string,
    readonly status = 1,
    readonly fatal = true,
  ) {}
}
