/** English counts in words: "1 Pod", "3 Pods", "1 reply", "2 replies". Vietnamese has one form. */

export const plural = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`;

/** The same where only the verb or the noun follows: "is" or "are". */
export const agree = (count: number, one: string, many: string): string => (count === 1 ? one : many);
