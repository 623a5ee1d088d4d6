/** What encoding/json says about a text that is not JSON. */

/** The error of json.Unmarshal, or undefined for valid JSON. */
export function goJsonError(text: string): string | undefined {
  const scanner = new Scanner(text);
  return scanner.run();
}

class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  run(): string | undefined {
    const problem = this.#value();
    if (problem) return problem;
    this.#space();
    return this.#at < this.#text.length ? this.#unexpected("after top-level value") : undefined;
  }

  #space(): void {
    while (/[ \t\r\n]/.test(this.#text[this.#at] ?? "")) this.#at++;
  }

  #unexpected(context: string): string {
    const ch = this.#text[this.#at];
    if (ch === undefined) return "unexpected end of JSON input";
    const shown = ch === "'" ? `'\\''` : ch === '"' ? `'"'` : `'${ch.replace("\n", "\\n").replace("\t", "\\t")}'`;
    return `invalid character ${shown} ${context}`;
  }

  #value(): string | undefined {
    this.#space();
    const ch = this.#text[this.#at];
    if (ch === "{") return this.#object();
    if (ch === "[") return this.#array();
    if (ch === '"') return this.#string();
    const literal = /^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?)/.exec(this.#text.slice(this.#at));
    if (!literal) return this.#unexpected("looking for beginning of value");
    this.#at += literal[0].length;
    return undefined;
  }

  #object(): string | undefined {
    this.#at++;
    this.#space();
    if (this.#text[this.#at] === "}") {
      this.#at++;
      return undefined;
    }
    for (;;) {
      this.#space();
      if (this.#text[this.#at] !== '"') return this.#unexpected("looking for beginning of object key string");
      const key = this.#string();
      if (key) return key;
      this.#space();
      if (this.#text[this.#at] !== ":") return this.#unexpected("after object key");
      this.#at++;
      const value = this.#value();
      if (value) return value;
      this.#space();
      const ch = this.#text[this.#at];
      if (ch !== "," && ch !== "}") return this.#unexpected("after object key:value pair");
      this.#at++;
      if (ch === "}") return undefined;
    }
  }

  #array(): string | undefined {
    this.#at++;
    this.#space();
    if (this.#text[this.#at] === "]") {
      this.#at++;
      return undefined;
    }
    for (;;) {
      const value = this.#value();
      if (value) return value;
      this.#space();
      const ch = this.#text[this.#at];
      if (ch !== "," && ch !== "]") return this.#unexpected("after array element");
      this.#at++;
      if (ch === "]") return undefined;
    }
  }

  #string(): string | undefined {
    this.#at++;
    for (;;) {
      const ch = this.#text[this.#at];
      if (ch === undefined) return "unexpected end of JSON input";
      if (ch < " ") return this.#unexpected("in string literal");
      this.#at += ch === "\\" ? 2 : 1;
      if (ch === '"') return undefined;
    }
  }
}
