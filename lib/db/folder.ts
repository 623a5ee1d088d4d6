/** Where the server keeps its files: the SQLite database and the cookie secret. */
import { join, resolve } from "node:path";

export const dataFolder = (): string =>
  resolve(
    /* turbopackIgnore: true */ process.env["DATA_DIR"] ?? join(/* turbopackIgnore: true */ process.cwd(), ".data"),
  );
