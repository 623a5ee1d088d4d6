/** The path of a real client, fetched if it must be. Throws an Error that says what was tried when there is none. */
export function realClient(name: "kubectl" | "docker"): string;
