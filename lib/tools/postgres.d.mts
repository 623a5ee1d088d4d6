/** Types of postgres.mjs. */
export function postgresBinaries(): string | undefined;
export function startPostgres(): Promise<{ readonly url: string; stop(): void }>;
