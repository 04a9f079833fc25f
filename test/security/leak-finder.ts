// Secrets that can be found again: texts that stand nowhere else, looked for in every form that they may have taken.
import { randomBytes } from "node:crypto";

/** One secret that was found where it must not be. */
export interface Found {
  readonly name: string;
  readonly form: string;
  /** What stands around it. */
  readonly around: string;
}

type Form = readonly [name: string, text: string];

export class Canaries {
  /** In all that were made here, and nowhere else: letters and digits, so that no encoding but these changes them. */
  readonly #mark = `Lk${randomBytes(9).toString("hex")}`;
  readonly #marks: readonly Form[] = formsOf(this.#mark);
  readonly #others: (readonly [name: string, forms: readonly Form[]])[] = [];

  /** A secret to be planted; with characters that URLs and shells make something of. */
  make(name: string): string {
    return `${this.#mark}-${name}-${name.length}`;
  }

  /** A secret that the program made itself. */
  also(name: string, secret: string): void {
    if (secret.length < 12) throw new Error(`${name} is too short to be looked for`);
    this.#others.push([name, formsOf(secret)]);
  }

  find(text: string): readonly Found[] {
    const found: Found[] = [];
    for (const [form, mark] of this.#marks) {
      for (let at = text.indexOf(mark); at >= 0; at = text.indexOf(mark, at + mark.length))
        found.push({
          name: nameAt(form, text.slice(at, at + 200), mark),
          form,
          around: text.slice(Math.max(0, at - 60), at + 90),
        });
    }
    for (const [name, forms] of this.#others) {
      for (const [form, secret] of forms) {
        const at = text.indexOf(secret);
        if (at >= 0) found.push({ name, form, around: text.slice(Math.max(0, at - 60), at + 90) });
      }
    }
    return found;
  }
}

/** Which canary it is, where the form is one that can be read on. */
function nameAt(form: string, text: string, mark: string): string {
  const plain =
    form === "plain"
      ? text.slice(mark.length)
      : form === "base64 0"
        ? Buffer.from(text, "base64").toString("latin1").slice(20)
        : "";
  return /^-([a-z0-9-]+?)-\d+/.exec(plain)?.[1] ?? "?";
}

/** A secret as it is, in hexadecimal digits, and in base64 wherever it begins in a longer text, also twice over. */
export function formsOf(secret: string): readonly Form[] {
  const once = base64Of(secret);
  return [
    ["plain", secret],
    ...(encodeURIComponent(secret) === secret ? [] : [["URL", encodeURIComponent(secret)] as const]),
    ["hex", Buffer.from(secret).toString("hex")],
    ["HEX", Buffer.from(secret).toString("hex").toUpperCase()],
    ...once.map((text, offset) => [`base64 ${offset}`, text] as const),
    ...once.flatMap((text, offset) =>
      base64Of(text).map((twice, more) => [`base64 ${offset} ${more}`, twice] as const),
    ),
  ];
}

/** What of it is the same in base64 whatever stands before and after, by its distance from a multiple of three. */
function base64Of(text: string): readonly string[] {
  return [0, 1, 2].map((offset) => {
    const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(text)]);
    return bytes.toString("base64").slice(Math.ceil((offset * 8) / 6), Math.floor((bytes.length * 8) / 6));
  });
}
