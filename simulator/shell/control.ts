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

/** The message is printed already: the rest of the input line is dropped. */
export class CommandAborted {
  constructor(
    readonly status: number,
    /** Ctrl-C: everything up to the prompt ends, not just a line of a script. */
    readonly interrupt: boolean,
  ) {}
}

/** An expansion that cannot be done; the text is worded for the shell's message. */
export class ExpansionError {
  constructor(
    readonly message: string,
    readonly status = 1,
    /** Drops the rest of the line; else only the command fails. */
    readonly fatal = true,
    /** A shell that is not interactive ends. */
    readonly exits = false,
  ) {}
}
