// Quantities, as far as summing them for a quota needs. Source: Kubernetes, "Quantity".

const factors: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** `500m` → 0.5, `1Gi` → 1073741824; 0 where it is not a quantity. */
export function parseQuantity(text: string): number {
  const found = /^([+-]?[\d.]+(?:[eE][+-]?\d+)?)([A-Za-z]*)$/.exec(text);
  return found === null ? 0 : Number(found[1]) * (factors[found[2] ?? ""] ?? 0);
}

/** A sum in the largest unit of `sample`'s family that leaves a whole number. */
export function formatQuantity(value: number, sample: string): string {
  const isBinary = sample.endsWith("i");
  const units = isBinary ? ["Ei", "Pi", "Ti", "Gi", "Mi", "Ki"] : ["E", "P", "T", "G", "M", "k"];
  if (value === 0) return "0";
  for (const unit of units) {
    const size = factors[unit] ?? 1;
    if (value >= size && Number.isInteger(value / size)) return `${value / size}${unit}`;
  }
  return Number.isInteger(value) ? String(value) : `${Math.round(value * 1000)}m`;
}
