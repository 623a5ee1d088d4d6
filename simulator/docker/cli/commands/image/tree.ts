/** docker image ls --tree: images newest first, each under all of its names, in columns that fit the terminal. */
import type { Process } from "../../../../os/process";
import { humanSizeWithPrecision } from "../../../../text/human-size";
import { shortId } from "../../format";

/** What of an image the tree shows. */
export interface TreeImage {
  readonly Id: string;
  readonly RepoTags: readonly string[] | null;
  readonly Created: number;
  readonly Size: number;
}

const GAP = 3;
/** The first column keeps at least this; columns go from the right before it gets narrower. */
const NAME_LEAST = 12;
const DEFAULT = "39";

interface Column {
  readonly title: string;
  readonly width: number;
  readonly alignRight?: boolean;
  readonly value: (image: TreeImage, paint: Paint) => string;
}

/** Colours text, or leaves it where nobody watches. */
type Paint = (text: string, ...codes: readonly string[]) => string;

/** What is in use, as the legend has it; `width` is what the eye sees. */
const chip = (isTerminal: boolean): { readonly text: string; readonly width: number } =>
  isTerminal ? { text: "\x1b[38;5;0m\x1b[48;5;14m U \x1b[0m", width: 3 } : { text: "U", width: 1 };

const COLUMNS: readonly Column[] = [
  { title: "ID", width: 12, value: (image, paint) => paint(shortId(image.Id), DEFAULT) },
  {
    title: "DISK USAGE",
    width: 10,
    alignRight: true,
    value: (image, paint) => paint(humanSizeWithPrecision(image.Size, 3), DEFAULT),
  },
  // The classic image store keeps no compressed content.
  { title: "CONTENT SIZE", width: 12, alignRight: true, value: (_, paint) => paint("0B", DEFAULT) },
];

const EXTRA_WIDTH = 5;

const visible = (text: string): number => [...text.replace(/\x1b\[[0-9;]*m/g, "")].length;

/** By repository, in one with the highest tag first: `latest` stands above versions. */
function byRepository(a: string, b: string): number {
  const [first, second] = [a, b].map((name) => name.slice(0, name.lastIndexOf(":")));
  return first! < second! ? -1 : first! > second! ? 1 : a > b ? -1 : 1;
}

/** `inUse`: ids of images that containers have. */
export function imageTree(process: Process, images: readonly TreeImage[], inUse: ReadonlySet<string>): string {
  const tty = process.ttyOf(1);
  const width = Math.max(20, tty?.columns ?? 80);
  const paint: Paint = (text, ...codes) =>
    tty ? `${codes.map((code) => `\x1b[${code}m`).join("")}${text}\x1b[0m` : text;
  let nameWidth = width;
  const columns: Column[] = [];
  let hasExtra = true;
  for (const column of COLUMNS) {
    if (nameWidth - column.width - GAP < NAME_LEAST) {
      hasExtra = false;
      break;
    }
    nameWidth -= column.width + GAP;
    columns.push(column);
  }
  if (hasExtra && nameWidth - EXTRA_WIDTH - GAP >= NAME_LEAST) nameWidth -= EXTRA_WIDTH + GAP;
  else hasExtra = false;
  const namesOf = (image: TreeImage): readonly string[] =>
    image.RepoTags?.length ? [...image.RepoTags].sort(byRepository) : ["<untagged>"];
  const widest = Math.max("IMAGE".length, ...images.flatMap((image) => namesOf(image).map((name) => name.length)));
  nameWidth = Math.min(nameWidth, widest);

  const gap = " ".repeat(GAP);
  const padded = (text: string, to: number, alignRight = false): string => {
    const fill = " ".repeat(Math.max(0, to - visible(text)));
    return alignRight ? fill + text : text + fill;
  };
  const sign = chip(tty !== undefined);
  const info = tty ? `${paint("i", "1", "106", "30")}\x1b[0m ${paint("Info → ", "96")}\x1b[0m` : "Info -> ";
  const legend = `${info} ${sign.text} In Use `;
  let out = `${paint("WARNING: This is an experimental feature. The output may change and shouldn't be depended on.", "93")}\n`;
  out += `${" ".repeat(Math.max(0, width - visible(legend)))}${legend}\n\n`;
  const head = (title: string): string => paint(title, DEFAULT, "1");
  out += [
    padded(head("IMAGE"), nameWidth),
    ...columns.map((column) => padded(head(column.title), column.width)),
    ...(hasExtra ? [padded(head("EXTRA"), EXTRA_WIDTH)] : []),
  ].join(gap);
  out += "\n";
  for (const image of [...images].sort((a, b) => b.Created - a.Created)) {
    const names = namesOf(image);
    const name = (text: string): string => paint(text, "34", "1");
    // Only the last name shares its line with the rest, and only it must fit.
    for (const each of names.slice(0, -1)) out += `${name(each)}\n`;
    const last = names.at(-1)!;
    const fits = last.length <= nameWidth ? last : `${last.slice(0, nameWidth - 1)}…`;
    out += [
      padded(name(fits), nameWidth),
      ...columns.map((column) => padded(column.value(image, paint), column.width, column.alignRight)),
      ...(hasExtra ? [padded(inUse.has(image.Id) ? sign.text : "", EXTRA_WIDTH)] : []),
    ].join(gap);
    out += "\n";
  }
  return out;
}
