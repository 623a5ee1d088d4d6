export const BLANK: string;
export function newLesson(options: {
  readonly content: string;
  readonly course?: string;
  readonly unit: string | undefined;
  readonly id: string | undefined;
}): string;
