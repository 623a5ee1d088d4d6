/** Types of migrate.mjs. */
export function deploy(url?: string): Promise<string[]>;
export function target(url?: string): {
  readonly database: "sqlite" | "postgresql";
  readonly url: string;
  readonly path?: string;
};
