/** Types of bundle.mjs. */
export function bundle(entry: string, root?: string): Promise<string>;
