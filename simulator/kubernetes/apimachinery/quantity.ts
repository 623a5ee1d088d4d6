/** Quantities (apimachinery/pkg/api/resource): exact arithmetic in nano units, canonical text as upstream prints it. */

export type QuantityFormat = "DecimalSI" | "BinarySI" | "DecimalExponent";

export interface Quantity {
  /** Value times 10^9, exact. */
  readonly nano: bigint;
  readonly format: QuantityFormat;
}

/** The error a malformed quantity gets from the decoder. */
export const QUANTITY_SYNTAX =
  "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

const NANO = 1_000_000_000n;
const pattern = /^([+-]?)(\d*)(?:\.(\d*))?((?:[numkMGTPE]|[KMGTPE]i)?|[eE][+-]?\d+)$/;
const decimalExponents: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  "": 0,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};
const binaryShifts: Readonly<Record<string, bigint>> = { Ki: 10n, Mi: 20n, Gi: 30n, Ti: 40n, Pi: 50n, Ei: 60n };

const cache = new Map<string, Quantity>();

/** Reads a quantity; undefined when it is malformed. Fractions below a nano are rounded away from zero. */
export function parseQuantity(input: string | number): Quantity | undefined {
  const text = String(input);
  const known = cache.get(text);
  if (known) return known;
  const m = pattern.exec(text);
  if (!m || (!m[2] && !m[3])) return undefined;
  const suffix = m[4]!;
  const digits = BigInt(`${m[2]}${m[3] ?? ""}` || "0");
  const fraction = (m[3] ?? "").length;
  let nano: bigint;
  let format: QuantityFormat = "DecimalSI";
  const shift = binaryShifts[suffix];
  if (shift !== undefined) {
    format = "BinarySI";
    nano = divideUp((digits * NANO) << shift, 10n ** BigInt(fraction));
  } else {
    let exponent = decimalExponents[suffix];
    if (exponent === undefined) {
      format = "DecimalExponent";
      exponent = Number(suffix.slice(1));
      if (Math.abs(exponent) > 1000) return undefined;
    }
    const power = exponent + 9 - fraction;
    nano = power >= 0 ? digits * 10n ** BigInt(power) : divideUp(digits, 10n ** BigInt(-power));
  }
  const quantity = Object.freeze({ nano: m[1] === "-" ? -nano : nano, format });
  // A bound, not a policy: the texts that a cluster uses are few.
  if (cache.size > 10_000) cache.clear();
  cache.set(text, quantity);
  return quantity;
}

const divideUp = (a: bigint, b: bigint): bigint => (a + b - 1n) / b;

/** A quantity from a whole number of units. */
export const quantityOf = (value: number | bigint, format: QuantityFormat = "DecimalSI"): Quantity => ({
  nano: BigInt(value) * NANO,
  format,
});

/** A quantity from thousandths. */
export const milliQuantity = (milli: number, format: QuantityFormat = "DecimalSI"): Quantity => ({
  nano: BigInt(Math.ceil(milli)) * 1_000_000n,
  format,
});

/** Canonical text: the largest suffix that leaves no fraction. */
export function formatQuantity({ nano, format }: Quantity): string {
  if (nano === 0n) return "0";
  const sign = nano < 0n ? "-" : "";
  const value = nano < 0n ? -nano : nano;
  if (format === "BinarySI") {
    // Upstream falls back to decimal for values under 1024 and for fractions.
    if (value % NANO === 0n) {
      let whole = value / NANO;
      if (whole >= 1024n) {
        const suffixes = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
        let i = 0;
        while (whole % 1024n === 0n && i < suffixes.length - 1) {
          whole /= 1024n;
          i++;
        }
        return `${sign}${whole}${suffixes[i]}`;
      }
    }
    return sign + decimal(value, false);
  }
  return sign + decimal(value, format === "DecimalExponent");
}

function decimal(value: bigint, asExponent: boolean): string {
  let mantissa = value;
  let exponent = -9;
  while (exponent < 18 && mantissa % 1000n === 0n) {
    mantissa /= 1000n;
    exponent += 3;
  }
  if (asExponent) return exponent === 0 ? `${mantissa}` : `${mantissa}e${exponent}`;
  const suffix = { "-9": "n", "-6": "u", "-3": "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T", 15: "P", 18: "E" }[
    exponent
  ]!;
  return `${mantissa}${suffix}`;
}

/** The canonical form of a valid text; malformed text is returned as it is. */
export function canonicalQuantity(text: string | number): string {
  const quantity = parseQuantity(text);
  return quantity ? formatQuantity(quantity) : String(text);
}

/** Thousandths, rounded up, as Quantity.MilliValue. */
export const milliValue = (text: string | number | undefined): number => {
  const quantity = text === undefined ? undefined : parseQuantity(text);
  return quantity ? Number(ceilDivide(quantity.nano, 1_000_000n)) : 0;
};

/** Whole units, rounded up, as Quantity.Value. */
export const wholeValue = (text: string | number | undefined): number => {
  const quantity = text === undefined ? undefined : parseQuantity(text);
  return quantity ? Number(ceilDivide(quantity.nano, NANO)) : 0;
};

const ceilDivide = (a: bigint, b: bigint): bigint => (a >= 0n ? (a + b - 1n) / b : a / b);

export function compareQuantities(a: Quantity, b: Quantity): -1 | 0 | 1 {
  return a.nano < b.nano ? -1 : a.nano > b.nano ? 1 : 0;
}

/** The sum; the format is the left one's, or the right one's when the left is zero. */
export const addQuantities = (a: Quantity, b: Quantity): Quantity => ({
  nano: a.nano + b.nano,
  format: a.nano === 0n ? b.format : a.format,
});

export const subtractQuantities = (a: Quantity, b: Quantity): Quantity => ({
  nano: a.nano - b.nano,
  format: a.nano === 0n ? b.format : a.format,
});

export const ZERO_QUANTITY: Quantity = Object.freeze({ nano: 0n, format: "DecimalSI" });
