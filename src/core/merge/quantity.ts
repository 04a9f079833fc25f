// Kubernetes quantities (`500m`, `1Gi`, `1e3`): their value and their canonical text. Pure arithmetic on big integers,
// never on floating point. Source: the API reference, "Quantity".

const pattern = /^([+-]?)(\d*)(?:\.(\d*))?(?:(Ki|Mi|Gi|Ti|Pi|Ei|n|u|m|k|M|G|T|P|E)|[eE]([+-]?\d+))?$/;
const decimalPower: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const decimalSuffix: Readonly<Record<number, string>> = {
  [-9]: "n",
  [-6]: "u",
  [-3]: "m",
  0: "",
  3: "k",
  6: "M",
  9: "G",
  12: "T",
  15: "P",
  18: "E",
};
const binarySuffixes = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
const nano = 1_000_000_000n;
const largest = (2n ** 63n - 1n) * nano;

interface Parsed {
  /** In billionths, rounded away from zero. */
  readonly nanos: bigint;
  readonly form: "decimal" | "binary" | "exponent";
}

function parse(value: unknown): Parsed | undefined {
  if (typeof value !== "string" && typeof value !== "number") return undefined;
  const match = pattern.exec(String(value).trim());
  if (match === null) return undefined;
  const [, sign, whole = "", fraction = "", suffix, exponent] = match;
  if (whole === "" && fraction === "") return undefined;
  const power = exponent === undefined ? (decimalPower[suffix ?? ""] ?? 0) : Number(exponent);
  if (Math.abs(power) > 64) return undefined;
  let scaled = BigInt(whole + fraction);
  const binary = suffix !== undefined && suffix.endsWith("i");
  if (binary) scaled *= 1024n ** BigInt(binarySuffixes.indexOf(suffix));
  const shift = power + 9 - fraction.length;
  let nanos: bigint;
  if (shift >= 0) nanos = scaled * 10n ** BigInt(shift);
  else {
    const divisor = 10n ** BigInt(-shift);
    nanos = (scaled + divisor - 1n) / divisor;
  }
  if (nanos > largest) nanos = largest;
  return {
    nanos: sign === "-" ? -nanos : nanos,
    form: binary ? "binary" : exponent === undefined ? "decimal" : "exponent",
  };
}

/** The value in billionths (rounded away from zero, capped at 2^63-1 as Kubernetes does), or undefined if it is none. */
export function quantityNanos(value: unknown): bigint | undefined {
  return parse(value)?.nanos;
}

/**
 * Whether two quantities are the same amount, to the thousandth (rounded up, as resource lists are stored) where told so;
 * undefined where one of them is no quantity.
 */
export function sameQuantity(a: unknown, b: unknown, scale?: "milli"): boolean | undefined {
  const left = parse(a);
  const right = parse(b);
  if (left === undefined || right === undefined) return undefined;
  return scale === undefined ? left.nanos === right.nanos : millis(left.nanos) === millis(right.nanos);
}

/** Thousandths, rounded away from zero. */
function millis(nanos: bigint): bigint {
  return nanos < 0n ? -((-nanos + 999_999n) / 1_000_000n) : (nanos + 999_999n) / 1_000_000n;
}

/** The text that the API server stores for a quantity (`0.5` → `500m`, `1024Ki` → `1Mi`); undefined if it is none. */
export function canonicalQuantity(value: unknown): string | undefined {
  const parsed = parse(value);
  if (parsed === undefined) return undefined;
  const negative = parsed.nanos < 0n;
  const size = negative ? -parsed.nanos : parsed.nanos;
  if (size === 0n) return "0";
  const text = parsed.form === "binary" && size >= 1024n * nano ? binaryText(size) : decimalText(size, parsed.form);
  return negative ? `-${text}` : text;
}

function binaryText(size: bigint): string {
  let mantissa = (size + nano - 1n) / nano;
  let step = 0;
  while (step < 6 && mantissa % 1024n === 0n) {
    mantissa /= 1024n;
    step++;
  }
  return `${mantissa}${binarySuffixes[step]}`;
}

function decimalText(size: bigint, form: Parsed["form"]): string {
  let mantissa = size;
  let power = -9;
  while (power < 18 && mantissa % 1000n === 0n) {
    mantissa /= 1000n;
    power += 3;
  }
  return form === "exponent" ? `${mantissa}${power === 0 ? "" : `e${power}`}` : `${mantissa}${decimalSuffix[power]}`;
}
