/** Archives moved to os, where the shell and the docker CLI reach them too. */
export * from "../os/tar";
