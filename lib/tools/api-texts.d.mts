/** Makes the texts of `kubectl explain` from the installed package, when it has changed. */
export function generateApiTexts(root: string): void;
