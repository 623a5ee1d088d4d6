/** System call failures. A system call throws; the program that made it catches at its edge and words the message. */
export type Errno =
  | "E2BIG"
  | "EACCES"
  | "EADDRINUSE"
  | "EADDRNOTAVAIL"
  | "EAGAIN"
  | "EBADF"
  | "EBUSY"
  | "ECHILD"
  | "ECONNREFUSED"
  | "ECONNRESET"
  | "EEXIST"
  | "EFBIG"
  | "EHOSTUNREACH"
  | "EINTR"
  | "EINVAL"
  | "EIO"
  | "EISDIR"
  | "ELOOP"
  | "EMFILE"
  | "ENAMETOOLONG"
  | "ENETUNREACH"
  | "ENODEV"
  | "ENOENT"
  | "ENOEXEC"
  | "ENOMEM"
  | "ENOSPC"
  | "ENOTCONN"
  | "ENOTDIR"
  | "ENOTEMPTY"
  | "ENOTTY"
  | "EPERM"
  | "EPIPE"
  | "EROFS"
  | "ESPIPE"
  | "ESRCH"
  | "ETIMEDOUT"
  | "ETXTBSY"
  | "EXDEV";

/** The words of glibc's strerror. */
const words: Record<Errno, string> = {
  E2BIG: "Argument list too long",
  EACCES: "Permission denied",
  EADDRINUSE: "Address already in use",
  EADDRNOTAVAIL: "Cannot assign requested address",
  EAGAIN: "Resource temporarily unavailable",
  EBADF: "Bad file descriptor",
  EBUSY: "Device or resource busy",
  ECHILD: "No child processes",
  ECONNREFUSED: "Connection refused",
  ECONNRESET: "Connection reset by peer",
  EEXIST: "File exists",
  EFBIG: "File too large",
  EHOSTUNREACH: "No route to host",
  EINTR: "Interrupted system call",
  EINVAL: "Invalid argument",
  EIO: "Input/output error",
  EISDIR: "Is a directory",
  ELOOP: "Too many levels of symbolic links",
  EMFILE: "Too many open files",
  ENAMETOOLONG: "File name too long",
  ENETUNREACH: "Network is unreachable",
  ENODEV: "No such device",
  ENOENT: "No such file or directory",
  ENOEXEC: "Exec format error",
  ENOMEM: "Cannot allocate memory",
  ENOSPC: "No space left on device",
  ENOTCONN: "Transport endpoint is not connected",
  ENOTDIR: "Not a directory",
  ENOTEMPTY: "Directory not empty",
  ENOTTY: "Inappropriate ioctl for device",
  EPERM: "Operation not permitted",
  EPIPE: "Broken pipe",
  EROFS: "Read-only file system",
  ESPIPE: "Illegal seek",
  ESRCH: "No such process",
  ETIMEDOUT: "Connection timed out",
  ETXTBSY: "Text file busy",
  EXDEV: "Invalid cross-device link",
};

export class SysError extends Error {
  override name = "SysError";
  readonly code: Errno;

  constructor(code: Errno, detail?: string) {
    super(detail ? `${detail}: ${words[code]}` : words[code]);
    this.code = code;
  }

  /** strerror's words alone. */
  get text(): string {
    return words[this.code];
  }
}

/** The words of a failed system call; anything else is our bug and is thrown on. */
export function strerror(error: unknown): string {
  if (error instanceof SysError) return error.text;
  throw error;
}
