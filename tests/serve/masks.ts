/** What may differ between two runs of the same command: ages, identifiers, addresses, random suffixes. */
const age = String.raw`(?:<invalid>|\d+y\d+d|\d+y|\d+d\d+h|\d+d|\d+h\d+m|\d+h|\d+m\d+s|\d+m|\d+s)`;
const suffix = "[bcdfghjklmnpqrstvwxz2456789]{5}";

const masks: readonly (readonly [RegExp, string])[] = [
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, "<uid>"],
  [/sha256:[0-9a-f]{64}/g, "<digest>"],
  [/\b[0-9a-f]{64}\b/g, "<id>"],
  [/eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+/g, "<jwt>"],
  [/\b(?=[0-9a-f]*\d)[0-9a-f]{12}\b/g, "<id>"],
  [/\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?: ?(?:Z|[+-]\d{2}:?\d{2})(?: [A-Z]{3})?)?/g, "<time>"],
  [/[A-Z][a-z]{2},? \d{1,2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} [+-]\d{4}/g, "<time>"],
  [
    /\b(?:Less than a second|About a minute|About an hour|\d+ (?:seconds?|minutes?|hours?|days?|weeks?|months?|years?))( ago)?/g,
    "<ago>",
  ],
  [/\b10\.(?:\d{1,3}\.){2}\d{1,3}\b/g, "<ip>"],
  [/(resourceVersion"?: )"\d+"/g, '$1"<rv>"'],
  [new RegExp(String.raw`-[0-9a-z]{8,10}-${suffix}\b`, "g"), "-<hash>-<rand>"],
  [/(pod-template-hash[=:] ?"?)[0-9a-z]{8,10}/g, "$1<hash>"],
  [/\b(web|api)-(?=[0-9a-z]*\d)[0-9a-z]{8,10}\b/g, "$1-<hash>"],
  [new RegExp(String.raw`(kube-api-access|[a-z][a-z0-9-]+)-${suffix}(?![\w-])`, "g"), "$1-<rand>"],
  [/X509SHA256=<id>/g, "X509SHA256=<digest>"],
  [/(nodePort"?: |TCP +)3[0-2]\d{3}/g, "$1<nodeport>"],
  [/:3[0-2]\d{3}(?=\/)/g, ":<nodeport>"],
  [/in \d+(?:\.\d+)?m?s \(\d+(?:\.\d+)?m?s including waiting\)/g, "in <duration>"],
  [/\b\d+(?:\.\d+)?(?:B|kB|MB|GB|KiB|MiB|GiB|Mi|m)\b/g, "<size>"],
  [/\b\d+(?:\.\d+)?%/g, "<percent>"],
  [/\(x\d+ over /g, "(x<n> over "],
  [new RegExp(String.raw`(?<=[\s(]|^)${age}(?=[\s)]|$)`, "gm"), "<age>"],
  // Go says these in the order of its goroutines or of its maps.
  [/(?:^Waiting for .*\n)+/gm, "Waiting…\n"],
  [/\bworker-[12]\b/g, "<node>"],
  [/[ \t]{2,}/g, "  "],
  [/[ \t]+$/gm, ""],
];

export const mask = (text: string): string => masks.reduce((masked, [from, to]) => masked.replace(from, to), text);
